"""Whose a box is where two people may be in it, because one stands before the other.

Probabilistic data association (Bar-Shalom, Tse, 1975) for one box and several people: a box moves
somebody as far as it is likely to be theirs.
"""

from __future__ import annotations

import numpy as np

from rmpe.geometry.boxes import box_area
from tracking.following.explanation import NOBODY
from tracking.likelihood import Similarity
from tracking.parameters import FloatArray, TrackerParameters
from tracking.tracks import IntArray, Tracks


def count_covered(
    counted: FloatArray, similarity: Similarity, known: Tracks, parameters: TrackerParameters
) -> FloatArray:
    """Return what the similarity is worth where the pose may be that of who stands before, (C, M).

    A pose network that is given the box of somebody behind often finds the nearer person's joints,
    whose colours and matches come with them. Both are possible: the pose is theirs, or that of a
    nearer one in sight, as often as these cover them. A box that says nothing for them is not
    made theirs.

    Args:
        counted: what it is worth if the pose is their own, nats, (C, M).
        similarity: of the known with those seen, (C, M).
        known: those compared, C.
        parameters: how often it happens, and how much makes somebody who they were.
    """
    if len(known) < 2:
        return counted
    pose = similarity.joints + similarity.features + similarity.colours
    shares = parameters.likelihood.front_share * _covered_shares(known.boxes_xyxy)  # (C, C)
    # who stands before others is in sight
    shares[:, known.unseen_s > parameters.away_s] = 0.0
    never = np.full(shares.shape, -np.inf)
    before = (pose + np.log(shares, where=shares > 0, out=never)[..., None]).max(1)
    box = similarity.place + similarity.height + similarity.absence
    return np.where(box > parameters.least_nats, np.maximum(counted, box + before), counted)


def _covered_shares(boxes_xyxy: FloatArray) -> FloatArray:
    """Return how much of each box (rows) each nearer one covers: one that reaches lower, (N, N)."""
    low = np.maximum(boxes_xyxy[:, None, :2], boxes_xyxy[:, :2])
    high = np.minimum(boxes_xyxy[:, None, 2:], boxes_xyxy[:, 2:])
    shared = np.maximum(high - low, 0.0).prod(-1)
    nearer = boxes_xyxy[:, 3] > boxes_xyxy[:, None, 3]
    return np.asarray(nearer * shared / np.maximum(box_area(boxes_xyxy), 1.0)[:, None], np.float64)


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


def without_better_in_sight(
    matched: IntArray,
    compared: IntArray,
    counted: FloatArray,
    in_sight: FloatArray,
    unseen_s: FloatArray,
    parameters: TrackerParameters,
) -> IntArray:
    """Return the matches without those of people out of sight whom somebody in sight outdoes, (M,).

    Args:
        matched: row of the known person that each person of the frame is, -1 for nobody, (M,).
        compared: rows of those who were compared by place, (C,).
        counted: what their similarity with the people of the frame is worth, nats, (C, M).
        in_sight: how well those fit whoever is in sight and has no box, nats, (M,).
        unseen_s: time since everybody known was seen before this frame, (N,).
        parameters: how long somebody is in sight.
    """
    away = (unseen_s[compared] > parameters.away_s)[:, None] & (compared[:, None] == matched)
    return np.where((away & (counted < in_sight)).any(0), NOBODY, matched)
