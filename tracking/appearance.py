"""What colours a person wears: a small histogram, to know again who was out of sight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmpe.records import ImageArray
from tracking.parameters import FloatArray
from tracking.similarity import People

COLOUR_BINS = 6
COLOUR_COUNT = COLOUR_BINS**3
_SAMPLES = 24


def colour_histograms(image_bgr: ImageArray, people: People) -> FloatArray:
    """Return the share of every colour in the middle of each person's box, (N, COLOUR_COUNT).

    Points of a grid over the central half of the box's width are looked up in the picture; the
    square roots of the shares are returned, so that the sum of products of two rows is the
    Bhattacharyya coefficient of the two histograms.
    """
    height, width = image_bgr.shape[:2]
    if len(people) == 0:
        return np.zeros((0, COLOUR_COUNT))
    steps = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    boxes = people.boxes_xyxy
    sides = boxes[:, 2:] - boxes[:, :2]
    x = boxes[:, 0:1] + sides[:, 0:1] * (0.25 + 0.5 * steps)
    y = boxes[:, 1:2] + sides[:, 1:2] * (0.1 + 0.8 * steps)
    columns = np.clip(x.astype(np.int64), 0, width - 1)
    rows = np.clip(y.astype(np.int64), 0, height - 1)
    pixels = image_bgr[rows[:, :, None], columns[:, None, :]]
    bins = _bin_numbers(pixels).reshape(len(people), -1)
    offset = np.arange(len(people))[:, None] * COLOUR_COUNT
    counts = np.bincount((bins + offset).ravel(), minlength=len(people) * COLOUR_COUNT)
    shares = counts.reshape(len(people), COLOUR_COUNT) / bins.shape[1]
    return np.sqrt(shares)


def _bin_numbers(pixels_bgr: NDArray[np.uint8]) -> NDArray[np.int64]:
    levels = pixels_bgr.astype(np.int64) * COLOUR_BINS // 256
    return (levels[..., 0] * COLOUR_BINS + levels[..., 1]) * COLOUR_BINS + levels[..., 2]


def colour_likeness(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the Bhattacharyya coefficient of every pair of histograms, 0..1, (N, M)."""
    return np.asarray(first @ second.T, np.float64)
