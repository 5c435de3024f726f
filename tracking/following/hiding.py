"""Whose box ends where somebody nearer hides the rest of them.

Of somebody who stands behind others the detector finds what shows, mostly from the head down to
where the nearer person begins. The upper end of such a box is still where it should be, its middle
and height are not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracking.kalman import Bodies
from tracking.likelihood import Sighting, Similarity, place_evidence
from tracking.parameters import FloatArray, TrackerParameters
from tracking.tracks import BoolArray, IntArray, Tracks

_FARTHEST = 1.0
"""Heights from where it should be at which an upper end is not looked at."""
_LEAST_MISSING = 0.1
"""Share of a height by which a box must be shorter; less is how exactly boxes are drawn."""
_NEARER = 0.1
"""Heights by which somebody nearer must reach further down."""
_RARE = 1e-9


def count_hidden(
    similarity: Similarity,
    known: Tracks,
    expected: Bodies,
    seen: Sighting,
    parameters: TrackerParameters,
) -> tuple[Similarity, BoolArray]:
    """Return the similarity with boxes that may be somebody's upper part, and which are, (N, M).

    What a height says becomes what it says if all of a person is to be seen or, as often as others
    cover what is missing, what the upper end of the box says instead of middle and height.

    Args:
        similarity: of the known with those seen.
        known: people, moved as the camera moved, N.
        expected: where they are expected now, N.
        seen: people of the new frame, M.
        parameters: how often somebody is found by what shows.
    """
    likelihood = parameters.likelihood
    heights_px = known.heights_px
    half = np.array([0.0, 0.5])
    ends_xy = seen.middles_xy - half * seen.heights_px[:, None]
    ends = replace(expected, places_xy=expected.places_xy - half * heights_px[:, None])
    off = np.linalg.norm(ends_xy[None] - ends.places_xy[:, None], axis=-1) / heights_px[:, None]
    shorter = seen.heights_px < (1 - _LEAST_MISSING) * heights_px[:, None]
    rows, columns = np.nonzero(shorter & (off < _FARTHEST))
    nats = place_evidence(ends, heights_px, ends_xy, likelihood)[rows, columns]
    covered = _covered_shares(known, expected, seen, rows, columns, parameters.away_s)
    shares = np.maximum(likelihood.hidden_share * covered, _RARE)
    whole = (similarity.place + similarity.height)[rows, columns]
    both = np.logaddexp(np.log1p(-shares) + whole, np.log(shares) + nats)
    height = similarity.height.copy()
    height[rows, columns] += both - whole
    hidden = np.zeros(height.shape, np.bool_)
    hidden[rows, columns] = (covered > likelihood.least_covered) & (nats > 0)
    return replace(similarity, height=height), hidden


def _covered_shares(
    known: Tracks,
    expected: Bodies,
    seen: Sighting,
    rows: IntArray,
    columns: IntArray,
    away_s: float,
) -> FloatArray:
    """Return how much others cover of what is missing below boxes (columns) of the known, (P,).

    Others are those of the frame, and those known who were in sight just now: whoever of them
    reaches clearly further down than the person would.
    """
    boxes, heights_px = seen.boxes_xyxy, known.heights_px
    strips = boxes[columns].copy()  # (P, 4)
    strips[:, 1], strips[:, 3] = boxes[columns, 3], boxes[columns, 1] + heights_px[rows]
    moved = known.boxes_xyxy + np.tile(expected.places_xy - known.bodies.places_xy, 2)
    others = np.concatenate([boxes, moved])  # (M + N, 4)
    low = np.maximum(strips[:, None, :2], others[:, :2])
    high = np.minimum(strips[:, None, 2:], others[:, 2:])
    lowest = strips[:, 3] + _NEARER * heights_px[rows]
    shared = np.maximum(high - low, 0.0).prod(-1) * (others[:, 3] > lowest[:, None])
    pairs = np.arange(len(rows))
    shared[pairs, columns] = shared[pairs, len(boxes) + rows] = 0.0
    shared[:, len(boxes) :] *= known.unseen_s <= away_s
    areas = np.maximum((strips[:, 2:] - strips[:, :2]).prod(1), 1.0)
    return np.asarray(np.minimum(shared.max(1, initial=0.0) / areas, 1.0))


def with_hidden_parts(
    seen: Sighting, matched: IntArray, compared: IntArray, hidden: BoolArray, tracks: Tracks
) -> Sighting:
    """Return the people of a frame, their boxes with what others hide of whom they were given.

    Args:
        seen: people of the frame, M.
        matched: row of the known person that each of them is, -1 for nobody, (M,).
        compared: rows of those who were compared by place, (C,).
        hidden: whose box ends where others begin, (C, M).
        tracks: everybody known.
    """
    cut: NDArray[np.bool_] = (hidden & (compared[:, None] == matched)).any(0)  # (M,)
    boxes = seen.boxes_xyxy.copy()
    boxes[cut, 3] = boxes[cut, 1] + tracks.heights_px[matched[cut]]
    return replace(seen, boxes_xyxy=boxes)
