"""Pose-NMS against what the public implementations gave for the same input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpe.pose_nms import ALPHAPOSE, oks_nms, suppress
from rmpe.pose_nms._oks_nms import hard_order, pose_similarity, soft_order
from rmpe.pose_nms.parameters import RMPE, WHOLE_BODY_HEATMAP, WHOLE_BODY_REGRESSION
from rmpe.pose_nms.rescoring import HRNET_THRESHOLD, joint_mean
from rmpe.records import Poses
from rmpe.skeletons import COCO_17

HERE = Path(__file__).parent


def load_case(path: Path) -> Any:
    """Return the arrays, the candidates and the parameters of a stored case."""
    case = np.load(path)
    poses = Poses(
        boxes_xyxy=case["boxes"],
        box_scores=case["box_scores"][:, 0],
        keypoints_xy=case["keypoints"],
        keypoint_scores=case["keypoint_scores"][..., 0],
        scores=np.zeros(len(case["boxes"])),
        ids=case["ids"][:, 0],
    )
    if str(case["rule"]) == "rmpe":
        return case, poses, RMPE
    whole_body = WHOLE_BODY_HEATMAP if case["use_heatmap_loss"] else WHOLE_BODY_REGRESSION
    parameters = whole_body if poses.joint_count in (133, 136) else ALPHAPOSE
    return case, poses, replace(parameters, area_threshold=float(case["area_thres"]))


def check_case(path: Path) -> None:
    case, poses, parameters = load_case(path)
    found = suppress(poses, parameters)
    kept = found.poses
    assert len(kept) == len(case["out_keypoints"])
    np.testing.assert_allclose(kept.keypoints_xy, case["out_keypoints"], rtol=0, atol=1e-3)
    expected_scores = case["out_keypoint_scores"].reshape(kept.keypoint_scores.shape)
    np.testing.assert_allclose(kept.keypoint_scores, expected_scores, rtol=0, atol=1e-5)
    if "out_pick" not in case:
        return
    assert found.picks.tolist() == case["out_pick"].tolist()
    assert [len(group) for group in found.members] == case["out_member_count"].tolist()
    assert np.concatenate(found.members).tolist() == case["out_members"].tolist()
    np.testing.assert_allclose(kept.boxes_xyxy, case["out_boxes"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(kept.box_scores, case["out_box_scores"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(kept.scores, case["out_proposal_score"], rtol=0, atol=1e-5)
    assert kept.ids.tolist() == poses.ids[case["out_pick"]].tolist()


@pytest.mark.parametrize(
    "name",
    ["single", "small_a", "small_b", "edge_match_count", "edge_similarity", "n50_a", "rmpe_a"],
)
def test_copied_case_is_reproduced(name: str) -> None:
    check_case(HERE / f"{name}.npz")


def test_every_case_beside_the_checkout_is_reproduced(shared_dir: Path) -> None:
    for path in sorted((shared_dir / "reference/algorithms/pose_nms").glob("*.npz")):
        check_case(path)


def test_oks_nms_and_rescoring_are_reproduced() -> None:
    case = np.load(HERE / "oks_nms_a.npz")
    joints = case["keypoints"]
    assert float(case["in_vis_thre"]) == HRNET_THRESHOLD
    scores = case["box_score"] * joint_mean(joints[..., 2], "hrnet")
    np.testing.assert_allclose(scores, case["rescored"], rtol=0, atol=1e-7)
    similarity = pose_similarity(joints[..., :2], case["area"], COCO_17.sigmas)
    assert hard_order(similarity, scores, 0.9).tolist() == case["keep"].tolist()
    assert hard_order(similarity, scores, 0.5).tolist() == case["keep_at_0p5"].tolist()
    assert soft_order(similarity, scores, 0.9)[0].tolist() == case["keep_soft"].tolist()

    rows = len(joints)
    poses = Poses(
        boxes_xyxy=np.zeros((rows, 4)),
        box_scores=case["box_score"],
        keypoints_xy=joints[..., :2],
        keypoint_scores=joints[..., 2],
        scores=scores,
        ids=np.arange(rows),
    )
    kept = oks_nms(poses, COCO_17.sigmas, 0.5, areas=case["area"])
    assert kept.ids.tolist() == case["keep_at_0p5"].tolist()
    soft = oks_nms(poses, COCO_17.sigmas, soft=True, areas=case["area"])
    assert soft.ids.tolist() == case["keep_soft"].tolist()
    assert (np.diff(soft.scores) <= 0).all()
