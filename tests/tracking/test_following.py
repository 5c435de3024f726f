"""The tracker of boxes and joints in one state, on drawn streets and hand-made people."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from rmpe.records import Frame, Poses
from tracking import FOLLOWING, OnlineTracker

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
    whole, first, second = (OnlineTracker(FOLLOWING) for _ in range(3))
    unnamed = [(frame, poses.with_ids(poses.ids * 0)) for frame, poses in clip]
    once = [whole.update(*item) for item in unnamed]
    again = [first.update(*item) for item in unnamed[:20]]
    second.restore(first.state())
    again += [second.update(*item) for item in unnamed[20:]]
    assert [poses.ids.tolist() for poses in again] == [poses.ids.tolist() for poses in once]
    assert identity_scores.score_identities([p for _, p in clip], once).switches == 0


def test_people_who_cross_go_on_as_they_walked() -> None:
    tracker = OnlineTracker(FOLLOWING)
    for index in range(40):
        left, right = (200.0 + 5 * index, 100.0), (400.0 - 5 * index, 112.0)
        assert tracker.update(blank(index), people([left, right])).ids.tolist() == [1, 2]


def test_somebody_doubtful_waits_for_an_identity() -> None:
    tracker = OnlineTracker(FOLLOWING)
    sure, doubtful = (100.0, 100.0), (400.0, 100.0)
    given = [
        tracker.update(blank(index), people([sure, doubtful], [0.9, 0.3])).ids.tolist()
        for index in range(4)
    ]
    assert given == [[1, 0], [1, 0], [1, 2], [1, 2]]
