"""Our tracker's step from one frame to the next; pictures are not needed here.

A known person is a body that moves (:mod:`tracking.kalman`), a pose and colours. A step predicts
everybody, compares them with the people of the new frame, assigns the sure ones and then the
others, looks who returns, and begins new identities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from tracking.appearance import Appearance, unknown_appearance
from tracking.following.explanation import NOBODY, Explanation
from tracking.following.hiding import count_hidden, with_hidden_parts
from tracking.following.naming import Naming
from tracking.following.presence import expected_people, have_left, may_return, name_people
from tracking.following.remembering import keep_unseen, see_people
from tracking.following.sharing import (
    best_in_sight,
    count_covered,
    shares_of,
    without_better_in_sight,
)
from tracking.kalman import Bodies, predict_bodies
from tracking.likelihood import Sighting, Similarity, colour_evidence, compare, count_doubtful
from tracking.motion import camera_motion, displacement
from tracking.parameters import FloatArray, TrackerParameters
from tracking.poseflow.assignment import assign
from tracking.reidentification import ReturnEvidence, return_evidence, who_returns
from tracking.similarity import People, own_poses, select_people
from tracking.tracks import BoolArray, IntArray, Tracks

_FAR_NATS = -50.0
"""What those not compared count with each other: never enough for an assignment."""
_LEAVING_S = 0.8
"""Who left the picture so lately may still stand in it by half, before somebody else."""


class Follower:
    """Gives identities to the people of one frame after another, from 1 on."""

    def __init__(self, parameters: TrackerParameters) -> None:
        """Start with nobody seen."""
        self.parameters = parameters
        self.tracks: Tracks | None = None
        self.highest_id = 0
        self.explanation: Explanation | None = None
        self.naming = Naming.of_nobody()

    def update(
        self,
        people: People,
        boxes_xyxy: ArrayLike,
        box_scores: ArrayLike,
        joint_scores: ArrayLike,
        correspondences: ArrayLike,
        size: tuple[int, int],
        appearance_of: Callable[[People], Appearance] | None,
        gap_s: float,
        frames: int = 1,
    ) -> IntArray:
        """Return the identities of the people of the next frame, (M,); 0: not yet sure.

        Args:
            people: from :func:`tracking.similarity.describe_people`, M.
            boxes_xyxy: detected boxes, (M, 4).
            box_scores: their confidence, (M,).
            joint_scores: confidence of the joints, (M, K).
            correspondences: matches x1 y1 x2 y2 from the frame before, in pixels, (R, 4).
            size: (width, height) of the picture in pixels.
            appearance_of: gives the colours of the people from those who are leaving the picture
                and may stand before them; None where it is not measured.
            gap_s: seconds since the latest call.
            frames: frames of the clip since then.

        Raises:
            ValueError: the people have another number of joints than those before.
        """
        # predict: the N known people, moved as the camera moved and as they move themselves
        tracks, camera = self._known(people, correspondences)
        gaps = tracks.unseen_s + gap_s
        expected = predict_bodies(tracks.bodies, gaps, self.parameters.motion)
        seen = self._sighting(people, boxes_xyxy, box_scores, joint_scores)
        # similarity: log-likelihood ratios of the C compared by place with the M seen, (C, M)
        compared, similarity, seen, hidden = self._compare(
            tracks, expected, gap_s, seen, correspondences, size, appearance_of
        )
        known = tracks.select(compared)
        counted = count_doubtful(similarity, known, seen, self.parameters)
        counted = count_covered(counted, similarity, known, self.parameters)
        # assign: by place, then whoever was lost by appearance; row of the N or NOBODY, (M,)
        matched = self._assign(len(tracks), compared, counted, seen)
        in_sight = best_in_sight(
            matched, compared, similarity.total, tracks.unseen_s, self.parameters
        )
        matched = without_better_in_sight(
            matched, compared, counted, in_sight, tracks.unseen_s, self.parameters
        )
        absent = may_return(tracks, matched, gaps, self.parameters)
        new = np.flatnonzero(matched == NOBODY)
        returning = self._returning(tracks, absent, new, gaps, seen, size, in_sight)
        rows, columns = who_returns(returning)
        matched[new[columns]] = absent[rows]
        # spawn: whoever is sure, or has waited long enough
        ids, sightings = name_people(tracks, matched, seen, self.highest_id, self.parameters)
        self.highest_id = max(self.highest_id, int(ids.max(initial=0)))
        self.naming = Naming.between(tracks.ids, matched, ids)
        # update: bodies, heights, colours of the M
        shares = shares_of(matched, compared, counted)
        whole = with_hidden_parts(seen, matched, compared, hidden, tracks)
        now = see_people(
            tracks, expected, gaps, matched, whole, ids, sightings, shares, self.parameters
        )
        self.explanation = Explanation(
            known_ids=np.maximum(tracks.ids, 0),
            compared=compared,
            similarity=similarity,
            counted=counted,
            absent=absent,
            new=new,
            returning=returning,
            matched=matched,
            returned=np.isin(np.arange(len(seen)), new[columns]),
            ids=np.maximum(ids, 0),
            sightings=sightings,
            shares=shares,
            seen=seen,
            now=now,
            camera=camera,
        )
        # forget: those out of sight for too long
        self.tracks = now.followed_by(keep_unseen(tracks, matched, gaps, frames, self.parameters))
        return np.maximum(ids, 0)

    def forget(self) -> None:
        """Make everybody new from here on, as after a cut; identities go on counting."""
        self.tracks = None

    def add_found(self, people: People, ids: IntArray) -> None:
        """Take known people who were found in the latest frame after :meth:`update`.

        Args:
            people: where they are, M.
            ids: their identities, all of them known, (M,).
        """
        if self.tracks is None or len(ids) == 0:
            return
        tracks = self.tracks
        rows = np.array([np.flatnonzero(tracks.ids == identity)[0] for identity in ids.tolist()])
        nothing = np.zeros(people.joint_counts.shape)
        # nobody detected them, so their box is the one they had, moved as their joints did
        both = tracks.joint_counts[rows] & people.joint_counts
        shift = displacement(tracks.keypoints_xy[rows], people.keypoints_xy, both)  # (M, 2)
        seen = Sighting(
            people,
            tracks.boxes_xyxy[rows] + np.tile(shift, 2),
            np.ones(len(ids)),
            nothing,
            unknown_appearance(
                *people.joint_counts.shape
            ),  # it may be somebody else who stands there
            np.ones(len(ids), bool),
        )
        expected = predict_bodies(tracks.bodies, tracks.unseen_s, self.parameters.motion)
        sightings = tracks.sightings[rows] + 1
        found = see_people(
            tracks,
            expected,
            tracks.unseen_s,
            rows,
            seen,
            ids,
            sightings,
            np.ones(len(ids)),
            self.parameters,
        )
        others = tracks.select(~np.isin(np.arange(len(tracks)), rows))
        now = others.unseen_frames == 0
        self.tracks = others.select(now).followed_by(found).followed_by(others.select(~now))

    def _known(self, people: People, correspondences: ArrayLike) -> tuple[Tracks, FloatArray]:
        """Return everybody known, moved as the camera moved, and its motion, (2, 3)."""
        joint_count = people.keypoints_xy.shape[1]
        tracks = Tracks.empty(joint_count) if self.tracks is None else self.tracks
        known = tracks.keypoints_xy.shape[1]
        if known != joint_count:
            raise ValueError(f"poses have {joint_count} joints, those before had {known}")
        in_sight = tracks.boxes_xyxy[tracks.unseen_frames == 0]
        camera = camera_motion(correspondences, in_sight)
        return tracks.moved(camera), camera

    def _sighting(
        self,
        people: People,
        boxes_xyxy: ArrayLike,
        box_scores: ArrayLike,
        joint_scores: ArrayLike,
    ) -> Sighting:
        boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
        # where there is no box, as in files that hold joints alone, the pose stands in for it
        empty = np.any(boxes[:, 2:] <= boxes[:, :2], axis=1, keepdims=True)  # (M, 1)
        boxes = np.where(empty, people.boxes_xyxy, boxes)
        weights = np.clip(np.asarray(joint_scores, np.float64), 0.0, 1.0) * people.joint_counts
        # boxes without poses, as in files that hold boxes alone, have nobody else's
        own = own_poses(people, boxes, self.parameters.alike_poses) | ~weights.any(1)
        appearance = unknown_appearance(*people.joint_counts.shape)
        return Sighting(people, boxes, np.asarray(box_scores, np.float64), weights, appearance, own)

    def _compare(
        self,
        tracks: Tracks,
        expected: Bodies,
        gap_s: float,
        seen: Sighting,
        correspondences: ArrayLike,
        size: tuple[int, int],
        appearance_of: Callable[[People], Appearance] | None,
    ) -> tuple[IntArray, Similarity, Sighting, BoolArray]:
        """Return whom place is asked about, (C,), what all terms say, (C, M), and colours.

        Last, whose box ends where others hide the rest, (C, M).
        """
        gaps_s = tracks.unseen_s + gap_s
        # who should be out of the picture by now is known again by appearance alone
        left = have_left(tracks, expected, size)
        limits = np.where(left, self.parameters.away_s, self.parameters.place_limit_s)
        compared = np.flatnonzero(gaps_s <= limits + gap_s)
        known, places = tracks.select(compared), expected.select(compared)
        similarity = compare(
            known, places, gaps_s[compared], seen, correspondences, self.parameters
        )
        similarity, hidden = count_hidden(similarity, known, places, seen, self.parameters)
        if appearance_of is not None:
            total = similarity.total
            fits = np.zeros(len(tracks), bool)
            fits[compared] = ((total > 0) & (total == total.max(0, initial=-np.inf))).any(1)
            leaving = left & ~fits & (gaps_s <= _LEAVING_S)
            seen = _own_appearance(seen, appearance_of(expected_people(tracks, expected, leaving)))
            colours = colour_evidence(known, gaps_s[compared], seen, self.parameters)
            similarity = replace(similarity, colours=colours)
        return compared, similarity, seen, hidden

    def _assign(
        self, count: int, compared: IntArray, counted: FloatArray, seen: Sighting
    ) -> IntArray:
        """Return the row of everybody's known person or -1, (M,): the sure first, then others."""
        nats = np.full((count, len(seen)), _FAR_NATS)
        nats[compared] = counted
        sure = seen.box_scores >= self.parameters.sure_score
        matched = np.full(len(seen), NOBODY, np.int64)
        for some in (np.flatnonzero(sure), np.flatnonzero(~sure)):
            left = np.setdiff1d(np.arange(count), matched)
            rows, columns = assign(
                np.maximum(nats[np.ix_(left, some)], 0.0), self.parameters.least_nats
            )
            matched[some[columns]] = left[rows]
        return matched

    def _returning(
        self,
        tracks: Tracks,
        absent: IntArray,
        new: IntArray,
        gaps_s: FloatArray,
        seen: Sighting,
        size: tuple[int, int],
        in_sight: FloatArray,
    ) -> ReturnEvidence:
        """Return how those who were lost fit those who are nobody in sight."""
        return return_evidence(
            tracks.select(absent),
            tracks,
            gaps_s[absent],
            select_people(seen.people, new),
            seen.appearance.select(new),
            size,
            in_sight[new],
            self.parameters.reid,
        )


def _own_appearance(seen: Sighting, appearance: Appearance) -> Sighting:
    # a pose that is somebody else's shows somebody else's clothes
    return replace(
        seen, appearance=Appearance(appearance.colours, appearance.weights * seen.own[:, None])
    )
