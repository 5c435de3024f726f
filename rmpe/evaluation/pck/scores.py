"""PCK: the share of joints within a part of a reference length (LSP and LSPET: 0.2 torsos).

Yang and Ramanan, "Articulated human detection with flexible mixtures of parts", TPAMI 2013.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.skeletons import Skeleton

FloatArray = NDArray[np.float64]

# Joints that LSP's PCK is usually quoted on: the limbs, without neck and head top.
LIMB_JOINTS = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)


@dataclass(frozen=True)
class PckScores:
    """Shares of joints that are close enough."""

    threshold: float
    """Allowed distance in reference lengths."""
    by_joint: Mapping[str, float]
    """Share of each joint, 0..1; NaN for a joint that is nowhere visible."""
    counts: Mapping[str, int]
    """Visible joints of each kind."""
    mean: float
    """Share of all visible joints counted, 0..1; NaN if there are none."""

    def to_json(self) -> dict[str, Any]:
        """Return the scores for a file."""
        return {
            "PCK": self.mean,
            "threshold": self.threshold,
            "by_joint": dict(self.by_joint),
            "counts": dict(self.counts),
        }

    def table(self) -> list[str]:
        """Return the printout: a line a joint and the mean, in per cent."""
        rows = [(joint, self.by_joint[joint], self.counts[joint]) for joint in self.by_joint]
        rows.append((f"PCK@{self.threshold:g}", self.mean, sum(self.counts.values())))
        return [f"{name:<16} {100 * share:6.2f} %  of {count}" for name, share, count in rows]


def pck_scores(
    predicted_xy: ArrayLike,
    truth_xy: ArrayLike,
    visible: ArrayLike,
    reference_lengths: ArrayLike,
    skeleton: Skeleton,
    threshold: float = 0.2,
    joints: Sequence[str] = LIMB_JOINTS,
) -> PckScores:
    """Return the share of joints whose error is at most ``threshold`` reference lengths.

    Args:
        predicted_xy: joints in pixels, (N, K, 2).
        truth_xy: true joints in pixels, (N, K, 2).
        visible: which true joints count, (N, K).
        reference_lengths: torso or head size of each person in pixels, (N,).
        skeleton: names of the K joints.
        threshold: allowed error in reference lengths.
        joints: names of the joints to count.

    Raises:
        ValueError: shapes differ, or a counted person has no reference length.
    """
    predicted, truth = np.asarray(predicted_xy, np.float64), np.asarray(truth_xy, np.float64)
    counted = np.asarray(visible, bool)
    lengths = np.asarray(reference_lengths, np.float64)
    shape = (len(truth), skeleton.joint_count)
    if not (predicted.shape == truth.shape == (*shape, 2) and counted.shape == shape):
        raise ValueError(
            f"got joints {predicted.shape} and {truth.shape}, visibility {counted.shape}; "
            f"needed are {(*shape, 2)} and {shape}"
        )
    places = [skeleton.index(joint) for joint in joints]
    counted = counted[:, places]
    if not (lengths[counted.any(1)] > 0).all():
        raise ValueError("a person with visible joints has no reference length above 0")
    errors = np.linalg.norm(predicted[:, places] - truth[:, places], axis=-1)
    close = counted & (errors <= threshold * lengths[:, None])
    counts, right = counted.sum(0), close.sum(0)
    return PckScores(
        threshold=threshold,
        by_joint={
            joint: float(good / count) if count else float("nan")
            for joint, good, count in zip(joints, right, counts)
        },
        counts={joint: int(count) for joint, count in zip(joints, counts)},
        mean=float(right.sum() / counts.sum()) if counts.sum() else float("nan"),
    )


@dataclass(frozen=True, eq=False)
class JointErrors:
    """How far every counted joint of single people is off: for curves and the worst pictures."""

    measure: str
    """Name of the score, such as ``PCKh@0.5``."""
    unit: str
    """Reference length, such as ``heads``."""
    threshold: float
    """Allowed error in reference lengths."""
    joints: tuple[str, ...]
    """Names of the J joints that count."""
    errors: FloatArray
    """Errors in reference lengths, (N, J); NaN where a joint is not annotated."""
    predicted_xy: FloatArray
    """All K predicted joints in pixels, (N, K, 2)."""

    @property
    def right(self) -> FloatArray:
        """Share of each person's annotated joints that are right, (N,); NaN without any."""
        known = ~np.isnan(self.errors)
        close = (known & (self.errors <= self.threshold)).sum(1)
        return np.where(known.any(1), close / np.maximum(known.sum(1), 1), np.nan)

    def shares(self, columns: Sequence[int], limits: ArrayLike) -> FloatArray:
        """Return the share of the joints of some columns within each limit, (L,); 0 without any."""
        chosen = self.errors[:, columns]
        chosen = np.sort(chosen[~np.isnan(chosen)])
        within = np.searchsorted(chosen, np.asarray(limits, np.float64), side="right")
        return np.asarray(within / max(len(chosen), 1), np.float64)


def relative_errors(
    predicted_xy: ArrayLike,
    truth_xy: ArrayLike,
    visible: ArrayLike,
    reference_lengths: ArrayLike,
    places: Sequence[int],
) -> FloatArray:
    """Return errors in reference lengths of the joints at ``places``, (N, J).

    NaN where a joint is not annotated, infinite where it is and nothing is predicted. The other
    arguments are those of :func:`pck_scores`.
    """
    chosen = list(places)
    truth, counted = np.asarray(truth_xy, np.float64), np.asarray(visible, bool)[:, chosen]
    distances = np.linalg.norm(np.asarray(predicted_xy, np.float64) - truth, axis=-1)[:, chosen]
    lengths = np.maximum(np.asarray(reference_lengths, np.float64), np.spacing(1))[:, None]
    relative = np.where(np.isnan(distances), np.inf, distances / lengths)
    return np.where(counted, relative, np.nan)


def torso_lengths(truth_xy: ArrayLike, visible: ArrayLike, skeleton: Skeleton) -> FloatArray:
    """Return each person's torso in pixels: mean of the annotated left and right shoulder–hip.

    The diagonals left shoulder–right hip and right shoulder–left hip count as well; a person is at
    least a fifth of the visible joints' extent, so that a bent-over body keeps a sensible length.

    Args:
        truth_xy: joints in pixels, (N, K, 2).
        visible: which joints are annotated, (N, K).
        skeleton: names of the K joints.

    Returns:
        Lengths, (N,); 0 where nothing is visible.
    """
    points, seen = np.asarray(truth_xy, np.float64), np.asarray(visible, bool)
    total, number = np.zeros(len(points)), np.zeros(len(points))
    for shoulder in ("left_shoulder", "right_shoulder"):
        for hip in ("left_hip", "right_hip"):
            first, second = skeleton.index(shoulder), skeleton.index(hip)
            both = seen[:, first] & seen[:, second]
            total += np.where(both, np.linalg.norm(points[:, first] - points[:, second], axis=1), 0)
            number += both
    low = np.where(seen[..., None], points, np.inf).min(1)
    high = np.where(seen[..., None], points, -np.inf).max(1)
    extent = np.where(seen.any(1), (high - low).max(1), 0)
    return np.maximum(total / np.maximum(number, 1), 0.2 * extent)
