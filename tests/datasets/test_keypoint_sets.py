"""Annotation files of COCO, CrowdPose, MPII and PoseTrack, whole and broken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from rmpe.datasets.coco import read_coco_set
from rmpe.datasets.crowdpose import read_crowdpose_set
from rmpe.datasets.keypoint_set import Picture
from rmpe.datasets.mpii import read_mpii_set
from rmpe.datasets.posetrack import read_posetrack_set
from rmpe.skeletons import COCO_17, CROWDPOSE_14, MPII_16, POSETRACK_17


@pytest.fixture(scope="session")
def samples(shared_dir: Path) -> Path:
    return shared_dir / "data" / "samples"


def write_coco(
    folder: Path, joints: Sequence[str] = ("nose", "Left Shoulder", "head"), **changes: Any
) -> Path:
    person = {
        "id": 7,
        "image_id": 1,
        "keypoints": [1, 2, 2, 3, 4, 1, 0, 0, 0],
        "bbox": [0, 0, 10, 20],
        **changes,
    }
    document = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "annotations": [person],
        "categories": [
            {"id": 1, "name": "mine", "keypoints": list(joints), "skeleton": [[1, 2], [2, 3]]}
        ],
    }
    (folder / "t.json").write_text(json.dumps(document))
    cv2.imwrite(str(folder / "a.png"), np.zeros((8, 8, 3), np.uint8))
    return folder / "t.json"


def test_own_skeleton_is_read_from_the_categories(tmp_path: Path) -> None:
    keypoint_set = read_coco_set(write_coco(tmp_path))
    assert keypoint_set.skeleton.joints == ("nose", "left_shoulder", "head_top")
    assert keypoint_set.skeleton.limbs == ((0, 1), (1, 2))
    (person,) = keypoint_set.people
    assert person.visibility.tolist() == [2, 1, 0]
    assert person.keypoints_xy[1].tolist() == [3, 4]
    assert person.box_xyxy.tolist() == [0, 0, 10, 20]
    assert person.area == 200


def test_missing_pictures_are_named_and_their_people_left_out(tmp_path: Path) -> None:
    keypoint_set = read_coco_set(write_coco(tmp_path, image_id=2), tmp_path)
    assert [picture.image_id for picture in keypoint_set.pictures] == [1]
    assert keypoint_set.people == ()
    assert len(keypoint_set.skipped) == 1 and "b.png is missing" in keypoint_set.skipped[0]


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_jpeg_that_is_cut_off_is_no_picture(tmp_path: Path, progressive: int) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    whole = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive])[1].tobytes()
    picture = Picture(1, tmp_path / "a.jpg")
    # A camera's notes hold a small JPEG of their own, and some write more after the end.
    note = b"\xff\xe1" + (len(whole) + 2).to_bytes(2, "big") + whole
    for content in (whole, whole + b"more", whole[:2] + note + whole[2:]):
        picture.path.write_bytes(content)
        assert picture.load().shape == (60, 80, 3)
        for share in (0.6, 0.99):
            picture.path.write_bytes(content[: int(share * content.rfind(b"\xff\xd9"))])
            with pytest.raises(OSError, match=r"a\.jpg is (cut off|not a picture)"):
                picture.load()
    picture.path.write_bytes(b"")
    with pytest.raises(OSError, match="is not a picture"):
        picture.load()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"keypoints": [1, 2, 2]}, "annotation 7 has 3 keypoint numbers, needed are 9"),
        ({"bbox": [0, 0, 0, 20]}, "which has no size"),
        ({"bbox": [0, 0, float("nan"), 20]}, "[0, 0, nan, 20], needed are x, y, width, height"),
        ({"bbox": "1 2 3 4"}, "annotation 7 has no list of numbers as its bbox"),
        ({"bbox": [1, 2, 3]}, "[1, 2, 3], needed are x, y, width, height"),
        ({"keypoints": ["1", "2", "2"] * 3}, "has no list of numbers as its keypoints"),
        ({"keypoints": [[1, 2], [3]]}, "has no list of numbers as its keypoints"),
        ({"image_id": 9}, "names picture 9, which the file does not list"),
        ({"keypoints": [float("inf"), 2, 2] * 3}, "not finite"),
    ],
)
def test_broken_annotations_are_named_and_skipped(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    keypoint_set = read_coco_set(write_coco(tmp_path, **changes))
    assert keypoint_set.people == ()
    assert len(keypoint_set.skipped) == 1 and reason in keypoint_set.skipped[0]


def test_broken_entries_of_both_lists_are_named_and_skipped(tmp_path: Path) -> None:
    path = write_coco(tmp_path)
    document = json.loads(path.read_text())
    document["annotations"] += [None, {"image_id": 1}]
    document["images"] += [None, {"id": "b"}, {"id": 3}]
    path.write_text(json.dumps(document))
    keypoint_set = read_coco_set(path, tmp_path)
    assert len(keypoint_set.people) == 1
    assert keypoint_set.skipped == (
        "picture number 2 has the id None, needed is a whole number or a word",
        "annotation number 1 is no object",
        "annotation number 2 has no keypoints",
        f"picture 2: {tmp_path / 'b.png'} is missing",
        "picture b has no file_name",
        "picture 3 has no file_name",
    )


def test_crowds_and_people_without_joints_are_no_samples(tmp_path: Path) -> None:
    assert read_coco_set(write_coco(tmp_path, iscrowd=1)).people == ()
    assert read_coco_set(write_coco(tmp_path, keypoints=[0] * 9)).people == ()


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match="needs images and annotations"):
        read_coco_set(path)
    savemat(tmp_path / "x.mat", {"a": 1})
    with pytest.raises(ValueError, match="RELEASE"):
        read_mpii_set(tmp_path / "x.mat")
    path.write_text("{")
    with pytest.raises(ValueError, match="line 1"):
        read_mpii_set(path)
    path.write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(ValueError, match="give one the list of its joints"):
        read_coco_set(path)
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"no \.json file"):
        read_posetrack_set(tmp_path / "none")


def test_coco_and_crowdpose_samples_are_read(samples: Path) -> None:
    coco = read_coco_set(samples / "coco" / "test_coco.json", samples / "coco")
    assert coco.skeleton == COCO_17
    assert (len(coco.pictures), len(coco.people), coco.skipped) == (4, 12, ())
    assert coco.people[0].picture.load().shape == (425, 640, 3)
    crowd = read_crowdpose_set(samples / "crowdpose" / "test_crowdpose.json", samples / "crowdpose")
    assert crowd.skeleton == CROWDPOSE_14
    assert (len(crowd.pictures), len(crowd.people)) == (2, 4)


def test_posetrack_folder_is_one_set_with_head_sizes(samples: Path) -> None:
    folder = samples / "posetrack18"
    keypoint_set = read_posetrack_set(folder / "annotations" / "val", folder)
    assert keypoint_set.skeleton == POSETRACK_17
    assert (len(keypoint_set.pictures), len(keypoint_set.people)) == (3, 14)
    assert all(person.head_size > 0 for person in keypoint_set.people)
    assert all(person.track_id is not None for person in keypoint_set.people)


def test_mpii_box_is_the_square_the_field_crops(samples: Path) -> None:
    keypoint_set = read_mpii_set(samples / "mpii" / "test_mpii.json", samples / "mpii")
    assert keypoint_set.skeleton == MPII_16
    assert (len(keypoint_set.people), keypoint_set.skipped) == (5, ())
    # Centre (966, 340) from 1 and scale 4.718488: 15 scales lower, 200 scales wide.
    x, y, half = 965, 339 + 15 * 4.718488, 100 * 4.718488
    person = keypoint_set.people[0]
    np.testing.assert_allclose(person.box_xyxy, [x - half, y - half, x + half, y + half], rtol=1e-5)
    assert person.keypoints_xy[0].tolist() == [803, 710]


def test_mpii_release_is_read_with_its_head_boxes(tmp_path: Path) -> None:
    points = [{"x": 10.0 + k, "y": 20.0 + k, "id": k} for k in (0, 1, 9)]
    person = {
        "x1": 1.0,
        "y1": 1.0,
        "x2": 31.0,
        "y2": 41.0,
        "scale": 1.5,
        "objpos": {"x": 50.0, "y": 60.0},
        "annopoints": {"point": np.array(points, object)},
    }
    pictures = [{"image": {"name": n}, "annorect": person} for n in ("train.jpg", "test.jpg")]
    release = {"annolist": np.array(pictures, object), "img_train": np.array([1, 0])}
    savemat(tmp_path / "release.mat", {"RELEASE": release})
    (one,) = read_mpii_set(tmp_path / "release.mat").people
    assert one.picture.path.name == "train.jpg"
    assert one.head_size == pytest.approx(0.6 * 50)
    assert one.visibility.tolist() == [2, 2] + [0] * 7 + [2] + [0] * 6
    assert one.keypoints_xy[9].tolist() == [18, 28]


def test_people_of_the_mpii_release_that_lack_something_are_named(tmp_path: Path) -> None:
    points = {"point": np.array([{"x": 10.0, "y": 20.0, "id": 0}], object)}
    place = {"x": 50.0, "y": 60.0}
    empty = np.zeros((0, 0))  # what MATLAB puts where a field is missing
    people = [
        {"annopoints": points, "objpos": place, "scale": 1.5},
        {"annopoints": points, "objpos": empty, "scale": 1.5},
        {"annopoints": points, "objpos": place, "scale": empty, "x1": empty, "y1": 1.0},
        {"annopoints": empty, "objpos": place, "scale": 1.0},
    ]
    picture = {"image": {"name": "a.jpg"}, "annorect": np.array(people, object)}
    release = {"annolist": np.array([picture], object), "img_train": np.array([1])}
    savemat(tmp_path / "release.mat", {"RELEASE": release})
    keypoint_set = read_mpii_set(tmp_path / "release.mat")
    (one,) = keypoint_set.people
    assert np.isnan(one.head_size)
    assert keypoint_set.skipped == ("person 1 has no 'center'", "person 2 has no 'scale'")
