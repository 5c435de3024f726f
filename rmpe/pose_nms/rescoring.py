"""Score of a whole pose from its box and its joints, by the rules of the families."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.records import Poses

Floats = NDArray[np.float64]


def hrnet_score(
    box_scores: ArrayLike, keypoint_scores: ArrayLike, threshold: float = 0.2
) -> Floats:
    """Return box score times the mean of the joint scores above ``threshold``, (N,).

    0 where no joint is above it. HRNet and SimpleBaseline.

    Args:
        box_scores: (N,).
        keypoint_scores: (N, K).
        threshold: joints must score more than this.
    """
    scores = np.asarray(keypoint_scores)
    counted = scores > threshold
    scores = scores.astype(np.float64)
    mean = (scores * counted).sum(-1) / np.maximum(counted.sum(-1), 1)
    return np.asarray(np.asarray(box_scores, np.float64) * mean)


def mspn_score(box_scores: ArrayLike, keypoint_scores: ArrayLike) -> Floats:
    """Return box score (N,) times the mean of the joint scores (N, K). MSPN, RSN and CPN."""
    return np.asarray(
        np.asarray(box_scores, np.float64) * np.asarray(keypoint_scores, np.float64).mean(-1)
    )


def proposal_score(box_scores: ArrayLike, keypoint_scores: ArrayLike) -> Floats:
    """Return AlphaPose's mean + box score + 1.25 * max, (N,), which is not in 0..1."""
    scores = np.asarray(keypoint_scores, np.float64)
    return np.asarray(scores.mean(-1) + np.asarray(box_scores, np.float64) + 1.25 * scores.max(-1))


SCORE_RULES: dict[str, Callable[[ArrayLike, ArrayLike], Floats]] = {
    "hrnet": hrnet_score,
    "mspn": mspn_score,
    "mean": mspn_score,
    "alphapose": proposal_score,
}


def rescore(poses: Poses, rule: str) -> Poses:
    """Return the poses under the scores that a rule of ``SCORE_RULES`` gives them.

    Raises:
        ValueError: there is no such rule; the message lists the names.
    """
    if rule not in SCORE_RULES:
        raise ValueError(f"got score rule {rule!r}, supported are {', '.join(SCORE_RULES)}")
    if len(poses) == 0:
        return poses
    scores = SCORE_RULES[rule](poses.box_scores, poses.keypoint_scores)
    return replace(poses, scores=scores.astype(np.float32))
