"""Truth and predictions side by side, frame by frame, with the overlap of every pair of boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpe.evaluation.mot._boxes import MotBoxes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROUNDING = float(np.finfo(np.float64).eps)
"""How much below a threshold an overlap may lie, as TrackEval has it."""


@dataclass(frozen=True, eq=False)
class PairedFrame:
    """One frame: T true boxes and P predicted ones."""

    truths: IntArray
    """Rows of the true identities, from 0 without gaps over the clip, (T,)."""
    found: IntArray
    """Rows of the predicted identities, (P,)."""
    overlaps: FloatArray
    """Intersection over union, (T, P)."""


@dataclass(frozen=True, eq=False)
class PairedClip:
    """Every frame in which there is a true or a predicted box, in order."""

    frames: tuple[PairedFrame, ...]
    truth_lengths: IntArray
    """Boxes of each true identity, (I,)."""
    found_lengths: IntArray
    """Boxes of each predicted identity, (J,)."""

    @property
    def truths(self) -> int:
        """Number of true boxes."""
        return int(self.truth_lengths.sum())

    @property
    def found(self) -> int:
        """Number of predicted boxes."""
        return int(self.found_lengths.sum())


def pair_frames(truth: MotBoxes, predictions: MotBoxes) -> PairedClip:
    """Return both side by side; identities are numbered anew in rising order."""
    truth_ids, truth_rows = np.unique(truth.ids, return_inverse=True)
    found_ids, found_rows = np.unique(predictions.ids, return_inverse=True)
    frames = []
    for frame in np.union1d(truth.frames, predictions.frames).tolist():
        mine, theirs = truth.frames == frame, predictions.frames == frame
        frames.append(
            PairedFrame(
                truth_rows[mine].astype(np.int64),
                found_rows[theirs].astype(np.int64),
                box_overlaps(truth.boxes_xywh[mine], predictions.boxes_xywh[theirs]),
            )
        )
    return PairedClip(
        tuple(frames),
        np.bincount(truth_rows, minlength=len(truth_ids)).astype(np.int64),
        np.bincount(found_rows, minlength=len(found_ids)).astype(np.int64),
    )


def box_overlaps(first_xywh: FloatArray, second_xywh: FloatArray) -> FloatArray:
    """Return intersection over union in 64 bit, (N, 4) x (M, 4) -> (N, M)."""
    first, second = first_xywh[:, None], second_xywh[None]
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    shared = np.maximum(high - low, 0.0).prod(-1)
    union = first[..., 2:].prod(-1) + second[..., 2:].prod(-1) - shared
    return np.asarray(shared / np.maximum(union, ROUNDING), np.float64)
