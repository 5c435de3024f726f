"""Our tracker's step from one frame to the next; pictures are not needed here.

A known person is a body that moves (:mod:`tracking.kalman`), a pose and colours. A step predicts
everybody, compares them with the people of the new frame, assigns the sure ones and then the
others, looks who returns, and begins new identities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracking.appearance import Looks, learn_looks, unknown_looks
from tracking.following.explanation import NOBODY, Explanation
from tracking.kalman import Bodies, observe_places, observe_speeds, predict_bodies, start_bodies
from tracking.likelihood import Sighting, Similarity, colour_evidence, compare
from tracking.motion import camera_motion, displacement
from tracking.parameters import FloatArray, MotionParameters, TrackerParameters
from tracking.poseflow.assignment import assign
from tracking.returning import ReturnEvidence, return_evidence, who_returns
from tracking.similarity import People, own_poses, select_people
from tracking.tracks import IntArray, Tracks

_FAR_NATS = -50.0
_LARGEST_GROWTH = 0.3
_LEAST_GROWTH_SHARE = 0.2
_FEWEST_JOINTS = 5
_LONGEST_STEP_S = 1.0
_SHORTEST_STEP_S = 0.02
_LARGEST_DISAGREEMENT = 0.3
_AT_BORDER = 0.05
_LEAVING_S = 0.8


class Follower:
    """Gives identities to the people of one frame after another, from 1 on."""

    def __init__(self, parameters: TrackerParameters) -> None:
        """Start with nobody seen."""
        self.parameters = parameters
        self.tracks: Tracks | None = None
        self.highest_id = 0
        self.explanation: Explanation | None = None

    def update(
        self,
        people: People,
        boxes_xyxy: ArrayLike,
        box_scores: ArrayLike,
        joint_scores: ArrayLike,
        correspondences: ArrayLike,
        size: tuple[int, int],
        look: Callable[[People], Looks] | None,
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
            look: gives the colours of the people from those who are leaving the picture and may
                stand before them; None where nobody looks.
            gap_s: seconds since the latest call.
            frames: frames of the clip since then.

        Raises:
            ValueError: the people have another number of joints than those before.
        """
        tracks = self._known(people)
        tracks = tracks.moved(
            camera_motion(correspondences, tracks.boxes_xyxy[tracks.unseen_frames == 0])
        )
        gaps = tracks.unseen_s + gap_s
        expected = predict_bodies(tracks.bodies, gaps, self.parameters.motion)
        seen = self._sighting(people, boxes_xyxy, box_scores, joint_scores)

        # who should be out of the picture by now is known again by looks alone
        left = _have_left(tracks, expected, size)
        limits = np.where(left, self.parameters.away_s, self.parameters.place_limit_s)
        compared = np.flatnonzero(gaps <= limits + gap_s)
        similarity = compare(
            tracks.select(compared),
            expected.select(compared),
            gaps[compared],
            seen,
            correspondences,
            self.parameters,
        )
        if look is not None:
            fits = np.zeros(len(tracks), bool)
            fits[compared] = (similarity.total > 0).any(1)
            leaving = left & ~fits & (gaps <= _LEAVING_S)
            seen = _looked_at(seen, look(_expected_people(tracks, expected, leaving)))
            colours = colour_evidence(
                tracks.select(compared), gaps[compared], seen, self.parameters
            )
            similarity = replace(similarity, colours=colours)
        counted = self._counted(similarity, seen)
        matched = self._assign(len(tracks), compared, counted, seen)
        absent, new = self._away(tracks, matched, gaps), np.flatnonzero(matched == NOBODY)
        returning = self._returning(tracks, absent, new, gaps, seen, size)
        rows, columns = who_returns(returning)
        matched[new[columns]] = absent[rows]
        ids, sightings = self._name(tracks, matched, seen)
        self.explanation = Explanation(
            known_ids=tracks.ids,
            compared=compared,
            similarity=similarity,
            counted=counted,
            absent=absent,
            new=new,
            returning=returning,
            matched=matched,
            returned=np.isin(np.arange(len(seen)), new[columns]),
            ids=ids,
            sightings=sightings,
            seen=seen,
        )
        now = self._see(tracks, expected, gaps, matched, seen, ids, sightings)
        self.tracks = now.followed_by(self._remembered(tracks, matched, gaps, frames))
        return ids

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
            unknown_looks(*people.joint_counts.shape),  # it may be somebody else who stands there
            np.ones(len(ids), bool),
        )
        expected = predict_bodies(tracks.bodies, tracks.unseen_s, self.parameters.motion)
        sightings = tracks.sightings[rows] + 1
        found = self._see(tracks, expected, tracks.unseen_s, rows, seen, ids, sightings)
        others = tracks.select(~np.isin(np.arange(len(tracks)), rows))
        now = others.unseen_frames == 0
        self.tracks = others.select(now).followed_by(found).followed_by(others.select(~now))

    def _known(self, people: People) -> Tracks:
        joint_count = people.keypoints_xy.shape[1]
        if self.tracks is None:
            return Tracks.empty(joint_count)
        known = self.tracks.keypoints_xy.shape[1]
        if known != joint_count:
            raise ValueError(f"poses have {joint_count} joints, those before had {known}")
        return self.tracks

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
        return Sighting(
            people,
            boxes,
            np.asarray(box_scores, np.float64),
            np.clip(np.asarray(joint_scores, np.float64), 0.0, 1.0) * people.joint_counts,
            unknown_looks(*people.joint_counts.shape),
            own_poses(people, boxes, self.parameters.alike_poses),
        )

    def _counted(self, similarity: Similarity, seen: Sighting) -> FloatArray:
        """Return what the similarity is worth in the assignment, (C, M)."""
        sure = seen.box_scores >= self.parameters.sure_score
        # a pose found in a doubtful box is often that of somebody who stands before it
        box = similarity.place + similarity.height
        total = similarity.total
        return np.where(sure | (box > 0), total, np.minimum(total, box))

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

    def _away(self, tracks: Tracks, matched: IntArray, gaps_s: FloatArray) -> IntArray:
        """Return the rows of those who were lost and may return, (A,)."""
        rules = self.parameters.returns
        if rules is None:
            return np.zeros(0, np.int64)
        lost = (gaps_s > self.parameters.away_s) & (tracks.sightings >= rules.least_sightings)
        lost &= (tracks.ids > 0) & ~np.isin(np.arange(len(tracks)), matched)
        return np.flatnonzero(lost)

    def _returning(
        self,
        tracks: Tracks,
        absent: IntArray,
        new: IntArray,
        gaps_s: FloatArray,
        seen: Sighting,
        size: tuple[int, int],
    ) -> ReturnEvidence:
        """Return how those who were lost fit those who are nobody in sight."""
        return return_evidence(
            tracks.select(absent),
            tracks,
            gaps_s[absent],
            select_people(seen.people, new),
            seen.looks.select(new),
            size,
            self.parameters.returns,
        )

    def _name(self, tracks: Tracks, matched: IntArray, seen: Sighting) -> tuple[IntArray, IntArray]:
        """Return identities, 0 for the doubtful, and how often everybody was seen, (M,) each."""
        rules = self.parameters
        known = matched != NOBODY
        ids, sightings = np.zeros(len(seen), np.int64), np.ones(len(seen), np.int64)
        ids[known] = tracks.ids[matched[known]]
        sightings[known] = tracks.sightings[matched[known]] + 1
        # with those of the first frame it all begins, sure or not
        sure = (seen.box_scores >= rules.sure_score) | (len(tracks) == 0)
        sure &= seen.own & _stand_apart(seen, ids > 0, rules.doubt_overlap)
        named = (ids == 0) & ((sure & ~known) | (sightings >= rules.wait_sightings))
        ids[named] = self.highest_id + 1 + np.arange(int(named.sum()))
        self.highest_id = max(self.highest_id, int(ids.max(initial=0)))
        return ids, sightings

    def _see(
        self,
        tracks: Tracks,
        expected: Bodies,
        gaps_s: FloatArray,
        matched: IntArray,
        seen: Sighting,
        ids: IntArray,
        sightings: IntArray,
    ) -> Tracks:
        """Return the people of the new frame as they are known now, M."""
        bodies = start_bodies(seen.middles_xy, self.parameters.motion)
        heights = seen.heights_px.copy()
        looks = seen.looks
        means, variances = looks.colours.copy(), np.zeros_like(looks.colours)
        weights = looks.weights.copy()
        known = np.flatnonzero(matched != NOBODY)
        rows = matched[known]
        before = tracks.select(rows)
        told = _observe(before, expected.select(rows), gaps_s[rows], seen, known, self.parameters)
        bodies = bodies.replaced(known, told)
        growth = np.log(heights[known] / before.heights_px)
        share = np.maximum(_LEAST_GROWTH_SHARE, 1 / sightings[known])
        growth = np.clip(growth, -_LARGEST_GROWTH, _LARGEST_GROWTH)
        heights[known] = before.heights_px * np.exp(share * growth)
        if self.parameters.returns is not None:
            means[known], variances[known], weights[known] = learn_looks(
                before.colour_means,
                before.colour_variances,
                before.colour_weights,
                looks.select(known),
                self.parameters.returns.longest_memory,
            )
        return Tracks(
            ids=ids,
            sightings=sightings,
            unseen_frames=np.zeros(len(ids), np.int64),
            unseen_s=np.zeros(len(ids)),
            bodies=bodies,
            heights_px=heights,
            boxes_xyxy=seen.boxes_xyxy,
            keypoints_xy=seen.people.keypoints_xy,
            joint_counts=seen.people.joint_counts,
            colour_means=means,
            colour_variances=variances,
            colour_weights=weights,
        )

    def _remembered(
        self, tracks: Tracks, matched: IntArray, gaps_s: FloatArray, frames: int
    ) -> Tracks:
        """Return those who were not seen and are not forgotten."""
        rules = self.parameters
        aged = replace(tracks, unseen_frames=tracks.unseen_frames + frames, unseen_s=gaps_s)
        limits = np.where(tracks.ids > 0, rules.remember_s, rules.wait_s)
        kept = ~np.isin(np.arange(len(tracks)), matched) & (gaps_s < limits)
        return aged.select(np.flatnonzero(kept)[: rules.most_unseen])


