"""Flows: building, closing, the distance, merging and joining, on hand-made clips."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.records import Poses
from tracking import FlowParameters, refine_tracks
from tracking.flows.flow import Flow, build_flows, close_flow, pose_confidences
from tracking.flows.nms import (
    flow_distance,
    join_flows,
    merge_flows,
    pose_distances,
    suppress_flows,
)

SHAPE = np.array([[0, 0], [-20, 30], [20, 30], [0, 100.0]])


def poses(
    places: list[tuple[float, float]], score: float = 1.0, ids: list[int] | None = None
) -> Poses:
    joints = SHAPE + np.reshape(np.array(places, float), (-1, 1, 2))
    count = len(places)
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1) if count else np.zeros((0, 4))
    scores = np.full((count, 4), score)
    given = np.zeros(count) if ids is None else ids
    return Poses(boxes, np.full(count, score), joints, scores, np.full(count, score), given)


def walk(start: int, length: int, x: float, speed: float = 2.0, score: float = 1.0) -> Flow:
    places = [(x + speed * t, 50.0) for t in range(length)]
    return Flow(np.arange(start, start + length), poses(places, score))


def test_confidence_is_box_plus_mean_plus_highest_joint() -> None:
    one = poses([(0, 0)])
    changed = Poses(
        one.boxes_xyxy, [0.5], one.keypoints_xy, [[0.2, 0.4, 0.6, 0.8]], one.scores, one.ids
    )
    assert pose_confidences(changed)[0] == pytest.approx(0.5 + 0.5 + 0.8)


def test_flows_are_the_frames_of_each_identity() -> None:
    tracked = [poses([(0, 0), (9, 0)], ids=[2, 1]), poses([]), poses([(5, 0)], ids=[2])]
    first, second = build_flows(tracked)
    assert first.frames.tolist() == [0] and second.frames.tolist() == [0, 2]
    assert second.poses.keypoints_xy[:, 0, 0].tolist() == [0, 5]
    assert build_flows([poses([])]) == []


def test_a_flow_is_closed_where_its_latest_poses_are_doubtful() -> None:
    sure, doubtful = walk(0, 5, 0.0, score=0.9), walk(5, 5, 10.0, score=0.1)
    whole = merge_flows([sure, doubtful])
    # confidences 2.7 x5 then 0.3: the mean over two is 2.7, 1.5, 0.3
    closed = close_flow(whole, 2, 1.0)
    assert closed is not None and closed.frames.tolist() == [0, 1, 2, 3, 4, 5]
    assert close_flow(doubtful, 2, 1.0) is None
    assert close_flow(whole, 2, 0.0) is whole


def test_pose_distance_by_hand() -> None:
    parameters = FlowParameters()
    sure = np.tanh(1 / 0.3) ** 2
    # equal poses: 1/K + 1/H with H = 1; 10 px (a tenth of the side 100) away: d = 1, H = exp(-1)
    assert pose_distances(poses([(0, 0)]), poses([(0, 0)]), parameters)[0] == pytest.approx(
        1 / sure + 1
    )
    moved = pose_distances(poses([(0, 0)]), poses([(10, 0)]), parameters)[0]
    assert moved == pytest.approx(1 / sure + np.e)


def test_flow_distance_is_the_median_over_shared_frames() -> None:
    parameters = FlowParameters()
    one, other = walk(0, 9, 0.0), walk(4, 9, 8.0)  # the other is where the one is then
    assert flow_distance(one, other, parameters) == pytest.approx(1 / np.tanh(1 / 0.3) ** 2 + 1)
    assert flow_distance(walk(0, 9, 0.0), walk(8, 9, 16.0), parameters) == np.inf


def test_redundant_flows_become_one_weighted_by_scores() -> None:
    strong, weak = walk(0, 6, 0.0, score=0.9), walk(0, 6, 6.0, score=0.3)
    apart = walk(0, 6, 400.0)
    kept = suppress_flows([weak, apart, strong], FlowParameters())
    assert [flow.poses.keypoints_xy[0, 0, 0] for flow in kept] == pytest.approx([400.0, 1.5])
    assert kept[1].poses.keypoint_scores[0, 0] == pytest.approx(0.6)  # (0.9 + 0.3) / 2
    assert kept[1].poses.box_scores[0] == pytest.approx(0.9)


def test_a_flow_goes_on_in_the_one_that_begins_where_it_leads() -> None:
    one, later = walk(0, 10, 0.0), walk(15, 10, 30.0)
    elsewhere = walk(15, 10, 300.0)
    joined = join_flows([one, elsewhere, later], FlowParameters())
    assert sorted(len(flow.frames) for flow in joined) == [10, 20]
    assert len(join_flows([one, walk(60, 10, 120.0)], FlowParameters())) == 2
    assert len(join_flows([one, later], FlowParameters(join_window=0))) == 2


def test_a_clip_is_refined_to_whole_people_with_identities_from_one() -> None:
    tracked = []
    for t in range(20):
        places, ids = [(2.0 * t, 50.0)], [7 if t < 9 else 9]  # cut in two
        if t == 9:
            places, ids = [], []
        if t > 3:
            places, ids = [*places, (500.0, 50.0), (503.0, 50.0)], [*ids, 3, 4]  # twice
        tracked.append(poses(places, ids=ids))
    refined = refine_tracks(tracked)
    assert [p.ids.tolist() for p in refined[:4]] == [[1]] * 4
    assert [p.ids.tolist() for p in refined[4:]] == [
        [1, 2] if t != 9 else [2] for t in range(4, 20)
    ]
    assert refined[5].keypoints_xy[1, 0, 0] == pytest.approx(501.5)


def test_a_clip_without_people_keeps_its_frames() -> None:
    assert [len(p) for p in refine_tracks([poses([]), poses([])])] == [0, 0]
    assert refine_tracks([]) == []
    with pytest.raises(ValueError, match="a flow has"):
        Flow(np.arange(2), poses([(0, 0)]))
