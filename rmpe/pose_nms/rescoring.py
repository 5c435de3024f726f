"""Score of a whole pose from its box and its joints, by the rules of the families."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.records import FloatArray

ScoreRule = Literal["mean", "hrnet"]
"""``mean``: of all joints (MSPN, RSN, CPN); ``hrnet``: of those above 0.2 (HRNet and others)."""

HRNET_THRESHOLD = 0.2
"""Joints below it do not count for the pose's score, as in HRNet's evaluation."""


def joint_mean(keypoint_scores: ArrayLike, rule: ScoreRule) -> FloatArray:
    """Return the mean joint score of each pose by a rule, (N, K) -> (N,) float32.

    A pose's score is this times its box's; it is 0 where the rule counts no joint.
    """
    scores = np.asarray(keypoint_scores)
    counted = scores > (HRNET_THRESHOLD if rule == "hrnet" else -1.0)
    total = np.where(counted, scores, 0).sum(1)
    return np.asarray(total / np.maximum(counted.sum(1), 1), np.float32)


def proposal_score(box_scores: ArrayLike, keypoint_scores: ArrayLike) -> NDArray[np.floating]:
    """Return AlphaPose's mean + box score + 1.25 * max, which is not in 0..1, (N,).

    Args:
        box_scores: (N,).
        keypoint_scores: (N, K); the sum is made in their precision.
    """
    scores = np.asarray(keypoint_scores)
    return np.asarray(scores.mean(-1) + np.asarray(box_scores) + 1.25 * scores.max(-1))
