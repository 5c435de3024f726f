"""COCO-style files as annotation tools write them are read as what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rmpe.datasets import read_coco_set, read_mpii_set
from rmpe.datasets.array_files import load_arrays
from rmpe.datasets.coco_document import AnnotationChoices
from rmpe.joint_names import common_names, split_side
from rmpe.skeletons import COCO_17, SKELETONS, Skeleton

JOINTS = ("nose", "left_knee", "right_knee")
PERSON: dict[str, Any] = {
    "id": 7,
    "image_id": 1,
    "category_id": 1,
    "keypoints": [10, 20, 2, 30, 60, 1, 0, 0, 0],
    "bbox": [0, 0, 50, 80],
}


def document(
    people: list[dict[str, Any]], joints: tuple[str, ...] = JOINTS, **category: Any
) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "annotations": people,
        "categories": [{"id": 1, "name": "person", "keypoints": list(joints), **category}],
    }


def saved(folder: Path, content: dict[str, Any], mark: str = "") -> Path:
    (folder / "t.json").write_text(mark + json.dumps(content), encoding="utf-8")
    return folder / "t.json"


@pytest.mark.parametrize("identity", [0, 7, 90, 7.0, "person-1"])
def test_the_person_may_have_any_category_id(tmp_path: Path, identity: object) -> None:
    content = document([{**PERSON, "category_id": identity}], id=identity)
    assert len(read_coco_set(saved(tmp_path, content)).people) == 1


@pytest.mark.parametrize("limbs", [None, [], "none", [[1, 2], None, [1, 9], ["a", 2]]])
def test_odd_limbs_are_no_reason_to_stop(tmp_path: Path, limbs: object) -> None:
    people = read_coco_set(saved(tmp_path, document([PERSON], skeleton=limbs)))
    assert people.skeleton.limbs == (((0, 1),) if limbs and limbs != "none" else ())


@pytest.mark.parametrize("box", [None, [], [0, 0, 0, 0], "missing"])
def test_without_a_box_the_extent_of_the_joints_is_taken_and_said(
    tmp_path: Path, box: object
) -> None:
    person = {**PERSON, "bbox": box}
    if box == "missing":
        del person["bbox"]
    people = read_coco_set(saved(tmp_path, document([person])))
    assert people.people[0].box_xyxy.tolist() == [10, 20, 30, 60]
    assert people.people[0].area == 20 * 40
    assert people.notes == ("1 people have no box: the extent of their joints is taken",)


def test_of_several_categories_the_person_is_taken_and_said(tmp_path: Path) -> None:
    content = document([PERSON, {**PERSON, "category_id": 2, "keypoints": [1, 1, 2] * 2}])
    content["categories"].insert(0, {"id": 2, "name": "dog", "keypoints": ["nose", "tail"]})
    people = read_coco_set(saved(tmp_path, content))
    assert people.skeleton.joints == JOINTS
    assert len(people.people) == 1
    assert people.skipped == ()
    assert people.notes == ("of the categories dog (2), person (1), person is taken",)
    dogs = read_coco_set(tmp_path / "t.json", choices=AnnotationChoices(category="dog"))
    assert dogs.skeleton.joints == ("nose", "tail")
    assert len(dogs.people) == 1


def test_several_categories_without_a_person_ask_for_one(tmp_path: Path) -> None:
    content = document([PERSON], name="horse")
    content["categories"].append({"id": 2, "name": "dog", "keypoints": ["nose", "tail"]})
    with pytest.raises(ValueError, match=r"horse \(1\), dog \(2\); choose one with --category"):
        read_coco_set(saved(tmp_path, content))
    with pytest.raises(ValueError, match=r"no category 'cat'; there are horse \(1\), dog \(2\)"):
        read_coco_set(tmp_path / "t.json", choices=AnnotationChoices(category="cat"))


@pytest.mark.parametrize(
    ("picture", "named"), [("img785", "img785"), ("7", 7), (7, "7"), (7.0, 7), (7, 7.0)]
)
def test_pictures_are_found_by_ids_of_any_kind(
    tmp_path: Path, picture: object, named: object
) -> None:
    content = document([{**PERSON, "image_id": named}, {**PERSON, "id": "a1", "image_id": named}])
    content["images"][0]["id"] = picture
    people = read_coco_set(saved(tmp_path, content)).people
    assert len(people) == 2
    assert people[1].annotation_id == "a1"
    assert people[0].picture.image_id == (int(picture) if isinstance(picture, float) else picture)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert len(read_coco_set(saved(tmp_path, document([PERSON]), "\ufeff")).people) == 1


@pytest.mark.parametrize(
    "name", ["images\\a.png", "/data/local-files/a.png", "images/val2017/a.png", "../up/a.png"]
)
def test_folders_of_the_annotation_tool_are_left_out_of_names(tmp_path: Path, name: str) -> None:
    content = document([PERSON])
    content["images"] = [{"id": 1, "file_name": name}]
    (tmp_path / "pictures" / "val2017").mkdir(parents=True)
    place = "val2017/a.png" if "val2017" in name else "a.png"
    cv2.imwrite(str(tmp_path / "pictures" / place), np.zeros((8, 8, 3), np.uint8))
    people = read_coco_set(saved(tmp_path, content), tmp_path / "pictures")
    assert people.people[0].picture.path == tmp_path / "pictures" / place
    assert people.notes == ("1 pictures are found without the folders of their names",)


def test_two_names_never_come_to_one_file(tmp_path: Path) -> None:
    content = document([PERSON])
    content["images"] = [{"id": 1, "file_name": "x/a.png"}, {"id": 2, "file_name": "y/a.png"}]
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    people = read_coco_set(saved(tmp_path, content), tmp_path)
    assert [picture.image_id for picture in people.pictures] == [1]
    assert "picture 2 has the file of picture 1" in people.skipped[0]


SPELLINGS = [
    ("l_{}", "r_{}"),
    ("L_{}", "R_{}"),
    ("{}_l", "{}_r"),
    ("{}_L", "{}_R"),
    ("{}.L", "{}.R"),
    ("{}-l", "{}-r"),
    ("left {}", "right {}"),
    ("Left-{}", "Right-{}"),
    ("{}_left", "{}_right"),
    ("{} (left)", "{} (right)"),
    ("left{}", "right{}"),
    ("l{}", "r{}"),
    ("L{}", "R{}"),
]


@pytest.mark.parametrize(("left", "right"), SPELLINGS)
def test_sides_are_understood_in_every_usual_spelling(
    tmp_path: Path, left: str, right: str
) -> None:
    plain = [joint.removeprefix("left_").removeprefix("right_") for joint in COCO_17.joints]
    upper = left in ("L{}", "{}.L")
    names = tuple(
        (left if "left" in joint else right if "right" in joint else "{}").format(
            name.title() if upper else name
        )
        for joint, name in zip(COCO_17.joints, plain)
    )
    person = {**PERSON, "keypoints": [10, 20, 2] * 17}
    skeleton = read_coco_set(saved(tmp_path, document([person], names))).skeleton
    assert skeleton == COCO_17
    # Also where nothing is renamed, as in records of somebody else's joints.
    own = Skeleton("own", names, (), (0.1,) * 17)
    assert own.mirror_pairs == COCO_17.mirror_pairs


def test_own_joints_keep_their_names_and_pairs(tmp_path: Path) -> None:
    joints = ("tip", "l_fin", "r_fin", "lip", "rip", "left", "r_1")
    person = {**PERSON, "keypoints": [10, 20, 2] * 7}
    skeleton = read_coco_set(saved(tmp_path, document([person], joints))).skeleton
    assert skeleton.joints == ("tip", "left_fin", "right_fin", "lip", "rip", "left", "r_1")
    assert skeleton.mirror_pairs == ((1, 2),)


@pytest.mark.parametrize(
    "pairs",
    [
        {"flip_idx": [0, 2, 1]},
        {"flip_indices": [0, 2, 1]},
        {"flip_pairs": [[1, 2]]},
        {"mirror_pairs": [[2, 3]]},
        {"keypoint_flip_map": [["b", "c"]]},
    ],
)
def test_pairs_that_the_file_lists_are_taken(tmp_path: Path, pairs: dict[str, object]) -> None:
    people = read_coco_set(saved(tmp_path, document([PERSON], ("a", "b", "c"), **pairs)))
    assert people.skeleton.mirror_pairs == ((1, 2),)
    assert people.skeleton.mirror_permutation.tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    "pairs", [{"flip_idx": [0, 0, 1]}, {"flip_pairs": [[1, 7]]}, {"flip_pairs": [[1, 1]]}]
)
def test_pairs_that_are_none_are_refused(tmp_path: Path, pairs: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"t\.json: flip_"):
        read_coco_set(saved(tmp_path, document([PERSON], ("a", "b", "c"), **pairs)))


def test_names_of_known_skeletons_stay_as_they_are() -> None:
    known = {joint for skeleton in SKELETONS.values() for joint in skeleton.joints}
    for skeleton in SKELETONS.values():
        assert common_names(skeleton.joints, known) == tuple(
            {"head": "head_top"}.get(joint, joint) for joint in skeleton.joints
        )


def test_words_that_only_look_like_sides_are_none() -> None:
    for name in ("lip", "rib", "leftover_1x", "larynx", "rectum", "nose", "l", "right"):
        side, _ = split_side(name)
        assert side == ("left" if name.startswith("leftover") else "")


@pytest.mark.parametrize(
    "content",
    [
        {"images": 3, "annotations": []},
        {"images": [], "annotations": None},
        {"images": [], "annotations": [], "categories": 5},
        {"images": [], "annotations": [], "categories": [None, 3]},
        {"images": [], "annotations": [], "categories": [{"id": 1, "keypoints": "abc"}]},
        {"images": [], "annotations": [], "categories": [{"id": 1, "keypoints": ["a", "a"]}]},
    ],
)
def test_files_that_cannot_be_read_are_refused_in_words(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"t\.json|twice"):
        read_coco_set(saved(tmp_path, content))


@pytest.mark.parametrize(
    "changes",
    [
        {"track_id": "x"},
        {"bbox_head": [1]},
        {"iscrowd": "no", "keypoints": 3},
        {"area": float("nan")},
        {"image_id": [1]},
        {"image_id": None},
        {"bbox": {"x": 1}},
        {"keypoints": {"a": 1}},
    ],
)
def test_an_annotation_with_a_wrong_value_is_named_and_left_out(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    content = document([PERSON, {**PERSON, "id": 8, **changes}])
    people = read_coco_set(saved(tmp_path, content))
    assert len(people.people) == 1
    assert people.skipped[0].startswith("annotation 8 ")


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04" + b"\0" * 40, b"\0" * 200])
def test_files_of_arrays_that_are_none_are_refused_in_words(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    (tmp_path / f"x{suffix}").write_bytes(content)
    with pytest.raises(ValueError, match=rf"x\{suffix} cannot be read as a \{suffix} file"):
        load_arrays(tmp_path / f"x{suffix}")
    with pytest.raises(OSError, match="none"):
        load_arrays(tmp_path / f"none{suffix}")
    with pytest.raises(ValueError, match="supported are"):
        load_arrays(tmp_path / "x.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"joints": [[float("nan"), 1]] * 16},
        {"scale": float("inf")},
        {"center": [float("nan"), 1]},
        {"center": None},
        {"joints": 3},
        {"head_size": [1, 2]},
    ],
)
def test_a_person_of_mpii_with_a_wrong_value_is_named(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    person: dict[str, Any] = {"image": "a.jpg", "joints": [[5, 5]] * 16, "joints_vis": [1] * 16}
    person |= {"scale": 1.0, "center": [9, 9]}
    entries = [person, {**person, **changes}, 3, None, "x"]
    (tmp_path / "m.json").write_text(json.dumps(entries))
    people = read_mpii_set(tmp_path / "m.json")
    assert len(people.people) == 1
    assert [line.split()[1] for line in people.skipped] == ["1", "2", "3", "4"]


def test_whole_bodies_of_coco_are_read_where_they_are_asked_for_and_said_otherwise(
    tmp_path: Path,
) -> None:
    parts = {"foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
    person = {**PERSON, "keypoints": [1, 2, 2] * 17, "num_keypoints": 17}
    for place, (part, count) in enumerate(parts.items()):
        person[part] = [10 * (place + 1), 5, 1] * count
    path = saved(tmp_path, document([person], COCO_17.joints))
    body = read_coco_set(path)
    assert body.skeleton == COCO_17
    assert "--skeleton wholebody133 reads them" in body.notes[0]
    whole = read_coco_set(path, skeleton=SKELETONS["wholebody133"]).people[0]
    places = [
        SKELETONS["wholebody133"].index(joint)
        for joint in ("left_big_toe", "face_0", "left_hand_20", "right_hand_0")
    ]
    assert whole.keypoints_xy[places, 0].tolist() == [10, 20, 30, 40]
    assert whole.visibility.tolist() == [2] * 17 + [1] * 116


def test_a_known_set_is_known_by_its_names(tmp_path: Path) -> None:
    for skeleton in SKELETONS.values():
        person = {**PERSON, "keypoints": [10, 20, 2] * skeleton.joint_count}
        names = tuple(joint.replace("_", " ").title() for joint in skeleton.joints)
        assert read_coco_set(saved(tmp_path, document([person], names))).skeleton == skeleton
