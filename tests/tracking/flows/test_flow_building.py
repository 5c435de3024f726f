"""Flows as the most confident ways through a clip, worked by hand."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import DEFAULT, track_clip
from tracking.flows.building import number_flows

SHAPE = np.array([[0, 0], [-20, 30], [20, 30], [0, 100.0]])


def test_the_most_confident_way_is_taken_first() -> None:
    # from pose 0 the way over pose 1 of the middle frame is worth 1 + 2 + 1, over pose 0 only 3
    confidences = [np.array([1.0]), np.array([1.0, 2.0]), np.array([1.0, 0.5])]
    candidates = [np.array([[True, True]]), np.array([[True, False], [True, True]])]
    numbers = number_flows(confidences, candidates)
    # what is left: the other pose of the middle frame (1.0), then the last one (0.5)
    assert [n.tolist() for n in numbers] == [[1], [2, 1], [1, 3]]


def test_a_flow_looks_ahead_and_ends_without_candidates() -> None:
    # the surer next pose is a dead end: 1 + 3 < 1 + 1 + 1 + 2
    confidences = [np.array([1.0]), np.array([3.0, 1.0]), np.array([1.0]), np.array([2.0])]
    candidates = [np.array([[True, True]]), np.array([[False], [True]]), np.array([[True]])]
    assert [n.tolist() for n in number_flows(confidences, candidates)] == [[1], [2, 1], [1], [1]]


def test_the_first_flow_is_the_best_of_all_ways() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        sizes = rng.integers(1, 4, 5)
        confidences = [rng.uniform(0.1, 3, n) for n in sizes]
        candidates = [rng.random((a, b)) < 0.5 for a, b in pairwise(sizes)]
        numbers = number_flows(confidences, candidates)
        assert all((n > 0).all() for n in numbers)
        best = 0.0
        for start, end in product(range(5), range(5)):
            for way in product(*[range(n) for n in sizes[start : end + 1]]):
                steps = zip(pairwise(way), candidates[start:])
                if all(allowed[i, j] for (i, j), allowed in steps):
                    values = [confidences[start + k][i] for k, i in enumerate(way)]
                    best = max(best, sum(values))
        chosen = sum(c[n == 1].sum() for c, n in zip(confidences, numbers))
        assert chosen == pytest.approx(best)


def test_empty_frames_end_flows_and_lists_must_fit() -> None:
    ones, none = np.ones(1), np.zeros(0)
    candidates = [np.zeros((1, 0), bool), np.zeros((0, 1), bool)]
    numbers = number_flows([ones, none, ones], candidates)
    assert sorted(n.tolist()[0] for n in (numbers[0], numbers[2])) == [1, 2]
    assert number_flows([], []) == []
    with pytest.raises(ValueError, match="0 steps of 2 frames"):
        number_flows([ones, ones], [])


def test_a_clip_tracked_by_confidence_has_whole_people() -> None:
    image = np.random.default_rng(0).integers(0, 256, (240, 640, 3), dtype=np.uint8)
    clip = []
    for t in range(20):
        places = np.array([[100.0 + 3 * t, 50], [500.0 - 3 * t, 90]])
        if t == 8:
            places = places[1:]  # one is missed: the flow is cut, and joined again
        joints = places[:, None] + SHAPE
        boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
        ones = np.ones(len(joints))
        people = Poses(boxes, ones, joints, np.ones((len(joints), 4)), ones, ones * 0)
        clip.append((Frame(t, t / 25, image), people))
    tracked = track_clip(clip, DEFAULT, building="confidence")
    assert [len(poses) for poses in tracked] == [2 if t != 8 else 1 for t in range(20)]
    rightward = {
        int(identity)
        for t, poses in enumerate(tracked)
        for identity, joints in zip(poses.ids, poses.keypoints_xy)
        if joints[0].tolist() == [100 + 3 * t, 50]
    }
    leftward = {
        int(identity)
        for t, poses in enumerate(tracked)
        for identity, joints in zip(poses.ids, poses.keypoints_xy)
        if joints[0].tolist() == [500 - 3 * t, 90]
    }
    assert sorted([rightward, leftward], key=min) == [{1}, {2}]
    with pytest.raises(ValueError, match="supported are 'identities', 'confidence'"):
        track_clip(clip, DEFAULT, building="score")
