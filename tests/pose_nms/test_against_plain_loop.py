"""Pose-NMS against plain loops over picks, candidates and joints, on random scenes."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from benchmarks import bench_pose_nms
from rmpe.pose_nms import ALPHAPOSE, suppress
from rmpe.pose_nms.parameters import (
    RMPE,
    WHOLE_BODY_HEATMAP,
    WHOLE_BODY_REGRESSION,
    PoseNmsParameters,
)
from rmpe.records import Poses


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The benchmark, which holds the loop written from the description."""
    return bench_pose_nms


def assert_same(bench: ModuleType, poses: Poses, parameters: PoseNmsParameters) -> int:
    """Compare the two; return how many candidates were suppressed."""
    found = suppress(poses, parameters)
    picks, members, joints, scores, proposals = bench.loop_pose_nms(poses, parameters)
    assert found.picks.tolist() == picks
    assert [group.tolist() for group in found.members] == members
    if picks:
        np.testing.assert_allclose(found.poses.keypoints_xy, joints, rtol=0, atol=5e-4)
        np.testing.assert_allclose(found.poses.keypoint_scores, scores, rtol=0, atol=1e-6)
        if parameters.rule == "alphapose":
            np.testing.assert_allclose(found.poses.scores, proposals, rtol=0, atol=1e-5)
    return len(poses) - len(picks)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("joints", "parameters"),
    [
        (17, ALPHAPOSE),
        (17, replace(ALPHAPOSE, area_threshold=3000.0)),
        (26, ALPHAPOSE),
        (14, replace(ALPHAPOSE, match_threshold=100.0, gamma=4.0, delta2=6.0)),
        (16, RMPE),
        (16, replace(RMPE, gamma=12.0, score_threshold=0.45)),
    ],
)
def test_body_scenes(bench: ModuleType, joints: int, parameters: Any, seed: int) -> None:
    poses = bench.make_scene(30, 8, joints, seed)
    assert assert_same(bench, poses, parameters) > 0


def whole_body_scene(joints: int, seed: int, candidates: int, visible_share: float) -> Poses:
    """People whose parts have the sizes that faces and hands have, many joints unsure."""
    random = np.random.default_rng(seed)
    people = max(candidates // 3, 1)
    height = random.uniform(150, 500, people)
    base = random.uniform(-0.5, 0.5, (people, joints, 2)) * height[:, None, None]
    base[:, joints - 110 :] *= 0.1
    base += random.uniform(0, 900, (people, 1, 2))
    owner = random.integers(0, people, candidates)
    xy = base[owner] + random.normal(0, 1, (candidates, joints, 2)) * random.uniform(
        0.2, 4, (candidates, 1, 1)
    )
    scores = random.uniform(0.31, 1, (candidates, joints))
    unsure = random.uniform(size=scores.shape) > visible_share
    scores[unsure] = random.uniform(0, 0.3, int(unsure.sum()))
    scores[random.uniform(size=scores.shape) < 0.02] = 0.0
    return Poses(
        boxes_xyxy=np.concatenate([xy.min(1), xy.max(1)], 1),
        box_scores=random.uniform(0.3, 1, candidates),
        keypoints_xy=xy,
        keypoint_scores=scores,
        scores=np.zeros(candidates),
        ids=np.zeros(candidates),
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("joints", [133, 136])
@pytest.mark.parametrize("visible_share", [0.9, 0.3, 0.02])
def test_whole_body_scenes(bench: ModuleType, joints: int, visible_share: float, seed: int) -> None:
    poses = whole_body_scene(joints, seed, 9, visible_share)
    for parameters in (WHOLE_BODY_HEATMAP, WHOLE_BODY_REGRESSION):
        assert_same(bench, poses, parameters)


def test_whole_body_count_shrinks_as_the_crowd_grows(bench: ModuleType) -> None:
    few = whole_body_scene(136, 5, 4, 0.9)
    # Eight far-away people more: 136 of 136 joints no longer reach the count of 5 at first.
    many_xy = [few.keypoints_xy] + [few.keypoints_xy[:1] + 5000.0 * (n + 1) for n in range(8)]
    rows = [0, 1, 2, 3] + [0] * 8
    many = replace(few.select(rows), keypoints_xy=np.concatenate(many_xy))
    assert_same(bench, few, WHOLE_BODY_HEATMAP)
    assert_same(bench, many, WHOLE_BODY_HEATMAP)


def test_without_a_sure_joint_the_whole_body_count_is_zero(bench: ModuleType) -> None:
    poses = whole_body_scene(136, 2, 4, 0.9)
    unsure = replace(poses, keypoint_scores=np.full((4, 136), 0.1))
    assert len(suppress(unsure, WHOLE_BODY_HEATMAP).poses) == 0
    low = replace(WHOLE_BODY_HEATMAP, score_threshold=0.05)
    assert_same(bench, replace(poses, keypoint_scores=np.full((4, 136), 0.02)), low)


def test_more_candidates_than_one_block(bench: ModuleType) -> None:
    poses = bench.make_scene(150, 30, 17, 3)
    assert assert_same(bench, poses, ALPHAPOSE) > 50


def test_whole_body_crowd_over_several_blocks(bench: ModuleType) -> None:
    poses = whole_body_scene(136, 8, 70, 0.15)
    far = replace(poses, keypoints_xy=poses.keypoints_xy + np.arange(70)[:, None, None] * 0.01)
    assert_same(bench, far, WHOLE_BODY_REGRESSION)
