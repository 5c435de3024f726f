"""Inputs at the edge of what is normal: the tracker names everybody and never fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import DEFAULT, POSEFLOW_REFERENCE, OnlineTracker, PoseFlowParameters, refine_tracks

WIDTH, HEIGHT = 320, 240
RULES = pytest.mark.parametrize(
    "parameters",
    [DEFAULT, replace(POSEFLOW_REFERENCE, features=DEFAULT.features)],
    ids=["default", "reference"],
)


def frame(index: int) -> Frame:
    noise = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return Frame(index, index / 25, noise)


def poses(joints: np.ndarray, scores: np.ndarray | None = None) -> Poses:
    count = len(joints)
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
    given = np.ones(joints.shape[:2]) if scores is None else scores
    return Poses(boxes, np.ones(count), joints, given, np.ones(count), np.zeros(count))


def ids_over(parameters: PoseFlowParameters, people: Poses, frames: int = 4) -> list[list[int]]:
    tracker = OnlineTracker(parameters)
    return [tracker.update(frame(index), people).ids.tolist() for index in range(frames)]


@RULES
@pytest.mark.parametrize("joint_count", [1, 2, 14, 17, 26, 136])
def test_any_number_of_joints(parameters: PoseFlowParameters, joint_count: int) -> None:
    rng = np.random.default_rng(joint_count)
    middles = np.array([[60.0, 120], [160, 120], [260, 120]])[:, None]
    people = poses(middles + rng.uniform(-20, 20, (3, joint_count, 2)))
    assert ids_over(parameters, people) == [[1, 2, 3]] * 4


@RULES
def test_one_visible_joint_or_none_at_all(parameters: PoseFlowParameters) -> None:
    joints = np.array([[60.0, 120], [200, 120]])[:, None] + np.zeros((2, 17, 2))
    joints[:, :, 1] += np.linspace(0, 60, 17)
    scores = np.zeros((2, 17))
    scores[0, 3] = 0.9
    assert ids_over(parameters, poses(joints, scores)) == [[1, 2]] * 4


@RULES
def test_people_outside_the_picture_and_of_no_size(parameters: PoseFlowParameters) -> None:
    points = np.array([[-500.0, -500], [5000, 100], [160, 120]])
    people = poses(np.repeat(points[:, None], 5, 1))
    found = ids_over(parameters, people)
    assert all(len(set(ids)) == 3 for ids in found)
    assert [ids[2] for ids in found] == [found[0][2]] * 4


@RULES
def test_identical_poses_have_identities_of_their_own(parameters: PoseFlowParameters) -> None:
    one = np.random.default_rng(1).uniform(80, 160, (1, 17, 2))
    found = ids_over(parameters, poses(np.repeat(one, 12, 0)))
    assert [sorted(ids) for ids in found[2:]] == [list(range(1, 13))] * 2  # copies wait for theirs


@RULES
def test_pictures_too_small_for_features(parameters: PoseFlowParameters) -> None:
    tracker = OnlineTracker(parameters)
    people = poses(np.random.default_rng(1).uniform(2, 14, (1, 17, 2)))
    for index in range(3):
        tiny = Frame(index, index / 25, np.zeros((16, 16, 3), np.uint8))
        assert tracker.update(tiny, people).ids.tolist() == [1]


@RULES
def test_many_frames_left_out(parameters: PoseFlowParameters) -> None:
    tracker = OnlineTracker(parameters)
    people = poses(np.random.default_rng(1).uniform(80, 160, (1, 17, 2)))
    assert [tracker.update(frame(index), people).ids.tolist() for index in (0, 7, 900)] == [[1]] * 3


def test_flows_of_two_hundred_people_stay_two_hundred() -> None:
    columns, rows = np.meshgrid(np.arange(20) * 60.0, np.arange(10) * 90.0)
    places = np.stack([columns, rows], -1).reshape(-1, 1, 2)
    shape = np.array([[0, 0], [-8, 20], [8, 20], [0, 60.0]])
    ids = np.arange(1, 201)
    tracked = [poses(places + shape + [t, 0]).with_ids(ids) for t in range(4)]
    refined = refine_tracks(tracked)
    assert [sorted(p.ids.tolist()) for p in refined] == [ids.tolist()] * 4
