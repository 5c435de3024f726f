"""PCK, PCKh and the files of MPII and LSP on hand-worked cases."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from rmpe.evaluation.pck.lsp import evaluate_lsp, lsp_set, read_lsp_predictions, read_lsp_truth
from rmpe.evaluation.pck.mpii import (
    evaluate_mpii,
    mpii_table,
    mpii_truth,
    read_mpii_predictions,
    read_mpii_truth,
)
from rmpe.evaluation.pck.scores import pck_scores, torso_lengths
from rmpe.skeletons import LSP_14, MPII_16


def test_pck_counts_errors_up_to_and_including_the_threshold() -> None:
    truth = np.zeros((4, 14, 2))
    predicted = truth.copy()
    predicted[0, LSP_14.index("left_knee")] = (2.0, 0.0)  # exactly 0.2 of 10
    predicted[1, LSP_14.index("left_knee")] = (2.001, 0.0)
    visible = np.ones((4, 14), bool)
    visible[3] = False
    scores = pck_scores(predicted, truth, visible, [10, 10, 10, 0], LSP_14)
    assert scores.by_joint["left_knee"] == pytest.approx(2 / 3)
    assert scores.by_joint["right_knee"] == 1
    assert scores.mean == pytest.approx(35 / 36)
    assert scores.counts["left_hip"] == 3
    assert scores.table()[-1].startswith("PCK@0.2")


def test_joint_that_is_nowhere_visible_is_undefined_and_not_in_the_mean() -> None:
    visible = np.ones((2, 14), bool)
    visible[:, LSP_14.index("left_wrist")] = False
    scores = pck_scores(np.zeros((2, 14, 2)), np.zeros((2, 14, 2)), visible, [1, 1], LSP_14)
    assert math.isnan(scores.by_joint["left_wrist"])
    assert scores.mean == 1


def test_pck_refuses_shapes_and_lengths_that_do_not_fit() -> None:
    joints, visible = np.zeros((2, 14, 2)), np.ones((2, 14), bool)
    with pytest.raises(ValueError, match="needed are"):
        pck_scores(joints[:1], joints, visible, [1, 1], LSP_14)
    with pytest.raises(ValueError, match="no reference length"):
        pck_scores(joints, joints, visible, [1, 0], LSP_14)


def test_torso_is_the_mean_shoulder_hip_length_or_a_fifth_of_the_body() -> None:
    points = np.zeros((2, 14, 2))
    for joint, x, y in (
        ("left_shoulder", 40, 0),
        ("right_shoulder", 0, 0),
        ("left_hip", 40, 30),
        ("right_hip", 0, 30),
    ):
        points[:, LSP_14.index(joint)] = (x, y)
    visible = np.zeros((2, 14), bool)
    for joint in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"):
        visible[:, LSP_14.index(joint)] = True
    points[1, LSP_14.index("left_ankle")] = (0, 1000)
    visible[1, LSP_14.index("left_ankle")] = True
    # Sides 30, diagonals 50; the second body is 1000 px long.
    assert torso_lengths(points, visible, LSP_14) == pytest.approx([40, 200])
    assert torso_lengths(points, np.zeros((2, 14)), LSP_14).tolist() == [0, 0]


def mpii_arrays(people: int = 3) -> Any:
    random = np.random.default_rng(0)
    return {
        "pos_gt_src": random.uniform(1, 500, (16, 2, people)),
        "jnt_missing": np.zeros((16, people), np.uint8),
        "headboxes_src": np.stack([np.zeros((2, people)), np.tile([[30.0], [40.0]], people)]),
    }


def test_mpii_head_is_six_tenths_of_the_diagonal_and_half_of_it_is_right() -> None:
    arrays = mpii_arrays(2)
    truth = mpii_truth(**arrays)
    assert truth.head_sizes == pytest.approx([30, 30])
    predicted = truth.keypoints_xy.copy()
    predicted[0, MPII_16.index("left_wrist")] += (14.999, 0)
    predicted[1, MPII_16.index("left_wrist")] += (15.001, 0)
    predicted[:, MPII_16.index("thorax")] += 300
    scores = evaluate_mpii(truth, predicted)
    assert scores["Wrist"] == pytest.approx(75)
    assert scores["Mean"] == pytest.approx(100 * 27 / 28)
    assert scores["Mean@0.1"] == pytest.approx(100 * 26 / 28)
    assert "Mean@0.1" in mpii_table(scores)[0]
    with pytest.raises(ValueError, match="predictions of shape"):
        evaluate_mpii(truth, predicted[:1])


def test_mpii_files_are_read_with_their_own_counting(tmp_path: Path) -> None:
    arrays = mpii_arrays()
    savemat(tmp_path / "gt_valid.mat", arrays)
    np.savez(tmp_path / "gt.npz", **arrays)
    truth = read_mpii_truth(tmp_path / "gt_valid.mat")
    np.testing.assert_allclose(truth.keypoints_xy, arrays["pos_gt_src"].transpose(2, 0, 1) - 1)
    np.testing.assert_allclose(
        read_mpii_truth(tmp_path / "gt.npz").keypoints_xy, truth.keypoints_xy
    )
    scored = np.concatenate([truth.keypoints_xy, np.ones((3, 16, 1))], -1)
    savemat(tmp_path / "pred.mat", {"preds": truth.keypoints_xy + 1})
    np.savez(tmp_path / "pred.npz", preds=scored)
    np.save(tmp_path / "pred.npy", scored)
    (tmp_path / "pred.json").write_text(json.dumps(scored.tolist()))
    for name in ("pred.mat", "pred.npz", "pred.npy", "pred.json"):
        predicted = read_mpii_predictions(tmp_path / name)
        assert evaluate_mpii(truth, predicted)["Mean"] == pytest.approx(100), name
    with pytest.raises(ValueError, match="no array pos_gt_src"):
        read_mpii_truth(tmp_path / "pred.npz")
    with pytest.raises(ValueError, match="no array preds"):
        read_mpii_predictions(tmp_path / "gt.npz")
    np.save(tmp_path / "pred.npy", scored[:, :14])
    with pytest.raises(ValueError, match="needed is"):
        read_mpii_predictions(tmp_path / "pred.npy")


@pytest.mark.parametrize("form", ["lsp", "lspet", "npz"])
def test_lsp_files_are_read_in_their_own_layouts(tmp_path: Path, form: str) -> None:
    joints = np.random.default_rng(1).uniform(0, 200, (5, 14, 3))
    joints[..., 2] = 1
    joints[2, 3, 2] = 0
    path = tmp_path / ("joints.npz" if form == "npz" else "joints.mat")
    if form == "npz":
        is_val = np.array([0, 1, 1, 0, 0], bool)
        np.savez(path, joints=joints, is_val=is_val, file_names=list("abcde"))
        assert read_lsp_truth(path, True).file_names == ("b", "c")
    else:
        savemat(path, {"joints": joints.transpose((2, 1, 0) if form == "lsp" else (1, 2, 0))})
        with pytest.raises(ValueError, match="held out"):
            read_lsp_truth(path, True)
    truth = read_lsp_truth(path)
    np.testing.assert_allclose(truth.keypoints_xy, joints[..., :2])
    # LSP's flag says hidden, LSPET's says annotated.
    assert truth.visible[2, 3] == (form == "lsp")
    assert truth.file_names[0] == {"lsp": "im0001.jpg", "lspet": "im00001.jpg", "npz": "a"}[form]
    np.save(tmp_path / "p.npy", joints[..., :2])
    assert evaluate_lsp(truth, read_lsp_predictions(tmp_path / "p.npy")).mean == 1
    people = lsp_set(truth, tmp_path).people
    assert len(people) == 5
    low, high = joints[0, :, :2].min(0), joints[0, :, :2].max(0)
    padding = 0.15 * (high - low).max()
    np.testing.assert_allclose(people[0].box_xyxy[:2], low - padding, rtol=1e-5)


def test_other_shapes_are_no_lsp_joints(tmp_path: Path) -> None:
    np.savez(tmp_path / "j.npz", joints=np.zeros((3, 16, 3)))
    with pytest.raises(ValueError, match="needed is"):
        read_lsp_truth(tmp_path / "j.npz")