def _looked_at(seen: Sighting, looks: Looks) -> Sighting:
    # a pose that is somebody else's shows somebody else's clothes
    return replace(seen, looks=Looks(looks.colours, looks.weights * seen.own[:, None]))


def _expected_people(tracks: Tracks, expected: Bodies, some: NDArray[np.bool_]) -> People:
    """Return some of the known people where they should be."""
    shift = (expected.places_xy - tracks.bodies.places_xy)[some]
    return People(
        tracks.keypoints_xy[some] + shift[:, None],
        tracks.boxes_xyxy[some] + np.tile(shift, 2),
        tracks.joint_counts[some],
        tracks.heights_px[some],
    )


def _have_left(tracks: Tracks, expected: Bodies, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return who should be out of the picture by now, (N,).

    The box of somebody who leaves is cut at the border, so that its middle lags behind them.
    """
    limit = np.array(size)
    margin = _AT_BORDER * tracks.heights_px[:, None]  # (N, 1)
    low = (tracks.boxes_xyxy[:, :2] <= margin) & (tracks.bodies.velocities_xy < 0)
    high = (tracks.boxes_xyxy[:, 2:] >= limit - margin) & (tracks.bodies.velocities_xy > 0)
    out = (expected.places_xy < 0) | (expected.places_xy >= limit)
    return np.asarray((low | high | out).any(1), np.bool_)


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


def _observe(
    before: Tracks,
    expected: Bodies,
    gaps_s: FloatArray,
    seen: Sighting,
    known: IntArray,
    parameters: TrackerParameters,
) -> Bodies:
    """Return the bodies of known people (rows of ``before``) after they were seen."""
    rules: MotionParameters = parameters.motion
    middles = seen.middles_xy[known]
    noise = np.full(len(known), rules.box_noise)
    bodies = observe_places(expected, middles, noise)
    both = before.joint_counts & seen.people.joint_counts[known]
    shift = displacement(before.keypoints_xy, seen.people.keypoints_xy[known], both)  # (N, 2)
    of_box = middles - (before.boxes_xyxy[:, :2] + before.boxes_xyxy[:, 2:]) / 2
    apart = np.abs(shift - of_box).max(1, initial=0.0) / before.heights_px
    # joints that moved otherwise than the box are somebody else's
    good = (apart < _LARGEST_DISAGREEMENT) & (both.sum(1) >= _FEWEST_JOINTS)
    good &= gaps_s < _LONGEST_STEP_S
    steps = np.maximum(gaps_s, _SHORTEST_STEP_S)
    told = observe_speeds(
        bodies.select(good),
        shift[good] / steps[good, None],
        rules.joint_noise / steps[good],
    )
    return bodies.replaced(np.flatnonzero(good), told)
