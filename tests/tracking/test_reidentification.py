"""People who leave and come back: known again when it is sure, new when it is not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import DEFAULT, OnlineTracker
from tracking.appearance import Appearance, unknown_appearance
from tracking.matching import no_correspondences
from tracking.poseflow.linking import Linker
from tracking.poseflow.parameters import POSEFLOW_EXTENDED
from tracking.similarity import People, describe_people

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
WIDTH, HEIGHT = 640, 360
RED, BLUE, GREEN = (40, 40, 220), (220, 60, 30), (40, 200, 60)
Person = tuple[float, tuple[int, int, int]]


def seen(index: int, *people: Person, top: float = 120.0) -> tuple[Frame, Poses]:
    """A grey street with people of one colour each at their places x."""
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    joints = np.array([[x, top] for x, _ in people]).reshape(-1, 1, 2) + SHAPE
    for points, (_, colour) in zip(joints, people):
        for point in points:
            middle = points.mean(0)
            cv2.line(image, point.astype(int).tolist(), middle.astype(int).tolist(), colour, 14)
    count = len(people)
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1) if count else np.zeros((0, 4))
    ones = np.ones(count)
    poses = Poses(boxes, ones, joints, np.ones((count, 6)), ones, np.zeros(count))
    return Frame(index, index / 25, image), poses


def story(away: int, before: list[Person], after: list[Person]) -> list[tuple[Frame, Poses]]:
    """Ten frames of ``before``, ``away`` frames of nobody, three of ``after``."""
    crowd = [before] * 10 + [[]] * away + [after] * 3
    return [seen(index, *people) for index, people in enumerate(crowd)]


def last_ids(tracker: OnlineTracker, clip: list[tuple[Frame, Poses]]) -> list[int]:
    return [tracker.update(*item).ids.tolist() for item in clip][-1]


def test_somebody_in_the_same_clothes_is_known_again_after_seconds() -> None:
    clip = story(60, [(60, RED), (560, BLUE)], [(75, RED)])
    assert last_ids(OnlineTracker(), clip) == [1]
    assert last_ids(OnlineTracker(), story(60, [(60, RED), (560, BLUE)], [(540, BLUE)])) == [2]


def test_somebody_in_other_clothes_at_the_same_place_is_new() -> None:
    assert last_ids(OnlineTracker(), story(60, [(60, RED)], [(75, BLUE)])) == [2]


def test_clothes_tell_who_it_is_when_two_left_at_one_side() -> None:
    clip = story(60, [(60, RED), (110, BLUE)], [(70, BLUE), (160, RED)])
    assert last_ids(OnlineTracker(), clip) == [2, 1]


def test_one_of_two_alike_is_new_because_nobody_can_tell() -> None:
    assert last_ids(OnlineTracker(), story(60, [(60, RED), (110, RED)], [(85, RED)])) == [3]


def test_somebody_who_appears_near_one_who_has_just_left_is_new() -> None:
    clip = story(6, [(60, RED)], [(85, GREEN)])
    assert last_ids(OnlineTracker(), clip) == [2]


def test_without_looks_or_after_the_memory_everybody_is_new() -> None:
    clip = story(60, [(60, RED)], [(75, RED)])
    assert last_ids(OnlineTracker(replace(DEFAULT, reid=None)), clip) == [2]
    assert last_ids(OnlineTracker(replace(DEFAULT, remember_s=2.39)), clip) == [2]
    assert last_ids(OnlineTracker(replace(DEFAULT, remember_s=2.41)), clip) == [1]


@pytest.mark.parametrize("stop", [9, 30, 70])
def test_a_tracker_restored_while_people_are_away_knows_them_again(stop: int) -> None:
    clip = story(60, [(60, RED), (110, BLUE)], [(70, BLUE), (160, RED)])
    first, second = OnlineTracker(), OnlineTracker()
    for item in clip[:stop]:
        first.update(*item)
    second.restore(first.state())
    assert last_ids(second, clip[stop:]) == [2, 1]


def test_no_more_people_out_of_sight_are_remembered_than_allowed() -> None:
    parameters = replace(POSEFLOW_EXTENDED, most_unseen=3, reid=None)
    linker = Linker(parameters)
    for index in range(8):
        joints = SHAPE + [40 + 70 * index, 120]
        people = describe_people(joints[None], WIDTH, HEIGHT, parameters)
        linker.link(people, no_correspondences(), (WIDTH, HEIGHT))
    assert linker.memory is not None
    assert linker.memory.ids.tolist() == [8, 7, 6, 5]


def test_only_who_walks_out_of_the_picture_may_hide_others_afterwards() -> None:
    linker = Linker(POSEFLOW_EXTENDED)
    leaving = []

    def look(others: People) -> Appearance:
        leaving.append(others.keypoints_xy[:, 0, 0].round().tolist())
        return unknown_appearance(len(people), 6)

    for index in range(20):
        places = [60 - 10 * index, 300 + 10 * index]  # shoulders reach 20 px to each side
        if index >= 6:
            places = places[:0]  # one is at x = 0, half out; the other is lost in the middle
        joints = np.array([[x, 120] for x in places]).reshape(-1, 1, 2) + SHAPE
        people = describe_people(joints, WIDTH, HEIGHT, POSEFLOW_EXTENDED)
        linker.link(people, no_correspondences(), (WIDTH, HEIGHT), look)
    assert leaving[:6] == [[]] * 6
    assert leaving[6:9] == [[0], [-10], [-20]]
