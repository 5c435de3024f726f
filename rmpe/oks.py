"""Object keypoint similarity (OKS), the COCO keypoint task's measure of how close two poses are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def oks_matrix(
    predicted_xy: ArrayLike,
    truth_xy: ArrayLike,
    truth_visible: ArrayLike,
    truth_areas: ArrayLike,
    sigmas: ArrayLike,
) -> NDArray[np.float64]:
    """Return the similarity of every prediction with every true pose.

    ``OKS = Σ exp(−d² / (2 s² k²)) / visible joints`` with k = 2σ and s² the truth's area in
    square pixels (https://cocodataset.org/#keypoints-eval).

    Args:
        predicted_xy: joints in pixels, (N, K, 2).
        truth_xy: joints in pixels, (M, K, 2).
        truth_visible: which true joints count, bool (M, K).
        truth_areas: segment or box areas in square pixels, (M,).
        sigmas: per-joint standard deviations of the skeleton, (K,).

    Returns:
        Similarities in 0..1, (N, M); 0 for a truth without any visible joint.
    """
    predicted = np.asarray(predicted_xy, np.float64)[:, None]
    truth = np.asarray(truth_xy, np.float64)[None]
    visible = np.asarray(truth_visible, bool)[None]
    areas = np.asarray(truth_areas, np.float64)[None, :, None]
    variances = (2 * np.asarray(sigmas, np.float64)) ** 2
    squared = ((predicted - truth) ** 2).sum(-1)
    exponent = squared / (2 * variances * np.maximum(areas, np.spacing(1.0)))
    similarity = np.where(visible, np.exp(-exponent), 0.0).sum(-1)
    counts = visible.sum(-1)
    return np.where(counts > 0, similarity / np.maximum(counts, 1), 0.0)
