"""Pose samples: their joints in one order, from whatever pack they come."""

import io
import json
import tarfile

import cv2
import numpy as np
import pytest

from rmpe.datasets.lspet import read_lspet
from rmpe.datasets.pose_samples import PoseSample, from_teacher_joints, torso_length
from rmpe.skeletons import COCO_19, LSP_14
from rmpe.training.bundled.coco_people import read_coco_people
from rmpe.training.bundled.person_boxes import is_held_out
from rmpe.training.bundled.teacher_poses import read_detect_poses, read_flickr_poses


def write_tar(path, names, height=60, width=40):
    with tarfile.open(path, "w") as archive:
        for name in names:
            data = cv2.imencode(".png", np.full((height, width, 3), 90, np.uint8))[1].tobytes()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def test_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="trust"):
        PoseSample("a", "b", np.zeros(4), np.zeros((19, 2)), np.zeros(17), 1, 1, 1, lambda: None)


def test_teacher_hips_are_widened_and_the_neck_derived():
    joints = np.zeros((17, 2), np.float32)
    joints[5], joints[6] = (40, 20), (20, 20)
    joints[11], joints[12] = (35, 60), (25, 60)
    points, trust = from_teacher_joints(joints, np.ones(17, np.float32), 0.3)
    # The hips' middle is (30, 60), half their distance 5 grows to 7; the torso's length is 40.
    np.testing.assert_allclose(points[[11, 12]], [(37, 60), (23, 60)])
    np.testing.assert_allclose(points[COCO_19.index("neck")], (30, 20 - 0.085 * 40), rtol=1e-6)
    assert trust[COCO_19.index("neck")] == pytest.approx(0.3)
    assert trust[COCO_19.index("head_top")] == 0


def test_no_neck_without_all_of_the_torso():
    trust_in = np.ones(17, np.float32)
    trust_in[11] = 0
    _, trust = from_teacher_joints(np.ones((17, 2), np.float32), trust_in, 0.3)
    assert trust[COCO_19.index("neck")] == 0


def test_torso_is_the_mean_over_shoulders_and_hips_with_a_floor():
    points = np.zeros((19, 2), np.float32)
    points[5], points[6], points[11], points[12] = (0, 0), (0, 0), (30, 40), (30, 40)
    known = np.zeros(19, bool)
    known[[5, 6, 11, 12]] = True
    assert torso_length(points, known) == pytest.approx(50)
    known[:] = False
    points[0], points[15] = (0, 0), (10, 200)
    known[[0, 15]] = True
    assert torso_length(points, known) == pytest.approx(40)


@pytest.fixture
def lspet_folder(tmp_path):
    names = np.array(["im00001.jpg", "im00002.jpg"])
    write_tar(tmp_path / "images.tar", names)
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
    np.savez(
        tmp_path / "coco17.npz", keypoints=merged, source=source, trust=np.array([True, False])
    )
    np.savez(tmp_path / "blazepose.npz", torso=np.array([20.0, 25.0], np.float32))
    return tmp_path


def test_lspet_training_trust_follows_the_labels_source(lspet_folder):
    (sample,) = read_lspet(lspet_folder, "train")
    assert sample.name == "im00001.jpg"
    np.testing.assert_allclose(sample.trust[:6], [0.0, 1.0, 0.7, 0.7, 0.3, 0.5])
    np.testing.assert_allclose(sample.box_xyxy, [1, 2, 31, 52])
    assert sample.teacher_trust > 0
    assert sample.load().shape == (60, 40, 3)


def test_lspet_validation_holds_human_joints_only(lspet_folder):
    (sample,) = read_lspet(lspet_folder, "validation")
    known = {COCO_19.joints[joint] for joint in np.flatnonzero(sample.trust)}
    assert known == set(LSP_14.joints) - {"left_hip"}
    assert sample.keypoints_xy[COCO_19.index("head_top"), 0] == 13
    assert sample.torso == 25


def test_flickr_people_have_the_trust_of_their_flags(tmp_path):
    write_tar(tmp_path / "images.tar", ["00000.jpg"])
    joints = np.ones((1, 17, 3), np.float32)
    joints[0, 9, 2] = 0
    np.savez(
        tmp_path / "landmarks.npz", file_names=np.array(["00000.jpg"]), coco17=joints,
        image_size=np.array([[40, 60]]),
    )  # fmt: skip
    (sample,) = read_flickr_poses(tmp_path)
    assert sample.source == "flickr"
    assert sample.trust[9] == 0
    assert sample.trust[10] == pytest.approx(0.7)
    np.testing.assert_allclose(sample.box_xyxy, [4, 6, 36, 54])


def test_detect_poses_trust_no_doubtful_joint_and_leave_out_held_out_people(tmp_path):
    names = [f"street/{number:06d}.webp" for number in range(100)]
    taught = next(name for name in names if not is_held_out(name))
    files = [taught, next(name for name in names if is_held_out(name))]
    entries = [{"file": name, "source": "street"} for name in files]
    (tmp_path / "boxes.json").write_text(json.dumps(entries))
    write_tar(tmp_path / "images.tar", files)
    spread = np.full((3, 17), 0.01, np.float32)
    spread[0, 4] = 0.5
    np.savez(
        tmp_path / "blazepose.npz", image=np.array([0, 0, 1]), box_index=np.array([0, 1, 0]),
        boxes_xyxy=np.array([[0, 0, 20, 50]] * 3, np.float32),
        keypoints=np.ones((3, 17, 3), np.float32), spread=spread,
        pose_score=np.array([0.9, 0.2, 0.9], np.float32),
    )  # fmt: skip
    samples = read_detect_poses(tmp_path)
    assert [sample.name for sample in samples] == [f"{taught}#0", f"{taught}#1"]
    sure, doubtful = samples
    assert sure.trust[3] == pytest.approx(0.7)
    assert sure.trust[4] == 0
    assert not doubtful.trust.any()
    assert [sample.teacher_trust for sample in samples] == [1.0, 1.0]


def test_coco_people_keep_box_area_and_visibility(tmp_path):
    joints = [10, 20, 2] + [0, 0, 0] * 15 + [30, 40, 1]
    document = {
        "images": [{"id": 7, "file_name": "a.png"}],
        "annotations": [
            {"id": 3, "image_id": 7, "keypoints": joints, "bbox": [5, 6, 20, 30], "area": 321.0},
            {"id": 4, "image_id": 7, "keypoints": [0] * 51, "bbox": [0, 0, 9, 9], "area": 9.0},
        ],
    }
    (tmp_path / "people.json").write_text(json.dumps(document))
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((50, 60, 3), np.uint8))
    (sample,) = read_coco_people(tmp_path / "people.json", tmp_path)
    assert sample.name == "a.png#3"
    assert sample.area == 321.0
    np.testing.assert_allclose(sample.box_xyxy, [5, 6, 25, 36])
    np.testing.assert_array_equal(np.flatnonzero(sample.trust), [0, 16])
    assert sample.load().shape == (50, 60, 3)


def test_a_missing_coco_picture_is_an_os_error(tmp_path):
    document = {
        "images": [{"id": 7, "file_name": "gone.png"}],
        "annotations": [
            {"id": 3, "image_id": 7, "keypoints": [1] * 51, "bbox": [5, 6, 20, 30], "area": 3.0}
        ],
    }
    (tmp_path / "people.json").write_text(json.dumps(document))
    (sample,) = read_coco_people(tmp_path / "people.json", tmp_path)
    with pytest.raises(OSError, match=r"gone\.png"):
        sample.load()
