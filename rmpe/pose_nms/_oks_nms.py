"""Suppression by object keypoint similarity, hard and soft, as HRNet's evaluation does it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.records import Poses

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CROP_GROWTH = 1.25**2
"""HRNet takes the crop's area: its box is the person's, grown by 1.25 each way."""


def pose_similarity(keypoints_xy: ArrayLike, areas: ArrayLike, sigmas: ArrayLike) -> Floats:
    """Return the OKS (N, N) of every two poses; every joint counts, whatever its score.

    The scale of a pair is the mean of its areas, ``exp(-d^2 / (2 sigma)^2 / area / 2)``.

    Args:
        keypoints_xy: joints in pixels, (N, K, 2).
        areas: in square pixels, (N,).
        sigmas: the skeleton's standard deviations, (K,).
    """
    xy = np.asarray(keypoints_xy, np.float64)
    sizes = np.asarray(areas, np.float64)
    variances = (2 * np.asarray(sigmas, np.float64)) ** 2
    if len(variances) != xy.shape[1]:
        raise ValueError(
            f"got poses of {xy.shape[1]} joints and {len(variances)} sigmas: "
            "take the sigmas of the poses' skeleton"
        )
    # (N, 1, K, 2) - (1, N, K, 2) -> (N, N, K).
    squared = ((xy[:, None] - xy[None]) ** 2).sum(-1)
    mean_area = (sizes[:, None] + sizes[None]) / 2 + np.spacing(1.0)
    return np.asarray(np.exp(-squared / (2 * variances * mean_area[..., None])).mean(-1))


def hard_order(similarity: Floats, scores: ArrayLike, threshold: float = 0.9) -> Ints:
    """Return the rows kept, in order of keeping: a row falls to a better one above ``threshold``.

    Args:
        similarity: (N, N).
        scores: (N,); equal ones are taken in order.
        threshold: highest similarity that two kept rows may have.
    """
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    kept: list[int] = []
    while len(order):
        best = order[0]
        kept.append(int(best))
        rest = order[1:]
        order = rest[similarity[best, rest] <= threshold]
    return np.array(kept, np.int64)


def soft_order(
    similarity: Floats, scores: ArrayLike, threshold: float = 0.9, limit: int = 20
) -> tuple[Ints, Floats]:
    """Return at most ``limit`` rows in order of keeping, and the scores they had by then.

    Each kept row multiplies the scores of the others by ``exp(-similarity^2 / threshold)``.

    Args: as :func:`hard_order`.
    """
    values = np.asarray(scores, np.float64)
    order = np.argsort(-values, kind="stable")
    values = values[order]
    kept: list[int] = []
    final: list[float] = []
    while len(order) and len(kept) < limit:
        best = order[0]
        kept.append(int(best))
        final.append(float(values[0]))
        order = order[1:]
        values = values[1:] * np.exp(-(similarity[best, order] ** 2) / threshold)
        again = np.argsort(-values, kind="stable")
        order, values = order[again], values[again]
    return np.array(kept, np.int64), np.array(final)


def oks_nms(
    poses: Poses,
    sigmas: ArrayLike,
    threshold: float = 0.9,
    *,
    soft: bool = False,
    limit: int = 20,
    areas: ArrayLike | None = None,
) -> Poses:
    """Return the poses of a frame without those too similar to a better one.

    Args:
        poses: candidates of one frame, ordered here by ``poses.scores``.
        sigmas: the skeleton's standard deviations, (K,).
        threshold: highest similarity of two kept poses; in the soft form the decay's width.
        soft: lower the scores of similar poses instead of removing them.
        limit: most poses that the soft form keeps.
        areas: in square pixels, (N,); without them the box's area times 1.25^2.

    Returns:
        The poses kept, best first; the soft form gives them their lowered scores.

    Raises:
        ValueError: a score, joint or box is not a finite number, the sigmas do not fit, or the
            threshold is not above 0.
    """
    if not threshold > 0:
        raise ValueError(f"got an OKS threshold of {threshold}, needed is a number above 0")
    for name in ("scores", "keypoints_xy", "boxes_xyxy"):
        if not np.isfinite(getattr(poses, name)).all():
            raise ValueError(f"{name} holds a value that is not a finite number")
    if areas is None:
        size = poses.boxes_xyxy[:, 2:].astype(np.float64) - poses.boxes_xyxy[:, :2]
        areas = _CROP_GROWTH * size[:, 0] * size[:, 1]
    similarity = pose_similarity(poses.keypoints_xy, areas, sigmas)
    if not soft:
        return poses.select(hard_order(similarity, poses.scores, threshold))
    rows, scores = soft_order(similarity, poses.scores, threshold, limit)
    return replace(poses.select(rows), scores=scores.astype(np.float32))
