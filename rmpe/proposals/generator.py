"""How a detector's boxes lie around the true ones, by atomic pose, and samples of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import gaussian_kde

from rmpe.geometry.boxes import box_iou_matrix
from rmpe.proposals.atomic import AtomicPoses
from rmpe.skeletons import get_skeleton

FloatArray = NDArray[np.float64]

SMALLEST_SAMPLE = 12
"""Below this many offsets an atomic pose uses those of all poses."""


def match_boxes(
    true_xyxy: ArrayLike, detected_xyxy: ArrayLike, least_iou: float = 0.3
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of true and of detected boxes that belong together, each used once.

    Args:
        true_xyxy: (N, 4), pixels.
        detected_xyxy: (M, 4), pixels.
        least_iou: pairs below this overlap are left out.
    """
    iou = box_iou_matrix(true_xyxy, detected_xyxy)
    first, second = linear_sum_assignment(iou, maximize=True)
    good = iou[first, second] >= least_iou
    return first[good].astype(np.int64), second[good].astype(np.int64)


def side_offsets(true_xyxy: ArrayLike, detected_xyxy: ArrayLike) -> FloatArray:
    """Return detected minus true side over the true box's width or height, (N, 4) x1 y1 x2 y2."""
    true = np.asarray(true_xyxy, np.float64)
    sides = np.tile(true[:, 2:] - true[:, :2], 2)
    return (np.asarray(detected_xyxy, np.float64) - true) / np.maximum(sides, 1e-6)


@dataclass(frozen=True, eq=False)
class ProposalGenerator:
    """Samples boxes around a person as the detector would have put them.

    P(offset | atomic pose) is a Gaussian mixture with one component for every offset that was seen
    (a kernel density with Scott's bandwidth), so nothing is assumed of its shape.
    """

    atomic: AtomicPoses
    """The shapes that are told apart."""
    offsets: FloatArray
    """Offsets that were seen, (M, 4), over the true box's sides."""
    labels: NDArray[np.int64]
    """Atomic pose of each, (M,)."""

    @classmethod
    def fit(
        cls,
        atomic: AtomicPoses,
        keypoints_xy: ArrayLike,
        visible: ArrayLike,
        true_xyxy: ArrayLike,
        detected_xyxy: ArrayLike,
    ) -> ProposalGenerator:
        """Return the generator of M people whose detected box is known.

        Args:
            atomic: the shapes to tell apart.
            keypoints_xy: their joints, (M, K, 2), pixels.
            visible: (M, K), > 0 where the joint is known.
            true_xyxy: their true boxes, (M, 4), pixels.
            detected_xyxy: the detector's boxes, (M, 4), pixels.

        Raises:
            ValueError: too few people to estimate a density of four numbers.
        """
        offsets = side_offsets(true_xyxy, detected_xyxy)
        if len(offsets) < SMALLEST_SAMPLE:
            raise ValueError(f"got {len(offsets)} detected people, needed are {SMALLEST_SAMPLE}")
        return cls(atomic, offsets, atomic.classify(keypoints_xy, visible))

    def seen_offsets(self, label: int) -> FloatArray:
        """Return the offsets (L, 4) that stand for an atomic pose; all of them if it has few."""
        own = self.offsets[self.labels == label]
        return own if label >= 0 and len(own) >= SMALLEST_SAMPLE else self.offsets

    def sample(
        self,
        keypoints_xy: ArrayLike,
        visible: ArrayLike,
        box_xyxy: ArrayLike,
        count: int,
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Return ``count`` boxes (count, 4) for one person.

        Args:
            keypoints_xy: the person's joints, (K, 2), pixels.
            visible: (K,), > 0 where the joint is known.
            box_xyxy: the true box, (4,), pixels.
            count: number of boxes wanted.
            rng: source of randomness.
        """
        label = int(
            self.atomic.classify(np.asarray(keypoints_xy)[None], np.asarray(visible)[None])[0]
        )
        seen = self.seen_offsets(label)
        # A detector that is exact on one side would make the density's covariance singular.
        spread = seen + rng.normal(0, 1e-4, seen.shape)
        offsets = gaussian_kde(spread.T).resample(count, seed=rng).T
        box = np.asarray(box_xyxy, np.float64)
        sides = np.tile(box[2:] - box[:2], 2)
        corners = box + offsets * sides
        low, high = (
            np.minimum(corners[:, :2], corners[:, 2:]),
            np.maximum(corners[:, :2], corners[:, 2:]),
        )
        return np.concatenate([low, high], 1).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the generator to an ``.npz`` file."""
        np.savez_compressed(
            path,
            centres=self.atomic.centres,
            skeleton=np.array(self.atomic.skeleton.name),
            offsets=self.offsets,
            labels=self.labels,
        )

    @classmethod
    def load(cls, path: Path) -> ProposalGenerator:
        """Read a generator that :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            atomic = AtomicPoses(stored["centres"], get_skeleton(str(stored["skeleton"])))
            return cls(atomic, stored["offsets"], stored["labels"])
