"""Atomic poses: the few shapes that the poses of a data set fall into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.vq import kmeans2

from rmpe.skeletons import Skeleton

FloatArray = NDArray[np.float64]


def align_poses(
    keypoints_xy: ArrayLike, visible: ArrayLike, skeleton: Skeleton
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return poses moved and scaled so that all torsos are equal.

    The middle of the visible shoulders and hips goes to the origin and the mean distance between
    them on either side becomes 1; a pose without a shoulder and a hip cannot be aligned.

    Args:
        keypoints_xy: (N, K, 2), pixels.
        visible: (N, K), > 0 where the joint is known.
        skeleton: of the poses.

    Returns:
        Aligned poses (N, K, 2), nan where a joint is unknown, and which could be aligned (N,).
    """
    known = np.asarray(visible) > 0
    points = np.where(known[..., None], np.asarray(keypoints_xy, np.float64), np.nan)
    shoulders = _mean_of(points, skeleton, "shoulder")
    hips = _mean_of(points, skeleton, "hip")
    torso = np.linalg.norm(shoulders - hips, axis=-1)
    usable = torso > 1e-6
    scale = np.where(usable, torso, 1.0)[:, None, None]
    return (points - ((shoulders + hips) / 2)[:, None]) / scale, usable


def _mean_of(points: FloatArray, skeleton: Skeleton, part: str) -> FloatArray:
    """Return the middle (N, 2) of the known left and right joints of a body part, else nan."""
    places = [skeleton.index(f"{side}_{part}") for side in ("left", "right")]
    chosen = points[:, places]
    count = np.isfinite(chosen).sum(1)
    return np.where(count > 0, np.nansum(chosen, 1) / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, eq=False)
class AtomicPoses:
    """Cluster centres of aligned poses."""

    centres: FloatArray
    """(A, K, 2), in torso lengths about the torso's middle."""
    skeleton: Skeleton
    """Of the centres."""

    @classmethod
    def cluster(
        cls,
        keypoints_xy: ArrayLike,
        visible: ArrayLike,
        skeleton: Skeleton,
        count: int = 16,
        seed: int = 0,
    ) -> AtomicPoses:
        """Return the atomic poses of a data set by k-means.

        Args:
            keypoints_xy: (N, K, 2), pixels.
            visible: (N, K), > 0 where the joint is known.
            skeleton: of the poses.
            count: number of clusters wanted; empty ones are left out.
            seed: of the k-means++ start.

        Raises:
            ValueError: fewer poses than clusters can be aligned.
        """
        aligned, usable = align_poses(keypoints_xy, visible, skeleton)
        aligned = aligned[usable]
        if len(aligned) < count:
            raise ValueError(
                f"got {len(aligned)} poses with shoulders and hips, {count} clusters need as many"
            )
        known = np.isfinite(aligned)
        mean = np.where(known, aligned, 0).sum(0) / np.maximum(known.sum(0), 1)
        rows = np.where(known, aligned, mean).reshape(len(aligned), -1)
        centres, label = kmeans2(rows, count, minit="++", seed=seed, missing="warn")
        used = np.unique(label)
        shape = (len(used), skeleton.joint_count, 2)
        return cls(np.asarray(centres[used], np.float64).reshape(shape), skeleton)

    def classify(self, keypoints_xy: ArrayLike, visible: ArrayLike) -> NDArray[np.int64]:
        """Return the nearest atomic pose of each pose, (N,), by its known joints.

        A pose that cannot be aligned gets -1.
        """
        aligned, usable = align_poses(keypoints_xy, visible, self.skeleton)
        gap = aligned[:, None] - self.centres[None]
        squared = np.nansum(gap**2, axis=(2, 3))
        return np.where(usable, squared.argmin(1), -1).astype(np.int64)
