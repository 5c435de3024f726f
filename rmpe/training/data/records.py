"""One training example, and a batch of them: what the sampler gives and the losses take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.training.losses.published import JointTruth

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


class CropRecord(NamedTuple):
    """One training example."""

    crop_bgr: ImageArray
    """(H, W, 3)."""
    keypoints_xy: FloatArray
    """(K, 2), pixels of the crop."""
    weights: FloatArray
    """(K,)."""
    others_xy: FloatArray
    """(M, K, 2), joints of other people, M being ``INTERFERING_PEOPLE`` or 0."""
    others_weights: FloatArray
    """(M, K)."""
    absent: FloatArray
    """1 for annotated joints that are not in the crop, (K,)."""
    teacher: NDArray[np.float16]
    """A teacher's logarithms of probabilities of the first joints, (T, h, w); T may be 0."""
    teacher_weights: FloatArray
    """(T,); 0 for everybody without a teacher."""
    theta: FloatArray
    """(2, 3), normalised map from the network's own crop of the true box to this crop."""
    skipped: tuple[str, ...]
    """Pictures that could not be read on the way to this one."""


class CropBatch(NamedTuple):
    """N examples."""

    crops_bgr: Tensor
    """uint8 (N, H, W, 3)."""
    truth: JointTruth
    """Joints of the N people and of those around them."""
    absent: Tensor
    """1 for annotated joints that are not in the crop, (N, K)."""
    teacher: Tensor
    """A teacher's logarithms of probabilities of the first T joints, (N, T, h, w)."""
    teacher_weights: Tensor
    """(N, T)."""
    theta: Tensor
    """(N, 2, 3), as in :class:`CropRecord`."""
    skipped: list[str]
    """Pictures that could not be read."""


def collate(records: Sequence[CropRecord]) -> CropBatch:
    """Return the records as one batch."""

    def stack(values: Sequence[NDArray]) -> Tensor:
        return torch.from_numpy(np.stack(values))

    truth = JointTruth(
        stack([r.keypoints_xy for r in records]),
        stack([r.weights for r in records]),
        stack([r.others_xy for r in records]),
        stack([r.others_weights for r in records]),
    )
    return CropBatch(
        stack([r.crop_bgr for r in records]),
        truth,
        stack([r.absent for r in records]),
        stack([r.teacher for r in records]),
        stack([r.teacher_weights for r in records]),
        stack([r.theta for r in records]),
        [line for r in records for line in r.skipped],
    )
