"""What colours a person wears: a small histogram, to tell people apart and know them again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmpe.records import ImageArray
from tracking.parameters import FloatArray
from tracking.similarity import People

COLOUR_BINS = 5
COLOUR_COUNT = COLOUR_BINS**3
_TOWARDS_MIDDLE = np.linspace(0.1, 0.9, 7)
_MEMORY = 0.9


def colour_histograms(image_bgr: ImageArray, people: People) -> FloatArray:
    """Return the share of every colour on each person, as square roots, (N, COLOUR_COUNT).

    The picture is looked up along the lines from every joint that counts to the middle of them
    all, which lie on the body in most poses. The sum of products of two rows is the Bhattacharyya
    coefficient of the two histograms.
    """
    height, width = image_bgr.shape[:2]
    count, joints = people.joint_counts.shape
    if count == 0 or joints == 0:
        return np.zeros((count, COLOUR_COUNT))
    weights = people.joint_counts / np.maximum(people.joint_counts.sum(1), 1)[:, None]
    middle = np.einsum("nk,nkc->nc", weights, people.keypoints_xy)[:, None, None]
    points = people.keypoints_xy[:, :, None]
    points = points + (middle - points) * _TOWARDS_MIDDLE[:, None]
    columns = np.clip(points[..., 0], 0, width - 1).astype(np.int64)
    rows = np.clip(points[..., 1], 0, height - 1).astype(np.int64)
    bins = _bin_numbers(image_bgr[rows, columns])
    bins += np.arange(count)[:, None, None] * COLOUR_COUNT
    shares = np.repeat(weights[..., None] / len(_TOWARDS_MIDDLE), len(_TOWARDS_MIDDLE), axis=2)
    histogram = np.bincount(bins.ravel(), shares.ravel(), minlength=count * COLOUR_COUNT)
    return np.asarray(np.sqrt(histogram.reshape(count, COLOUR_COUNT)), np.float64)


def _bin_numbers(pixels_bgr: NDArray[np.uint8]) -> NDArray[np.int64]:
    levels = pixels_bgr.astype(np.int64) * COLOUR_BINS // 256
    return np.asarray(
        (levels[..., 0] * COLOUR_BINS + levels[..., 1]) * COLOUR_BINS + levels[..., 2], np.int64
    )


def colour_likeness(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the Bhattacharyya coefficient of every pair of histograms, 0..1, (N, M)."""
    return np.asarray(first @ second.T, np.float64)


def mix_colours(earlier: FloatArray, now: FloatArray, hidden: NDArray[np.bool_]) -> FloatArray:
    """Return slow averages of histograms, (N, C); those of hidden people stay as they were."""
    mixed = np.sqrt(_MEMORY * earlier**2 + (1 - _MEMORY) * now**2)
    return np.where(hidden[:, None], earlier, mixed)
