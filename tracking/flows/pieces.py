"""Pieces of tracks: stretches of the clip in which it is hardly in doubt who somebody is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rmpe.geometry.boxes import box_iou_matrix
from rmpe.records import Poses
from tracking.appearance import Appearance
from tracking.likelihood import Sighting
from tracking.parameters import FloatArray
from tracking.similarity import select_people
from tracking.tracks import IntArray, Tracks

_MEETING = 0.2
"""Overlap of two boxes from which on their people meet."""
_FEW_SIGHTINGS = 8
"""With fewer somebody who stands mostly in the boxes of others is no person but a second box."""
_WITHIN = 0.35
"""Mean share of their boxes, in one other's, from which on they stand mostly there."""
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Observed:
    """A frame as the tracker left it, M people."""

    time_s: float
    """Time of the frame."""
    poses: Poses
    """With identities; 0 where somebody has none."""
    seen: Sighting
    """What was seen of them."""
    known: Tracks
    """How they are known after it, M."""
    camera: FloatArray
    """The camera's motion since the clip began, (3, 3)."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Some sightings of one identity, one after another, T."""

    frames: IntArray
    """Places in the clip, rising, (T,)."""
    rows: IntArray
    """Which of the people of those frames it is, (T,)."""


def cut_pieces(clip: Sequence[Observed], away_s: float) -> list[Piece]:
    """Return the online identities, cut where they may have gone over to somebody else.

    That is where somebody was out of sight, and where somebody else who stands close comes into
    sight or goes out of it.

    Args:
        clip: every frame.
        away_s: time out of sight from which it is cut.
    """
    places: dict[int, list[tuple[int, int]]] = {}
    for frame, observed in enumerate(clip):
        for row, identity in enumerate(observed.poses.ids.tolist()):
            if identity > 0:
                places.setdefault(identity, []).append((frame, row))
    times = np.array([observed.time_s for observed in clip])
    runs: list[Piece] = []
    for sightings in places.values():
        frames, rows = np.array(sightings).T
        gaps = np.flatnonzero(np.diff(times[frames]) > away_s + _TINY) + 1
        runs += [Piece(*both) for both in zip(np.split(frames, gaps), np.split(rows, gaps))]
    meetings = _meetings(clip, runs)
    pieces = []
    for run in runs:
        cuts = sorted(meetings & set(zip(run.frames[1:].tolist(), run.rows[1:].tolist())))
        at = np.searchsorted(run.frames, [frame for frame, _ in cuts])
        pieces += [Piece(*both) for both in zip(np.split(run.frames, at), np.split(run.rows, at))]
    return pieces


def _meetings(clip: Sequence[Observed], runs: Sequence[Piece]) -> set[tuple[int, int]]:
    """Return the people, by frame and row, beside whom somebody else begins, or ended just now."""
    found = set()
    for run in runs:
        for frame, row, at in (
            (run.frames[0], run.rows[0], run.frames[0]),
            (run.frames[-1], run.rows[-1], run.frames[-1] + 1),
        ):
            if not 0 < at < len(clip):
                continue
            box = clip[frame].seen.boxes_xyxy[[row]]
            near = box_iou_matrix(box, clip[at].seen.boxes_xyxy)[0] > _MEETING
            if at == frame:
                near[row] = False
            found |= {(int(at), int(other)) for other in np.flatnonzero(near)}
    return found


def is_double(clip: Sequence[Observed], piece: Piece) -> bool:
    """Return whether this is a part or double of somebody else's box rather than a person."""
    if len(piece.frames) >= _FEW_SIGHTINGS:
        return False
    shares = []
    for frame, row in zip(piece.frames.tolist(), piece.rows.tolist()):
        boxes = clip[frame].seen.boxes_xyxy
        named = clip[frame].poses.ids[: len(boxes)] > 0
        named[row] = False
        low = np.maximum(boxes[row, :2], boxes[named, :2])
        high = np.minimum(boxes[row, 2:], boxes[named, 2:])
        shared = np.maximum(high - low, 0.0).prod(-1)
        shares.append(shared.max(initial=0) / max(np.prod(boxes[row, 2:] - boxes[row, :2]), _TINY))
    return bool(np.mean(shares) > _WITHIN)


def ends_of(clip: Sequence[Observed], pieces: Sequence[Piece]) -> Tracks:
    """Return how everybody is known at the end of their piece, as the first frame's camera sees it.

    Colours are those of the whole piece.
    """
    ends = Tracks.empty(clip[0].poses.joint_count)
    for piece in pieces:
        last = clip[int(piece.frames[-1])]
        back = np.asarray(np.linalg.inv(last.camera)[:2], np.float64)
        one = last.known.select(piece.rows[-1:]).moved(back)
        means, variances, weights = _colours_of(clip, piece)
        one = replace(
            one,
            sightings=np.array([len(piece.frames)]),
            colour_means=means[None],
            colour_variances=variances[None],
            colour_weights=weights[None],
        )
        ends = ends.followed_by(one)
    return ends


def start_of(clip: Sequence[Observed], piece: Piece) -> Sighting:
    """Return what was seen of somebody at the start of their piece, with its colours as a whole."""
    first = clip[int(piece.frames[0])]
    row = piece.rows[:1]
    means, _, weights = _colours_of(clip, piece)
    scores = [clip[frame].seen.box_scores[at] for frame, at in zip(piece.frames, piece.rows)]
    return Sighting(
        select_people(first.seen.people, row),
        first.seen.boxes_xyxy[row],
        np.max(scores, keepdims=True),
        first.seen.joint_weights[row],
        Appearance(means[None], np.minimum(weights, 1.0)[None]),
        first.seen.own[row],
    )


def _colours_of(
    clip: Sequence[Observed], piece: Piece
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return means and variances of a piece's colours, (K, 3) each, and weights, (K,)."""
    seen = [clip[frame].seen.appearance for frame in piece.frames.tolist()]
    colours = np.stack([appearance.colours[row] for appearance, row in zip(seen, piece.rows)])
    weights = np.stack(
        [appearance.weights[row] for appearance, row in zip(seen, piece.rows)]
    )  # (T, K)
    total = weights.sum(0)
    shares = (weights / np.maximum(total, _TINY))[..., None]
    means = (shares * colours).sum(0)
    return means, (shares * (colours - means) ** 2).sum(0), total
