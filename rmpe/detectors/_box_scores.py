"""Scores of boxes from files, which may be of any size, as 0 to 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


def score_scale(scores: Scores) -> tuple[Callable[[Scores], Scores], tuple[str, ...]]:
    """Return what brings all scores of a file to 0..1 in their order, and a line that says it.

    Detectors of MOTChallenge give numbers of any size, and results of trackers -1 for none.
    """
    if not len(scores) or (scores.min() >= 0 and scores.max() <= 1):
        return np.asarray, ()
    low, high = float(scores.min()), float(scores.max())
    if low == high == -1:
        return np.ones_like, ("boxes have no scores (-1): 1 is taken",)
    span = f"scores of boxes go from {low:g} to {high:g}"
    if low < 0:
        return _logistic, (f"{span}: 1 / (1 + exp(-score)) is taken",)
    return lambda values: values / np.float32(high), (f"{span}: their share of {high:g} is taken",)


def _logistic(scores: Scores) -> Scores:
    return np.asarray(1 / (1 + np.exp(-scores.astype(np.float64))), np.float32)
