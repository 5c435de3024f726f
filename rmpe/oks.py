"""Object keypoint similarity (OKS), the COCO keypoint task's measure of how close two poses are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def oks_terms(
    squared_distances: ArrayLike, areas: ArrayLike, sigmas: ArrayLike
) -> NDArray[np.float64]:
    """Return every joint's part of the similarity, ``exp(−d² / (2 s² k²))`` with k = 2σ.

    The one place of this formula (https://cocodataset.org/#keypoints-eval); its operations follow
    pycocotools' order, so that the values are equal to the last bit.

    Args:
        squared_distances: d² in square pixels, (..., K).
        areas: s², segment or box areas in square pixels; they fit (..., 1).
        sigmas: per-joint standard deviations of the skeleton, (K,).

    Returns:
        Terms in 0..1, (..., K).
    """
    variances = (np.asarray(sigmas, np.float64) * 2) ** 2
    # An area of 0 is allowed: pycocotools adds the smallest step of float64 too.
    spread = np.asarray(areas, np.float64) + np.spacing(1)
    exponent = np.asarray(squared_distances, np.float64) / variances / spread / 2
    return np.asarray(np.exp(-exponent), np.float64)


def oks_matrix(
    predicted_xy: ArrayLike,
    truth_xy: ArrayLike,
    truth_visible: ArrayLike,
    truth_areas: ArrayLike,
    sigmas: ArrayLike,
) -> NDArray[np.float64]:
    """Return the similarity of every prediction with every true pose: the mean of visible terms.

    Args:
        predicted_xy: joints in pixels, (N, K, 2).
        truth_xy: joints in pixels, (M, K, 2).
        truth_visible: which true joints count, bool (M, K).
        truth_areas: segment or box areas in square pixels, (M,).
        sigmas: per-joint standard deviations of the skeleton, (K,).

    Returns:
        Similarities in 0..1, (N, M); 0 for a truth without any visible joint.
    """
    predicted = np.asarray(predicted_xy, np.float64)[:, None]  # (N, 1, K, 2)
    truth = np.asarray(truth_xy, np.float64)[None]  # (1, M, K, 2)
    visible = np.asarray(truth_visible, bool)[None]  # (1, M, K)
    areas = np.asarray(truth_areas, np.float64)[None, :, None]  # (1, M, 1)
    squared = ((predicted - truth) ** 2).sum(-1)  # (N, M, K)
    similarity = np.where(visible, oks_terms(squared, areas, sigmas), 0.0).sum(-1)  # (N, M)
    counts = visible.sum(-1)
    return np.where(counts > 0, similarity / np.maximum(counts, 1), 0.0)
