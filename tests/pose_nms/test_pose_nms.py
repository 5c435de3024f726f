"""Pose-NMS in cases worked by hand, and at its edges."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpe.pose_nms import ALPHAPOSE, PoseNmsParameters, oks_nms, pose_nms, suppress
from rmpe.pose_nms.parameters import (
    PAPER,
    PARAMETER_SETS,
    RMPE,
    WHOLE_BODY_REGRESSION,
    get_parameters,
    load_parameters,
    save_parameters,
)
from rmpe.pose_nms.rescoring import joint_mean, proposal_score
from rmpe.records import Poses
from rmpe.skeletons import COCO_17


def figure(
    shift_x: float = 0.0,
    score: float = 0.8,
    box_score: float = 0.9,
    size: float = 200.0,
    joints: int = 17,
) -> Poses:
    """One pose on a diagonal of ``size`` pixels with equal joint scores."""
    line = np.linspace(0, size, joints)
    xy = np.stack([line + shift_x, line], -1)[None]
    return Poses(
        boxes_xyxy=[[shift_x, 0, shift_x + size, size]],
        box_scores=[box_score],
        keypoints_xy=xy,
        keypoint_scores=np.full((1, joints), score),
        scores=[score * box_score],
        ids=[1],
    )


def together(*poses: Poses) -> Poses:
    return Poses(
        boxes_xyxy=np.concatenate([p.boxes_xyxy for p in poses]),
        box_scores=np.concatenate([p.box_scores for p in poses]),
        keypoints_xy=np.concatenate([p.keypoints_xy for p in poses]),
        keypoint_scores=np.concatenate([p.keypoint_scores for p in poses]),
        scores=np.concatenate([p.scores for p in poses]),
        ids=np.arange(len(poses)) + 1,
    )


RULES = [ALPHAPOSE, RMPE, PAPER, WHOLE_BODY_REGRESSION]


@pytest.mark.parametrize(("width", "kept"), [(220, 0.6), (400, 0.5)])
def test_a_box_around_two_people_gives_way_to_one_that_fits_the_joints_much_better(
    width: float, kept: float
) -> None:
    # The joints fill 200 x 200 pixels: 220 overlap that by 1 / 1.1 (IoU), 400 by a half.
    picked = replace(figure(0, 0.9, 0.6), boxes_xyxy=np.array([[0, 0, width, 200]], np.float32))
    poses = together(picked, figure(0, 0.8, 0.5))
    sure = suppress(poses).with_sure_boxes(poses)
    assert sure.box_scores.tolist() == pytest.approx([kept])


def test_a_doubtful_box_gives_way_to_the_best_of_those_merged() -> None:
    # The second of each two has the surest joints; 0.59 of 0.9 is less than two thirds, 0.61 more.
    poses = together(
        *(figure(0, 0.8, 0.9), figure(2, 0.85, 0.59)),
        *(figure(600, 0.7, 0.9), figure(602, 0.75, 0.61)),
    )
    merged = suppress(poses)
    assert merged.poses.box_scores.tolist() == pytest.approx([0.59, 0.61])
    sure = merged.with_sure_boxes(poses)
    assert sure.box_scores.tolist() == pytest.approx([0.9, 0.61])
    assert sure.boxes_xyxy.tolist() == [[0, 0, 200, 200], [602, 0, 802, 200]]
    np.testing.assert_array_equal(sure.keypoints_xy, merged.poses.keypoints_xy)
    nobody = Poses.empty(17)
    assert len(suppress(nobody).with_sure_boxes(nobody)) == 0


@pytest.mark.parametrize("parameters", RULES)
@pytest.mark.parametrize("joints", [1, 4, 17, 136])
def test_nobody(parameters: Any, joints: int) -> None:
    assert len(pose_nms(Poses.empty(joints), parameters)) == 0
    assert pose_nms(Poses.empty(joints), parameters).joint_count == joints


@pytest.mark.parametrize("parameters", RULES)
@pytest.mark.parametrize("joints", [1, 4, 17, 136])
def test_one_person_stays_as_it_is(parameters: Any, joints: int) -> None:
    poses = figure(joints=joints)
    kept = pose_nms(poses, parameters)
    np.testing.assert_allclose(kept.keypoints_xy, poses.keypoints_xy, atol=1e-4)
    np.testing.assert_allclose(kept.keypoint_scores, poses.keypoint_scores, atol=1e-6)


@pytest.mark.parametrize("parameters", [ALPHAPOSE, RMPE, PAPER])
def test_identical_poses_become_one(parameters: Any) -> None:
    poses = together(*[figure() for _ in range(100)])
    found = suppress(poses, parameters)
    assert found.picks.tolist() == [0]
    assert found.members[0].tolist() == list(range(100))
    np.testing.assert_allclose(found.poses.keypoints_xy[0], poses.keypoints_xy[0], atol=1e-3)


@pytest.mark.parametrize("parameters", [ALPHAPOSE, RMPE, WHOLE_BODY_REGRESSION])
def test_people_without_any_score_are_dropped(parameters: Any) -> None:
    poses = together(figure(score=0.0), figure(shift_x=300.0, score=0.0))
    assert len(pose_nms(poses, parameters)) == 0


def test_without_a_threshold_zero_scores_are_merged_evenly() -> None:
    poses = together(figure(score=0.0), figure(shift_x=4.0, score=0.0))
    kept = pose_nms(poses, replace(ALPHAPOSE, score_threshold=0.0))
    np.testing.assert_allclose(kept.keypoints_xy[0], figure(shift_x=2.0).keypoints_xy[0], atol=1e-4)


@pytest.mark.parametrize("field", ["keypoint_scores", "keypoints_xy", "box_scores", "boxes_xyxy"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_refused(field: str, value: float) -> None:
    poses = together(figure(), figure(shift_x=3.0))
    array = getattr(poses, field).copy()
    array.flat[1] = value
    with pytest.raises(ValueError, match=field):
        pose_nms(replace(poses, **{field: array}))


def test_input_is_left_alone() -> None:
    poses = together(figure(score=0.0), figure())
    before = poses.keypoint_scores.copy()
    pose_nms(poses)
    np.testing.assert_array_equal(poses.keypoint_scores, before)


def test_merging_by_hand() -> None:
    # 0.9 and 0.6 weigh 3 : 2; five px apart is within 7 for all joints, so the second goes.
    poses = together(figure(score=0.9), figure(shift_x=5.0, score=0.6, box_score=0.2))
    kept = pose_nms(poses)
    assert len(kept) == 1
    np.testing.assert_allclose(kept.keypoints_xy[0], figure(shift_x=2.0).keypoints_xy[0], atol=1e-4)
    merged = (0.9**2 + 0.6**2) / 1.5
    np.testing.assert_allclose(kept.keypoint_scores, merged, atol=1e-6)
    np.testing.assert_allclose(kept.scores, merged + 0.9 + 1.25 * merged, atol=1e-5)
    assert kept.ids.tolist() == [1]
    np.testing.assert_array_equal(kept.boxes_xyxy, poses.boxes_xyxy[:1])


def test_distance_is_in_plain_pixels_capped_at_seven() -> None:
    assert len(pose_nms(together(figure(), figure(shift_x=6.9)))) == 1
    assert len(pose_nms(together(figure(), figure(shift_x=7.2)))) == 2


def test_rmpe_distances_are_over_the_reference_length() -> None:
    # A reference length of 20 px: 7 px apart is 0.35 of it.
    assert len(pose_nms(together(figure(), figure(shift_x=7.0)), RMPE)) == 1
    kept = pose_nms(together(figure(score=0.5), figure(shift_x=7.0, score=0.9)), RMPE)
    np.testing.assert_allclose(kept.keypoint_scores, 0.9, atol=1e-6)


@pytest.mark.parametrize(
    ("low", "left_out"),
    [((), ()), ((0,), (0,)), ((5,), (5,)), ((0, 5), (0, 6))],
)
def test_rmpe_mean_leaves_out_hidden_leg_ends_by_position(
    low: tuple[int, ...], left_out: tuple[int, ...]
) -> None:
    scores = np.linspace(0.15, 0.3, 16)
    scores[list(low)] = 0.01
    counted = np.delete(scores, left_out)
    poses = replace(figure(joints=16), keypoint_scores=scores[None])
    mean = counted.mean()
    assert len(pose_nms(poses, replace(RMPE, score_threshold=mean - 1e-5))) == 1
    assert len(pose_nms(poses, replace(RMPE, score_threshold=mean + 1e-5))) == 0


def test_paper_rule_keeps_the_reference_as_it_is() -> None:
    poses = together(figure(score=0.9), figure(shift_x=2.0, score=0.6))
    kept = pose_nms(poses, PAPER)
    np.testing.assert_allclose(kept.keypoints_xy, figure().keypoints_xy, atol=1e-5)
    np.testing.assert_allclose(kept.scores, [0.9 * 0.9], atol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 3.0, 9.9, 10.1, 40.0])
def test_paper_similarity_by_formula(shift: float) -> None:
    score = 0.7
    inside = shift <= 0.5 * 0.1 * 200
    gated = 17 * math.tanh(score / PAPER.delta1) ** 2 if inside else 0.0
    similarity = gated + PAPER.mu * 17 * math.exp(-(shift**2) / PAPER.delta2)
    poses = together(figure(score=score), figure(shift_x=shift, score=score))
    below = replace(PAPER, gamma=similarity - 1e-3) if similarity > 1e-3 else None
    if below is not None:
        assert len(pose_nms(poses, below)) == 1
    assert len(pose_nms(poses, replace(PAPER, gamma=similarity + 1e-3))) == 2


def test_a_box_without_extent_suppresses_by_similarity_alone() -> None:
    flat = replace(together(figure(), figure(shift_x=0.1)), boxes_xyxy=np.zeros((2, 4)))
    assert len(pose_nms(flat)) == 1
    assert len(pose_nms(replace(flat, keypoints_xy=flat.keypoints_xy * [[[3]], [[1]]]))) == 2


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000), st.sampled_from([5, 14, 17]))
def test_every_candidate_is_used_once_and_order_does_not_matter(
    count: int, seed: int, joints: int
) -> None:
    random = np.random.default_rng(seed)
    xy = random.uniform(0, 60, (count, joints, 2)) + random.integers(0, 3, (count, 1, 1)) * 80
    poses = Poses(
        boxes_xyxy=np.concatenate([xy.min(1), xy.max(1)], 1),
        box_scores=random.uniform(0, 1, count),
        keypoints_xy=xy,
        keypoint_scores=random.uniform(0, 1, (count, joints)),
        scores=np.zeros(count),
        ids=np.arange(count),
    )
    parameters = replace(ALPHAPOSE, score_threshold=0.0)
    found = suppress(poses, parameters)
    assert sorted(np.concatenate(found.members).tolist()) == list(range(count))
    shuffled = pose_nms(poses.select(random.permutation(count)), parameters)
    assert shuffled.ids.tolist() == found.poses.ids.tolist()
    np.testing.assert_allclose(shuffled.keypoints_xy, found.poses.keypoints_xy, atol=1e-3)


def test_scores_by_the_families() -> None:
    boxes, joints = np.array([0.5, 1.0]), np.array([[0.1, 0.2, 0.6], [0.1, 0.1, 0.2]])
    np.testing.assert_allclose(boxes * joint_mean(joints, "mean"), [0.15, 0.4 / 3], rtol=1e-6)
    np.testing.assert_allclose(boxes * joint_mean(joints, "hrnet"), [0.3, 0.0], rtol=1e-6)
    assert joint_mean(np.zeros((0, 3)), "hrnet").shape == (0,)
    np.testing.assert_allclose(proposal_score(boxes, joints), [1.55, 0.4 / 3 + 1.25])


@pytest.mark.parametrize("soft", [False, True])
def test_oks_nms_edges(soft: bool) -> None:
    assert len(oks_nms(Poses.empty(17), COCO_17.sigmas, soft=soft)) == 0
    assert len(oks_nms(figure(), COCO_17.sigmas, soft=soft)) == 1
    twins = together(figure(), figure(score=0.5))
    assert len(oks_nms(twins, COCO_17.sigmas, soft=soft)) == (2 if soft else 1)
    with pytest.raises(ValueError, match="sigmas"):
        oks_nms(twins, (0.1,) * 14, soft=soft)
    with pytest.raises(ValueError, match="scores"):
        oks_nms(replace(twins, scores=[math.nan, 1.0]), COCO_17.sigmas, soft=soft)
    with pytest.raises(ValueError, match="boxes_xyxy"):
        oks_nms(replace(twins, boxes_xyxy=twins.boxes_xyxy * math.nan), COCO_17.sigmas, soft=soft)
    with pytest.raises(ValueError, match="threshold"):
        oks_nms(twins, COCO_17.sigmas, 0.0, soft=soft)


@pytest.mark.parametrize("soft", [False, True])
def test_oks_nms_of_people_without_any_score(soft: bool) -> None:
    nothing = replace(together(figure(), figure(shift_x=500.0), figure(shift_x=500.0)),
                      scores=np.zeros(3))  # fmt: skip
    kept = oks_nms(nothing, COCO_17.sigmas, soft=soft)
    assert len(kept) == (3 if soft else 2)
    assert not kept.scores.any()


def test_soft_oks_nms_lowers_scores_and_limits() -> None:
    twins = together(figure(), figure(score=0.5))
    kept = oks_nms(twins, COCO_17.sigmas, soft=True)
    np.testing.assert_allclose(kept.scores, [0.72, 0.45 * math.exp(-1 / 0.9)], atol=1e-6)
    crowd = together(*[figure(shift_x=1000.0 * n) for n in range(30)])
    assert len(oks_nms(crowd, COCO_17.sigmas, soft=True)) == 20
    assert len(oks_nms(crowd, COCO_17.sigmas, soft=True, limit=7)) == 7


def test_parameters_are_written_and_read(tmp_path: Path) -> None:
    for name, parameters in PARAMETER_SETS.items():
        assert get_parameters(name) == parameters
        path = tmp_path / f"{name}.json"
        save_parameters(path, parameters, {"ap": 0.5})
        assert load_parameters(path) == parameters
        assert get_parameters(str(path)) == parameters


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "other"}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"p\.json"):
        load_parameters(path)


def test_unknown_or_impossible_parameters_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"schema": "rmpe-pose-nms/1", "parameters": {"sigma": 1}}')
    with pytest.raises(ValueError, match="sigma"):
        load_parameters(path)
    with pytest.raises(ValueError, match="whole-body-heatmap"):
        get_parameters("best")
    for wrong in ({"delta2": 0.0}, {"gamma": math.nan}, {"mu": -1.0}, {"rule": "other"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            PoseNmsParameters(**wrong)
