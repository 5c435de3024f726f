"""Fitting the parameters of pose-NMS on a validation set, by average precision.

Fang et al., RMPE, ICCV 2017, section 3.3: two parameters are searched while the others are fixed,
in turn, until nothing changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.oks import oks_matrix
from rmpe.pose_nms._suppress import pose_nms
from rmpe.pose_nms.parameters import ALPHAPOSE, PoseNmsParameters
from rmpe.records import Poses

logger = logging.getLogger(__name__)

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""OKS from which on a pose is right: COCO's .50:.05:.95."""
_RECALLS = np.linspace(0, 1, 101)
"""Where COCO reads the precision."""
_STEPS = (4.0, 2.0, 1.3, 1.1)
"""Ratio between neighbouring values of the search, coarse to fine."""
_PAIRS: tuple[tuple[str, str], ...] = (("delta1", "delta2"), ("mu", "gamma"))
_COUNT_PAIR = ("alpha", "match_threshold")
"""AlphaPose's count rule suppresses most poses, so its two constants are searched as well."""


@dataclass(frozen=True, eq=False)
class ValidationFrame:
    """One picture of the validation set: what a network proposed, and what is there."""

    candidates: Poses
    """Poses before any suppression."""
    truth_xy: NDArray[np.float32]
    """True joints in pixels, (M, K, 2)."""
    truth_visible: NDArray[np.bool_]
    """Which of them are annotated, (M, K); people without any are left out."""
    truth_areas: NDArray[np.float32]
    """Areas in square pixels, (M,)."""
    ignored_boxes_xyxy: NDArray[np.float32]
    """Crowds and people without annotated joints, (B, 4): poses inside them do not count."""


@dataclass(frozen=True)
class LearnedParameters:
    """What the search found."""

    parameters: PoseNmsParameters
    """The best set."""
    average_precision: float
    """Its AP on the frames that were searched on."""
    start_average_precision: float
    """AP of the set that the search started from."""
    evaluations: int
    """How many sets were tried."""


def average_precision(
    frames: Sequence[ValidationFrame],
    sigmas: ArrayLike,
    parameters: PoseNmsParameters | None,
    max_people: int = 20,
) -> float:
    """Return COCO's keypoint AP (OKS .50:.05:.95) after pose-NMS; 0 if nobody is annotated.

    Args:
        frames: the validation set.
        sigmas: the skeleton's standard deviations, (K,).
        parameters: of the pose-NMS; None suppresses nothing.
        max_people: most poses of a picture that count, the best.
    """
    scores, hits, counted = [np.zeros(0)], [np.zeros((len(_THRESHOLDS), 0), bool)], 0
    for frame in frames:
        poses = frame.candidates
        if parameters is not None:
            poses = pose_nms(poses, parameters)
        poses = poses.select(np.argsort(-poses.scores, kind="stable")[:max_people])
        annotated = frame.truth_visible.any(1)
        counted += int(annotated.sum())
        similarity = oks_matrix(
            poses.keypoints_xy,
            frame.truth_xy[annotated],
            frame.truth_visible[annotated],
            frame.truth_areas[annotated],
            sigmas,
        )
        found = _matches(similarity)  # (T, N), T thresholds of OKS
        used = found.any(0) | ~inside_any(poses, frame.ignored_boxes_xyxy)
        scores.append(poses.scores[used].astype(np.float64))
        hits.append(found[:, used])
    if counted == 0:
        return 0.0
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return _mean_precision(np.concatenate(hits, 1)[:, order], counted)


def _matches(similarity: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which poses find a truth of their own at each threshold, (T, N); best poses first."""
    pose_count, truth_count = similarity.shape
    found = np.zeros((len(_THRESHOLDS), pose_count), bool)
    if truth_count == 0:
        return found
    free = np.ones((len(_THRESHOLDS), truth_count), bool)
    rows = np.arange(len(_THRESHOLDS))
    for pose in range(pose_count):
        open_similarity = np.where(free, similarity[pose], -1.0)
        best = open_similarity.argmax(1)
        found[:, pose] = open_similarity[rows, best] >= _THRESHOLDS
        free[rows, best] &= ~found[:, pose]
    return found


def inside_any(poses: Poses, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return whose middle of the joints lies in one of the boxes, (N,)."""
    middle = poses.keypoints_xy.mean(1)[:, None]
    inside = (middle >= boxes_xyxy[None, :, :2]) & (middle <= boxes_xyxy[None, :, 2:])
    return np.asarray(inside.all(-1).any(-1))


def _mean_precision(hits: NDArray[np.bool_], truth_count: int) -> float:
    """Return the mean over thresholds of the interpolated precision of hits (T, N), best first."""
    true = hits.cumsum(1)
    precision = true / np.arange(1, hits.shape[1] + 1)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    total = 0.0
    for row, recall in zip(precision, true / truth_count):
        places = np.searchsorted(recall, _RECALLS, side="left")
        total += float(np.append(row, 0.0)[places].mean())
    return total / len(hits)


def learn_parameters(
    frames: Sequence[ValidationFrame],
    sigmas: ArrayLike,
    start: PoseNmsParameters = ALPHAPOSE,
    progress: Callable[[int, float], None] | None = None,
) -> LearnedParameters:
    """Return the parameters with the highest AP that the search finds.

    Args:
        frames: the validation set; keep some pictures aside to see what the gain is worth.
        sigmas: the skeleton's standard deviations, (K,).
        start: the rule and the first values.
        progress: called after every evaluation with their number and the best AP so far.

    Raises:
        ValueError: nobody in the set has an annotated joint.
    """
    if not any(frame.truth_visible.any() for frame in frames):
        raise ValueError("nobody in the validation set has an annotated joint: nothing to fit to")
    tried: dict[PoseNmsParameters, float] = {}

    def precision(parameters: PoseNmsParameters) -> float:
        if parameters not in tried:
            tried[parameters] = average_precision(frames, sigmas, parameters)
            if progress is not None:
                progress(len(tried), max(tried.values()))
        return tried[parameters]

    best = start
    start_precision = precision(start)
    pairs = (*_PAIRS, _COUNT_PAIR) if start.rule == "alphapose" else _PAIRS
    for step in _STEPS:
        changed = True
        while changed:
            changed = False
            for pair in pairs:
                # The value at hand wins a tie: a flat direction is not wandered along.
                winner = max([best, *_neighbours(best, pair, step)], key=precision)
                if winner != best:
                    logger.info("%s, %s: AP %.4f", *pair, precision(winner))
                    best, changed = winner, True
    return LearnedParameters(best, precision(best), start_precision, len(tried))


def _neighbours(
    centre: PoseNmsParameters, pair: tuple[str, str], step: float
) -> Iterator[PoseNmsParameters]:
    """Yield the sets around ``centre`` with two parameters on a 5x5 grid of ratio ``step``."""
    for first in _values(centre, pair[0], step):
        for second in _values(centre, pair[1], step):
            changes: dict[str, Any] = {pair[0]: first, pair[1]: second}
            yield replace(centre, **changes)


def _values(centre: PoseNmsParameters, name: str, step: float) -> list[float]:
    """Return five values around the parameter's own; joints are counted in whole numbers."""
    value = float(getattr(centre, name))
    if name == "match_threshold":
        stride = 2 if step >= 2 else 1
        return [max(1.0, value + stride * k) for k in (-2, -1, 0, 1, 2)]
    return [float(f"{value * step**k:.6g}") for k in (-2, -1, 0, 1, 2)]
