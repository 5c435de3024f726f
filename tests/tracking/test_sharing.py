"""Whose a box is where two people may be in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import DEFAULT, OnlineTracker
from tracking.appearance import unknown_appearance
from tracking.following.sharing import (
    best_in_sight,
    count_covered,
    shares_of,
    without_better_in_sight,
)
from tracking.kalman import Bodies, observe_places
from tracking.likelihood import Sighting, Similarity, count_doubtful
from tracking.similarity import describe_people
from tracking.tracks import Tracks

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
NOBODY = -1


def people(places: list[tuple[float, float]]) -> Poses:
    joints = np.reshape(places, (-1, 1, 2)) + SHAPE
    count = len(joints)
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
    return Poses(
        boxes, np.ones(count), joints, np.ones((count, 6)), np.ones(count), np.zeros(count, int)
    )


def blank(index: int) -> Frame:
    return Frame(index, index / 7, np.full((360, 640, 3), 127, np.uint8))


def test_a_box_that_fits_somebody_hidden_as_well_is_half_theirs() -> None:
    counted = np.array([[6.0, 5.0], [6.0, -1.0], [9.0, 4.0]])
    # person 0 was given box 0, person 2 box 1; person 1 has none and fits box 0 as well
    shares = shares_of(np.array([0, 2]), np.array([0, 1, 2]), counted)
    np.testing.assert_allclose(shares, [0.5, 1.0])


def test_the_share_of_a_box_follows_the_nats_by_which_it_fits_better() -> None:
    counted = np.array([[6.0], [6.0 - np.log(4)]])
    np.testing.assert_allclose(shares_of(np.array([3]), np.array([3, 5]), counted), [0.8])


def test_somebody_new_shares_their_box_with_nobody() -> None:
    shares = shares_of(np.array([NOBODY]), np.array([0]), np.array([[0.5]]))
    np.testing.assert_allclose(shares, [1.0])


def test_only_who_was_in_sight_just_now_and_has_no_box_holds_somebody_back() -> None:
    nats = np.array([[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]])
    unseen_s = np.array([0.0, 0.0, 1.0])
    best = best_in_sight(np.array([1, NOBODY]), np.arange(3), nats, unseen_s, DEFAULT)
    np.testing.assert_allclose(best, [1.0, 2.0])


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_what_is_seen_moves_somebody_by_their_share_and_leaves_both_cases_possible(
    share: float,
) -> None:
    # a place of variance 3 seen with variance 1: the gain is 3/4, the rest 3/4; 4 heights off
    expected = Bodies(np.zeros((1, 2)), np.zeros((1, 2)), np.array([[[3.0, 1.0, 2.0]] * 2]))
    told = observe_places(
        expected, np.array([[40.0, 0.0]]), np.ones(1), np.full(1, 10.0), np.full(1, share)
    )
    np.testing.assert_allclose(told.places_xy, [[30.0 * share, 0.0]])
    np.testing.assert_allclose(told.velocities_xy, [[10.0 * share, 0.0]])
    within = share * 0.75 + (1 - share) * 3.0
    between = share * (1 - share) * np.array([3.0**2, 0.0])
    np.testing.assert_allclose(told.covariances[0, :, 0], within + between)


def test_one_box_between_two_who_stood_there_moves_neither_house() -> None:
    tracker = OnlineTracker(replace(DEFAULT, reid=None))
    left, right = (300.0, 100.0), (316.0, 100.0)
    for index in range(6):
        tracker.update(blank(index), people([left, right]))
    given = tracker.update(blank(6), people([(308.0, 100.0)]))
    step = tracker.explanation
    assert step is not None
    np.testing.assert_allclose(step.shares, [0.5], atol=0.05)
    stood = [280.0, 100.0, 320.0, 200.0] if given.ids.tolist() == [1] else [296, 100, 336, 200]
    np.testing.assert_allclose(step.now.boxes_xyxy, [stood], atol=1.0)
    assert tracker.update(blank(7), people([left, right])).ids.tolist() == [1, 2]


def known_in(boxes: list[list[float]]) -> Tracks:
    empty = Tracks.empty(6).to_arrays()
    arrays = {name: np.zeros((len(boxes), *array.shape[1:])) for name, array in empty.items()}
    return Tracks.from_arrays(arrays | {"boxes_xyxy": np.array(boxes)})


def place_and_joints(place: list[float], joints: list[float]) -> Similarity:
    nothing = np.zeros((len(place), 1))
    terms = np.array(place)[:, None], np.array(joints)[:, None]
    return Similarity(terms[0], nothing, terms[1], nothing, nothing, nothing)


def test_the_pose_in_a_box_may_be_that_of_who_covers_it() -> None:
    """Half of the box is covered by somebody whose pose fits with 9 nats: the two of place remain,
    and of the pose what is left after it happens in half of 7 in 100."""
    known = known_in([[0.0, 0.0, 40.0, 100.0], [20.0, 0.0, 90.0, 160.0]])
    similarity = place_and_joints([2.0, 1.0], [-1.0, 9.0])
    counted = count_covered(similarity.total, similarity, known, DEFAULT)
    share = 0.5 * DEFAULT.likelihood.front_share
    np.testing.assert_allclose(counted[:, 0], [2.0 + 9.0 + np.log(share), 10.0])


@pytest.mark.parametrize(
    ("nearer", "place"),
    [([0.0, 0.0, 40.0, 90.0], 2.0), ([200.0, 0.0, 240.0, 160.0], 2.0), ([0, 0, 40, 160], 0.9)],
    ids=["who stands behind", "who stands apart", "a box too far off"],
)
def test_a_pose_is_nobody_elses_for(nearer: list[float], place: float) -> None:
    known = known_in([[0.0, 0.0, 40.0, 100.0], nearer])
    similarity = place_and_joints([place, 1.0], [-1.0, 9.0])
    counted = count_covered(similarity.total, similarity, known, DEFAULT)
    np.testing.assert_allclose(counted[:, 0], similarity.total[:, 0])


def test_a_pose_is_not_that_of_somebody_out_of_sight() -> None:
    known = known_in([[0.0, 0.0, 40.0, 100.0], [20.0, 0.0, 90.0, 160.0]])
    known = replace(known, unseen_s=np.array([0.0, 2 * DEFAULT.away_s]))
    similarity = place_and_joints([2.0, 1.0], [-1.0, 9.0])
    counted = count_covered(similarity.total, similarity, known, DEFAULT)
    np.testing.assert_allclose(counted[:, 0], similarity.total[:, 0])


def test_who_was_out_of_sight_takes_no_box_that_fits_somebody_in_sight_better() -> None:
    matched, compared = np.array([0, 1]), np.arange(2)
    counted = np.array([[2.0, -5.0], [-5.0, 2.0]])
    for in_sight, unseen_s, left in (
        ([3.0, 1.0], [1.0, 1.0], [NOBODY, 1]),
        ([3.0, 3.0], [0.0, 1.0], [0, NOBODY]),
        ([-np.inf, -np.inf], [1.0, 1.0], [0, 1]),
    ):
        kept = without_better_in_sight(
            matched, compared, counted, np.array(in_sight), np.array(unseen_s), DEFAULT
        )
        assert kept.tolist() == left


@pytest.mark.parametrize(("known_px", "expected"), [(100.0, 4.5), (200.0, -1.5)])
def test_a_doubtful_box_is_who_shows_more_than_before_where_joints_and_colours_agree(
    known_px: float, expected: float
) -> None:
    one = np.ones((1, 1))
    nothing = np.zeros((1, 1))
    similarity = Similarity(-one, -0.5 * one, 3 * one, nothing, 3 * one, nothing)
    known = known_in([[0.0, 0.0, 40.0, known_px]])
    whole = people([(100.0, 100.0)])
    boxes = np.array([[80.0, 50.0, 120.0, 200.0]])
    described = describe_people(
        whole.keypoints_xy, 640, 360, DEFAULT, whole.keypoint_scores, whole.boxes_xyxy
    )
    seen = Sighting(
        described,
        boxes,
        np.full(1, 0.5),
        np.ones((1, 6)),
        unknown_appearance(1, 6),
        np.ones(1, bool),
    )
    np.testing.assert_allclose(count_doubtful(similarity, known, seen, DEFAULT), [[expected]])
