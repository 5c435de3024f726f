"""Whose a box is where two people may be in it, because one stands before the other.

Probabilistic data association (Bar-Shalom, Tse, 1975) for one box and several people: a box moves
somebody as far as it is likely to be theirs.
"""

from __future__ import annotations

import numpy as np

from tracking.parameters import FloatArray, TrackerParameters
from tracking.tracks import IntArray


def shares_of(matched: IntArray, compared: IntArray, counted: FloatArray) -> FloatArray:
    """Return how likely every box is that of whom it was given, not of somebody without, (M,).

    Args:
        matched: row of the known person that each person of the frame is, -1 for nobody, (M,).
        compared: rows of those who were compared by place, (C,).
        counted: what their similarity with the people of the frame is worth, nats, (C, M).
    """
    mine = compared[:, None] == matched  # (C, M)
    own = np.where(mine, counted, 0.0).sum(0)  # (M,)
    rivals = ~mine.any(1)[:, None] & mine.any(0) & (counted > 0)
    odds = np.where(rivals, np.exp(np.minimum(counted - own, 0.0)), 0.0)
    return np.asarray(1 / (1 + odds.sum(0)), np.float64)


def best_in_sight(
    matched: IntArray,
    compared: IntArray,
    nats: FloatArray,
    unseen_s: FloatArray,
    parameters: TrackerParameters,
) -> FloatArray:
    """Return how well everybody fits whoever is in sight and has no box, -inf for nobody, (M,).

    Args:
        matched: row of the known person that each person of the frame is, -1 for nobody, (M,).
        compared: rows of those who were compared by place, (C,).
        nats: their similarity with the people of the frame, (C, M).
        unseen_s: time since everybody known was seen before this frame, (N,).
        parameters: how long somebody is in sight.
    """
    missing = ~np.isin(compared, matched) & (unseen_s[compared] <= parameters.away_s)
    return np.asarray(nats[missing].max(0, initial=-np.inf), np.float64)
