"""What is remembered of people: body, height, pose and clothes after one more sighting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tracking.appearance import Appearance, learn_appearance
from tracking.following.explanation import NOBODY
from tracking.kalman import Bodies, observe_places, observe_speeds, start_bodies
from tracking.likelihood import Sighting
from tracking.motion import displacement
from tracking.parameters import FloatArray, MotionParameters, TrackerParameters
from tracking.similarity import People
from tracking.tracks import IntArray, Tracks

_LARGEST_GROWTH = 0.3
"""Of the logarithm of a height from one sighting to the next; more is a box of another extent."""
_LEAST_GROWTH_SHARE = 0.2
"""Share of a new height that is learned however often somebody was seen: people come nearer."""
_FEWEST_JOINTS = 5
"""In common, from which on joints tell how fast somebody moves."""
_LONGEST_STEP_S = 1.0
"""Over a longer time joints swing back and tell no speed."""
_SHORTEST_STEP_S = 0.02
"""A frame at 50 a second: over less the noise of joints would be a great speed."""
_LARGEST_DISAGREEMENT = 0.3
"""Heights by which joints and box may have moved differently."""


def see_people(
    tracks: Tracks,
    expected: Bodies,
    gaps_s: FloatArray,
    matched: IntArray,
    seen: Sighting,
    ids: IntArray,
    sightings: IntArray,
    shares: FloatArray,
    parameters: TrackerParameters,
) -> Tracks:
    """Return the people of the new frame as they are known now, M.

    Args:
        tracks: everybody known before, N.
        expected: where they should be.
        gaps_s: time since each was seen, (N,).
        matched: row of the known person that each person of the frame is, -1 for nobody, (M,).
        seen: the people of the frame, M.
        ids: their identities, (M,).
        sightings: how often each has been seen, (M,).
        shares: how likely each box is theirs, (M,).
        parameters: how fast they change.
    """
    bodies = start_bodies(seen.middles_xy, parameters.motion)
    heights = seen.heights_px.copy()
    worn = seen.appearance
    appearance = Appearance(worn.colours, worn.weights * shares[:, None])
    means, variances = appearance.colours.copy(), np.zeros_like(appearance.colours)
    weights = appearance.weights.copy()
    known = np.flatnonzero(matched != NOBODY)
    rows = matched[known]
    before = tracks.select(rows)
    told = _observe(
        before, expected.select(rows), gaps_s[rows], seen, known, shares[known], parameters
    )
    bodies = bodies.replaced(known, told)
    growth = np.log(heights[known] / before.heights_px)
    share = np.maximum(_LEAST_GROWTH_SHARE, 1 / sightings[known]) * shares[known]
    growth = np.clip(growth, -_LARGEST_GROWTH, _LARGEST_GROWTH)
    heights[known] = before.heights_px * np.exp(share * growth)
    if parameters.reid is not None:
        means[known], variances[known], weights[known] = learn_appearance(
            before.colour_means,
            before.colour_variances,
            before.colour_weights,
            appearance.select(known),
            parameters.reid.longest_memory,
        )
    kept = known[shares[known] < parameters.sure_share]
    boxes_xyxy, people = _expected_poses(tracks, expected, matched, kept, seen)
    return Tracks(
        ids=ids,
        sightings=sightings,
        unseen_frames=np.zeros(len(ids), np.int64),
        unseen_s=np.zeros(len(ids)),
        bodies=bodies,
        heights_px=heights,
        boxes_xyxy=boxes_xyxy,
        keypoints_xy=people.keypoints_xy,
        joint_counts=people.joint_counts,
        colour_means=means,
        colour_variances=variances,
        colour_weights=weights,
    )


def _expected_poses(
    tracks: Tracks, expected: Bodies, matched: IntArray, kept: IntArray, seen: Sighting
) -> tuple[FloatArray, People]:
    """Return boxes (M, 4) and poses as seen, and as expected of those ``kept``."""
    boxes_xyxy, people = seen.boxes_xyxy.copy(), seen.people
    keypoints_xy, joint_counts = people.keypoints_xy.copy(), people.joint_counts.copy()
    rows = matched[kept]
    shift = expected.places_xy[rows] - tracks.bodies.places_xy[rows]
    boxes_xyxy[kept] = tracks.boxes_xyxy[rows] + np.tile(shift, 2)
    keypoints_xy[kept] = tracks.keypoints_xy[rows] + shift[:, None]
    joint_counts[kept] = tracks.joint_counts[rows]
    return boxes_xyxy, replace(people, keypoints_xy=keypoints_xy, joint_counts=joint_counts)


def _observe(
    before: Tracks,
    expected: Bodies,
    gaps_s: FloatArray,
    seen: Sighting,
    known: IntArray,
    shares: FloatArray,
    parameters: TrackerParameters,
) -> Bodies:
    """Return the bodies of known people (rows of ``before``) after they were seen."""
    motion: MotionParameters = parameters.motion
    middles = seen.middles_xy[known]
    noise = np.full(len(known), motion.box_noise)
    bodies = observe_places(expected, middles, noise, before.heights_px, shares)
    both = before.joint_counts & seen.people.joint_counts[known]
    shift = displacement(before.keypoints_xy, seen.people.keypoints_xy[known], both)  # (N, 2)
    of_box = middles - (before.boxes_xyxy[:, :2] + before.boxes_xyxy[:, 2:]) / 2
    apart = np.abs(shift - of_box).max(1, initial=0.0) / before.heights_px
    # joints that moved otherwise than the box are somebody else's
    good = (apart < _LARGEST_DISAGREEMENT) & (both.sum(1) >= _FEWEST_JOINTS)
    good &= (gaps_s < _LONGEST_STEP_S) & (shares >= parameters.sure_share)
    steps = np.maximum(gaps_s, _SHORTEST_STEP_S)
    told = observe_speeds(
        bodies.select(good),
        shift[good] / steps[good, None],
        motion.joint_noise / steps[good],
    )
    return bodies.replaced(np.flatnonzero(good), told)


def keep_unseen(
    tracks: Tracks,
    matched: IntArray,
    gaps_s: FloatArray,
    frames: int,
    parameters: TrackerParameters,
) -> Tracks:
    """Return those who were not seen and are not forgotten."""
    aged = replace(tracks, unseen_frames=tracks.unseen_frames + frames, unseen_s=gaps_s)
    limits = np.where(tracks.ids > 0, parameters.remember_s, parameters.wait_s)
    kept = ~np.isin(np.arange(len(tracks)), matched) & (gaps_s < limits)
    return aged.select(np.flatnonzero(kept)[: parameters.most_unseen])
