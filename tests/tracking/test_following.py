"""The tracker of boxes and joints in one state, on drawn streets and hand-made people."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np

from rmpe.records import Frame, Poses
from tracking import OnlineTracker

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)


def people(places: list[tuple[float, float]], scores: list[float] | None = None) -> Poses:
    joints = np.reshape(places, (-1, 1, 2)) + SHAPE
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
    count = len(joints)
    confidence = np.ones(count) if scores is None else np.array(scores)
    return Poses(
        boxes, confidence, joints, np.ones((count, 6)), np.ones(count), np.zeros(count, np.int64)
    )


def blank(index: int) -> Frame:
    return Frame(index, index / 25, np.full((360, 640, 3), 127, np.uint8))


def test_walkers_keep_their_identities_also_after_a_restart(
    walkers: ModuleType, identity_scores: ModuleType
) -> None:
    clip = list(walkers.WalkerScene(8, 40, 640, 360, pan_px=3.0, seed=8).clip())
    whole, first, second = (OnlineTracker() for _ in range(3))
    unnamed = [(frame, poses.with_ids(poses.ids * 0)) for frame, poses in clip]
    once = [whole.update(*item) for item in unnamed]
    again = [first.update(*item) for item in unnamed[:20]]
    second.restore(first.state())
    again += [second.update(*item) for item in unnamed[20:]]
    assert [poses.ids.tolist() for poses in again] == [poses.ids.tolist() for poses in once]
    assert identity_scores.score_identities([p for _, p in clip], once).switches == 0


def test_people_who_cross_go_on_as_they_walked() -> None:
    tracker = OnlineTracker()
    for index in range(40):
        left, right = (200.0 + 5 * index, 100.0), (400.0 - 5 * index, 112.0)
        assert tracker.update(blank(index), people([left, right])).ids.tolist() == [1, 2]


def test_somebody_doubtful_waits_for_an_identity() -> None:
    tracker = OnlineTracker()
    sure, doubtful = (100.0, 100.0), (400.0, 100.0)
    tracker.update(blank(0), people([sure]))
    given = [
        tracker.update(blank(index), people([sure, doubtful], [0.9, 0.3])).ids.tolist()
        for index in range(1, 5)
    ]
    assert given == [[1, 0], [1, 0], [1, 2], [1, 2]]


def test_those_of_the_first_frame_are_named_at_once() -> None:
    poses = people([(100.0, 100.0), (400.0, 100.0)], [0.9, 0.3])
    assert OnlineTracker().update(blank(0), poses).ids.tolist() == [1, 2]


def test_a_doubtful_box_is_nobody_whom_its_size_and_place_speak_against() -> None:
    tracker = OnlineTracker()
    for index in range(10):
        tracker.update(blank(index), people([(300.0 - 4 * index, 100.0)]))
    # the pose of who was in front, found in the small box of somebody behind
    found = people([(260.0, 100.0)], [0.4])
    small = replace(found, boxes_xyxy=np.array([[290.0, 110.0, 320.0, 165.0]], np.float32))
    assert tracker.update(blank(10), small).ids.tolist() == [0]


def test_time_between_frames_is_no_absence() -> None:
    tracker = OnlineTracker()
    standing = people([(300.0, 100.0)])
    given = [
        tracker.update(replace(blank(0), index=index, timestamp_s=index / 25), standing)
        for index in (0, 1, 2, 600)
    ]
    assert [poses.ids.tolist() for poses in given] == [[1]] * 4


def test_boxes_without_poses_are_not_taken_for_one_pose_found_twice() -> None:
    tracker = OnlineTracker()
    given = []
    for index, places in enumerate(([100.0], [100.0, 300.0, 500.0])):
        poses = people([(x, 100.0) for x in places])
        nothing = np.zeros(poses.keypoint_scores.shape)
        boxes = replace(poses, keypoints_xy=np.zeros((len(places), 6, 2)), keypoint_scores=nothing)
        given.append(tracker.update(blank(index), boxes).ids.tolist())
    assert given == [[1], [1, 2, 3]]
    assert tracker.explanation is not None
    assert tracker.explanation.similarity.absence.tolist() == [[0.0, 0.0, 0.0]]
