"""Who enters, waits for an identity, leaves the picture and may come back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracking.following.explanation import NOBODY
from tracking.kalman import Bodies
from tracking.likelihood import Sighting
from tracking.parameters import FloatArray, TrackerParameters
from tracking.similarity import People
from tracking.tracks import IntArray, Tracks

_AT_BORDER = 0.05
"""Distance from the border, in heights, at which a box counts as cut by it."""


def name_people(
    tracks: Tracks,
    matched: IntArray,
    seen: Sighting,
    highest_id: int,
    parameters: TrackerParameters,
) -> tuple[IntArray, IntArray]:
    """Return identities and how often everybody was seen, (M,) each.

    Somebody doubtful waits under a number below 0, the same one from frame to frame.
    """
    known = matched != NOBODY
    ids, sightings = np.zeros(len(seen), np.int64), np.ones(len(seen), np.int64)
    ids[known] = tracks.ids[matched[known]]
    sightings[known] = tracks.sightings[matched[known]] + 1
    # with those of the first frame it all begins, sure or not
    sure = (seen.box_scores >= parameters.sure_score) | (len(tracks) == 0)
    sure &= seen.own & _stand_apart(seen, ids > 0, parameters.doubt_overlap)
    named = (ids <= 0) & ((sure & ~known) | (sightings >= parameters.wait_sightings))
    ids[named] = highest_id + 1 + np.arange(int(named.sum()))
    waiting = ids == 0
    ids[waiting] = tracks.ids.min(initial=0) - 1 - np.arange(int(waiting.sum()))
    return ids, sightings


def _stand_apart(seen: Sighting, known: NDArray[np.bool_], most: float) -> NDArray[np.bool_]:
    """Return who shares at most ``most`` of the smaller box with those known or surer, (M,)."""
    boxes = seen.boxes_xyxy
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    shared = np.maximum(high - low, 0.0).prod(-1)  # (M, M)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1.0)
    surer = known | (seen.box_scores > seen.box_scores[:, None])
    np.fill_diagonal(surer, False)
    return np.asarray(
        (shared / np.minimum(areas[:, None], areas) * surer).max(1, initial=0) <= most
    )


def have_left(tracks: Tracks, expected: Bodies, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return who should be out of the picture by now, (N,).

    The box of somebody who leaves is cut at the border, so that its middle lags behind them.
    """
    limit = np.array(size)
    margin = _AT_BORDER * tracks.heights_px[:, None]  # (N, 1)
    low = (tracks.boxes_xyxy[:, :2] <= margin) & (tracks.bodies.velocities_xy < 0)
    high = (tracks.boxes_xyxy[:, 2:] >= limit - margin) & (tracks.bodies.velocities_xy > 0)
    out = (expected.places_xy < 0) | (expected.places_xy >= limit)
    return np.asarray((low | high | out).any(1), np.bool_)


def expected_people(tracks: Tracks, expected: Bodies, some: NDArray[np.bool_]) -> People:
    """Return some of the known people where they should be."""
    shift = (expected.places_xy - tracks.bodies.places_xy)[some]
    return People(
        tracks.keypoints_xy[some] + shift[:, None],
        tracks.boxes_xyxy[some] + np.tile(shift, 2),
        tracks.joint_counts[some],
        tracks.heights_px[some],
    )


def may_return(
    tracks: Tracks, matched: IntArray, gaps_s: FloatArray, parameters: TrackerParameters
) -> IntArray:
    """Return the rows of those who were lost and may return, (A,)."""
    reid = parameters.reid
    if reid is None:
        return np.zeros(0, np.int64)
    lost = (gaps_s > parameters.away_s) & (tracks.sightings >= reid.least_sightings)
    lost &= (tracks.ids > 0) & ~np.isin(np.arange(len(tracks)), matched)
    return np.flatnonzero(lost)
