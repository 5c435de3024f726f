"""The online tracker as a whole, on drawn streets with known identities."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import DEFAULT, POSEFLOW_REFERENCE, OnlineTracker


def figures(places: np.ndarray, size: float = 100.0) -> Poses:
    """People of six joints whose crowns are at ``places`` (N, 2)."""
    shape = np.array([[0, 0], [-0.2, 0.2], [0.2, 0.2], [0, 0.5], [-0.15, 1], [0.15, 1]]) * size
    joints = np.reshape(places, (-1, 1, 2)) + shape
    count = len(joints)
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1) if count else np.zeros((0, 4))
    return Poses(
        boxes, np.ones(count), joints, np.ones((count, 6)), np.ones(count), np.zeros(count)
    )


def picture(seed: int, height: int = 360, width: int = 640) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize(("people", "pan"), [(8, 0.0), (8, 3.0), (25, 3.0)])
def test_true_poses_keep_their_identities(
    walkers: ModuleType, identity_scores: ModuleType, people: int, pan: float
) -> None:
    clip = list(walkers.WalkerScene(people, 60, 640, 360, pan_px=pan, seed=people).clip())
    tracker = OnlineTracker()
    tracked = [tracker.update(frame, poses.with_ids(poses.ids * 0)) for frame, poses in clip]
    scores = identity_scores.score_identities([poses for _, poses in clip], tracked)
    assert scores.mota >= 0.95
    assert scores.crossings >= people
    assert scores.switches <= scores.crossings / 100


def test_missed_and_jittered_people_switch_half_as_often_as_with_plain_overlap(
    walkers: ModuleType, identity_scores: ModuleType
) -> None:
    rng = np.random.default_rng(0)
    tracker, plain = OnlineTracker(), identity_scores.IouTracker()
    patient = identity_scores.IouTracker(memory_frames=30)
    truth, ours, theirs, patients = [], [], [], []
    for frame, poses in walkers.WalkerScene(15, 80, 640, 360, pan_px=2, seed=3).clip():
        seen = walkers.disturb(poses, rng, missed=0.2, jitter=0.02)
        truth.append(poses)
        ours.append(tracker.update(frame, seen))
        theirs.append(plain.update(seen))
        patients.append(patient.update(seen))
    count = [identity_scores.score_identities(truth, t).switches for t in (ours, theirs, patients)]
    assert count[0] <= count[1] / 2
    assert count[0] <= count[2]


def test_a_cut_makes_everybody_new_and_counting_goes_on() -> None:
    tracker = OnlineTracker()
    people = figures(np.array([[200.0, 100], [400.0, 100]]))
    assert tracker.update(Frame(0, 0.0, picture(0)), people).ids.tolist() == [1, 2]
    assert tracker.update(Frame(1, 0.04, picture(0)), people).ids.tolist() == [1, 2]
    assert tracker.update(Frame(2, 0.08, picture(9)), people).ids.tolist() == [3, 4]


def test_pictures_without_any_corner_are_tracked_by_poses_alone() -> None:
    tracker = OnlineTracker()
    blank = np.full((360, 640, 3), 127, np.uint8)
    for index in range(5):
        places = np.array([[200.0 + 3 * index, 100], [400.0 - 3 * index, 100]])
        poses = tracker.update(Frame(index, index / 25, blank), figures(places))
        assert poses.ids.tolist() == [1, 2]


@pytest.mark.parametrize("parameters", [DEFAULT, POSEFLOW_REFERENCE], ids=["default", "reference"])
def test_empty_frames_at_the_start_in_the_middle_and_always(parameters: Any) -> None:
    parameters = replace(parameters, features=DEFAULT.features)
    tracker = OnlineTracker(parameters)
    nobody, one = Poses.empty(6), figures(np.array([[300.0, 100]]))
    given = [
        tracker.update(Frame(i, i / 25, picture(1)), poses).ids.tolist()
        for i, poses in enumerate([nobody, nobody, one, nobody, one, nobody])
    ]
    assert given == [[], [], [1], [], [1], []]


def test_two_hundred_people_in_one_frame() -> None:
    columns, rows = np.meshgrid(np.arange(20) * 30.0 + 20, np.arange(10) * 33.0 + 5)
    places = np.stack([columns, rows], -1).reshape(-1, 2)
    tracker = OnlineTracker()
    rng = np.random.default_rng(2)
    for index in range(3):
        order = rng.permutation(200)
        poses = figures(places + [2.0 * index, 0], size=25)
        ids = tracker.update(Frame(index, index / 25, picture(3)), poses.select(order)).ids
        if index == 0:
            named = dict(zip(order.tolist(), ids.tolist()))
        assert {int(p): int(i) for p, i in zip(order, ids)} == named


def test_a_fast_pan_is_taken_out_before_people_are_compared() -> None:
    wide = picture(4, 360, 1600)
    tracker = OnlineTracker()
    here, there = np.array([0.0, 60]), np.array([45.0, 60])
    for index in range(8):
        shift = 40 * index  # almost the distance of the two people
        image = np.ascontiguousarray(wide[:, shift : shift + 640])
        places = np.array([here - [shift, 0], there - [shift, 0]]) + [450, 0]
        poses = tracker.update(Frame(index, index / 25, image), figures(places))
        assert poses.ids.tolist() == [1, 2]


def test_two_trackers_share_nothing() -> None:
    one, other = OnlineTracker(), OnlineTracker()
    both = figures(np.array([[200.0, 100], [400.0, 100]]))
    one.update(Frame(0, 0.0, picture(0)), both)
    assert other.update(Frame(0, 0.0, picture(0)), both.select([1])).ids.tolist() == [1]
    assert one.update(Frame(1, 0.04, picture(0)), both.select([1])).ids.tolist() == [2]
    assert other.update(Frame(1, 0.04, picture(0)), both).ids.tolist() == [2, 1]


@pytest.mark.parametrize("parameters", [DEFAULT, POSEFLOW_REFERENCE], ids=["default", "reference"])
def test_a_restored_tracker_gives_the_ids_of_the_uninterrupted_run(
    walkers: ModuleType, parameters: Any
) -> None:
    parameters = replace(parameters, features=DEFAULT.features)
    rng = np.random.default_rng(1)
    scene = walkers.WalkerScene(10, 40, 640, 360, pan_px=2, seed=5)
    clip = [(frame, walkers.disturb(poses, rng, 0.2, 0.02)) for frame, poses in scene.clip()]
    whole = OnlineTracker(parameters)
    expected = [whole.update(*item).ids.tolist() for item in clip]
    for stop in (0, 1, 17):
        broken = OnlineTracker(parameters)
        for item in clip[:stop]:
            broken.update(*item)
        resumed = OnlineTracker(parameters)
        state = broken.state()
        assert len(state) < 100_000
        resumed.restore(state)
        assert [resumed.update(*item).ids.tolist() for item in clip[stop:]] == expected[stop:]


def test_states_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="no tracker state"):
        OnlineTracker().restore(b"nonsense")
    with pytest.raises(ValueError, match="other parameters"):
        OnlineTracker(POSEFLOW_REFERENCE).restore(OnlineTracker().state())


def test_frames_do_not_go_back_and_joints_do_not_change() -> None:
    tracker = OnlineTracker()
    tracker.update(Frame(3, 0.1, picture(0)), figures(np.array([[200.0, 100]])))
    with pytest.raises(ValueError, match="frame 3 came after frame 3"):
        tracker.update(Frame(3, 0.1, picture(0)), Poses.empty(6))
    with pytest.raises(ValueError, match="17 joints"):
        tracker.update(Frame(4, 0.2, picture(0)), Poses.empty(17))


def test_memory_does_not_grow_with_the_clip() -> None:
    tracker = OnlineTracker(replace(DEFAULT, remember_s=1.2))
    image = picture(7, 120, 160)
    sizes, held = [], []
    tracemalloc.start()
    for index in range(300):
        places = np.random.default_rng(index % 100).uniform([0, 0], [140, 60], (4, 2))
        frame = Frame(index, index / 25, image.copy())
        tracker.update(frame, figures(places, 40))
        if index % 20 == 19:
            sizes.append(len(tracker.state()))
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(sizes[10:]) <= 1.05 * max(sizes[:5])
    # freed numpy memory is kept for reuse by numpy; one picture is 57 600 bytes, 200 went through
    assert max(held[10:]) - max(held[:5]) < 5 * image.nbytes
