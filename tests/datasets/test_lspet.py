"""The LSPET pack: joints in one order, with a weight each."""

from pathlib import Path

import numpy as np
import pytest

from rmpe.datasets.lspet import read_lspet
from rmpe.skeletons import COCO_19, LSP_14


@pytest.fixture
def lspet_folder(tmp_path: Path) -> Path:
    names = np.array(["im00001.jpg", "im00002.jpg"])
    joints = np.ones((2, 14, 3), np.float32)
    joints[..., 0] = np.arange(14)
    joints[1, 3] = 0
    merged = np.ones((2, 19, 3), np.float32)
    source = np.ones((2, 19), np.uint8)
    source[0, :6] = [0, 1, 2, 3, 4, 5]
    np.savez(
        tmp_path / "joints.npz", joints=joints, file_names=names,
        box=np.array([[1, 2, 30, 50]] * 2, np.float32), is_val=np.array([False, True]),
    )  # fmt: skip
    np.savez(tmp_path / "coco17.npz", keypoints=merged, source=source)
    np.savez(tmp_path / "blazepose.npz", torso=np.array([20.0, 25.0], np.float32))
    return tmp_path


def test_training_weights_follow_the_labels_source(lspet_folder: Path) -> None:
    (person,) = read_lspet(lspet_folder, "train").people
    assert person.picture.path == lspet_folder / "images.tar" / "im00001.jpg"
    np.testing.assert_allclose(person.joint_weights[:6], [0.0, 1.0, 0.7, 0.7, 0.3, 0.5])
    np.testing.assert_array_equal(person.visibility[:2], [0, 2])
    np.testing.assert_allclose(person.box_xyxy, [1, 2, 31, 52])


def test_validation_holds_human_joints_only(lspet_folder: Path) -> None:
    (person,) = read_lspet(lspet_folder, "validation").people
    known = {COCO_19.joints[joint] for joint in np.flatnonzero(person.joint_weights)}
    assert known == set(LSP_14.joints) - {"left_hip"}
    assert person.keypoints_xy[COCO_19.index("head_top"), 0] == 13
    assert person.torso == 25
