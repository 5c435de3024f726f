"""Who is who over a whole clip: pieces of tracks are joined where the sum of evidence is highest.

Every piece ends once and begins once, so the chains of highest likelihood are a flow of least cost
through the pieces; without costs of its own for a piece it is an assignment of ends to beginnings
(Zhang et al., "Global Data Association for Multi-Object Tracking Using Network Flows", CVPR 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tracking.flows.pieces import (
    Observed,
    Piece,
    cut_pieces,
    ends_of,
    is_double,
    start_of,
)
from tracking.following.presence import have_left
from tracking.kalman import predict_bodies
from tracking.likelihood import Sighting, colour_evidence, compare, count_doubtful
from tracking.parameters import FloatArray, TrackerParameters
from tracking.poseflow.assignment import assign
from tracking.reidentification import return_evidence
from tracking.tracks import IntArray, Tracks

_NO_MATCHES = np.zeros((0, 4))
_ONLINE_NATS = 2.0
"""What the online tracker's choice counts, which saw feature matches and everybody else's boxes."""
_NOBODY_IN_SIGHT = np.full(1, -np.inf)
_SurplusOf = Callable[[Tracks, FloatArray, Sighting, Tracks], FloatArray]


def link_clip(
    clip: Sequence[Observed], size: tuple[int, int], parameters: TrackerParameters
) -> list[IntArray]:
    """Return the identities of every frame's people, 0 for those who have none.

    First pieces are joined that go on nearby, then those made of them, by appearance. Doubles of
    others are nobody.

    Args:
        clip: every frame, as the online tracker left it.
        size: (width, height) of the pictures in pixels.
        parameters: spreads and thresholds.
    """

    def nearby(known: Tracks, gaps_s: FloatArray, start: Sighting, _: Tracks) -> FloatArray:
        return _surplus_nearby(known, gaps_s, start, size, parameters)

    def by_appearance(
        known: Tracks, gaps_s: FloatArray, start: Sighting, everybody: Tracks
    ) -> FloatArray:
        return _surplus_by_looks(known, gaps_s, start, everybody, size, parameters)

    pieces = cut_pieces(clip, parameters.away_s)
    for surplus_of in (nearby, by_appearance):
        pieces = _joined(clip, pieces, surplus_of)
    pieces = [piece for piece in pieces if not is_double(clip, piece)]
    ids = [np.zeros(len(observed.poses), np.int64) for observed in clip]
    pieces.sort(key=lambda piece: (piece.frames[0], piece.rows[0]))
    for number, piece in enumerate(pieces, 1):
        for frame, row in zip(piece.frames, piece.rows):
            ids[frame][row] = number
    return ids


def _joined(clip: Sequence[Observed], pieces: list[Piece], surplus_of: _SurplusOf) -> list[Piece]:
    """Return the pieces with those joined that go on where another ends."""
    if len(pieces) < 2:
        return pieces
    ends = ends_of(clip, pieces)
    end_frames = np.array([piece.frames[-1] for piece in pieces])
    end_times = np.array([clip[frame].time_s for frame in end_frames])
    first_ids = np.array([clip[p.frames[0]].poses.ids[p.rows[0]] for p in pieces])
    last_ids = np.array([clip[p.frames[-1]].poses.ids[p.rows[-1]] for p in pieces])
    surplus = np.zeros((len(pieces), len(pieces)))
    for column, piece in enumerate(pieces):
        start = int(piece.frames[0])
        before = np.flatnonzero(end_frames < start)
        gaps_s = clip[start].time_s - end_times[before]
        known = ends.select(before).moved(clip[start].camera[:2])
        known = replace(known, unseen_s=gaps_s, unseen_frames=start - end_frames[before])
        found = surplus_of(known, gaps_s, start_of(clip, piece), ends)
        surplus[before, column] = np.maximum(found, 0.0)
        online = before[last_ids[before] == first_ids[column]]
        surplus[online[np.argsort(end_frames[online])[-1:]], column] += _ONLINE_NATS
    following = dict(zip(*(index.tolist() for index in assign(surplus, 0.0))))
    joined = []
    for first in sorted(set(range(len(pieces))) - set(following.values())):
        chain = [first]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        members = [pieces[number] for number in chain]
        frames = np.concatenate([piece.frames for piece in members])
        joined.append(Piece(frames, np.concatenate([piece.rows for piece in members])))
    return joined


def _surplus_nearby(
    known: Tracks,
    gaps_s: FloatArray,
    start: Sighting,
    size: tuple[int, int],
    parameters: TrackerParameters,
) -> FloatArray:
    """Return what speaks, beyond what it takes, for somebody who goes on nearby, (N,)."""
    expected = predict_bodies(known.bodies, gaps_s, parameters.motion)
    compared = gaps_s <= parameters.place_limit_s
    compared &= ~(have_left(known, expected, size) & (gaps_s > parameters.away_s))
    similarity = compare(known, expected, gaps_s, start, _NO_MATCHES, parameters)
    similarity = replace(similarity, colours=colour_evidence(known, gaps_s, start, parameters))
    counted = count_doubtful(similarity, known, start, parameters)[:, 0]
    return np.where(compared, counted - parameters.least_nats, 0.0)


def _surplus_by_looks(
    known: Tracks,
    gaps_s: FloatArray,
    start: Sighting,
    everybody: Tracks,
    size: tuple[int, int],
    parameters: TrackerParameters,
) -> FloatArray:
    """Return what speaks, beyond what it takes, for somebody who was away and is back, (N,)."""
    surplus = np.zeros(len(known))
    lost = np.flatnonzero(gaps_s > parameters.away_s)
    again = return_evidence(
        known.select(lost),
        everybody,
        gaps_s[lost],
        start.people,
        start.appearance,
        size,
        _NOBODY_IN_SIGHT,
        parameters.reid,
    )
    surplus[lost] = again.surplus[:, 0]
    return surplus
