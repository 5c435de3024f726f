"""Results of other programs whose numbers mean something else, or nothing: told, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rmpe.formats import read_records
from rmpe.formats.catalogue import detect_format, notes_of
from tests.helpers.foreign import alphapose_list, flat_joints, openpose_folder


def coco_result(path: Path, **changes: Any) -> Path:
    """Write one COCO result with some of its values changed."""
    item = {"image_id": 5, "category_id": 1, "keypoints": flat_joints(17), "score": 0.75}
    path.write_text(json.dumps([{**item, **changes}]))
    return path


def edit(file: Path, **changes: Any) -> None:
    """Change the values of the first person of one of OpenPose's files."""
    document = json.loads(file.read_text())
    document["people"][0].update(changes)
    file.write_text(json.dumps(document))


@pytest.mark.parametrize("image_id", ["a/b.jpg", 5.0, 5])
def test_coco_results_are_told_from_alphapose_by_their_scores(
    tmp_path: Path, image_id: object
) -> None:
    path = coco_result(tmp_path / "r.json", image_id=image_id)
    assert detect_format(path) == "coco"
    *_, record = read_records(path)
    assert record.poses.scores.tolist() == [0.75]
    assert detect_format(coco_result(path, image_id="a.jpg", score=1.9)) == "alphapose"
    assert detect_format(alphapose_list(path, ["a.jpg"])) == "alphapose"


def test_visibility_in_place_of_joint_scores_is_told(tmp_path: Path) -> None:
    joints = [10, 20, 2, 30, 40, 1] + [0, 0, 0] * 15
    clip = read_records(coco_result(tmp_path / "r.json", keypoints=joints))
    *_, record = clip
    assert record.poses.keypoint_scores[0].tolist() == [1, 1] + [0] * 15
    assert notes_of(clip) == ("1 joint scores of 2 are taken for COCO's visibility: found, 1",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keypoints": None}, "picture 5: a person's keypoints are a list of numbers"),
        ({"category_id": [1]}, r"result 0 has the category_id \[1\]"),
        ({"track_id": "a"}, "result 0 has the track_id 'a', needed is a whole number"),
        ({"score": [0.5]}, "picture 5: a score is one number a person"),
        ({"bbox": [10, 10, -5, 5]}, "picture 5: a box is x, y, width, height; got a size below 0"),
        ({"bbox": 5}, "picture 5: a box is x, y, width, height"),
    ],
)
def test_a_value_that_is_none_is_named_with_its_place(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=rf"r\.json[,:] {words}"):
        read_records(coco_result(tmp_path / "r.json", **changes))


def test_openpose_people_in_three_dimensions_alone_are_refused(tmp_path: Path) -> None:
    folder = openpose_folder(tmp_path / "o", ["v_000000000000"])
    edit(
        folder / "v_000000000000_keypoints.json",
        pose_keypoints_2d=[],
        pose_keypoints_3d=[1.0] * 100,
    )
    with pytest.raises(ValueError, match=r"0\.jpg: a person has joints in three dimensions alone"):
        read_records(folder)


def test_identities_that_are_changed_or_repeated_are_told(tmp_path: Path) -> None:
    folder = openpose_folder(tmp_path / "o", ["v_000000000000", "v_000000000001"])
    for identity in (0, 1):
        edit(folder / f"v_{identity:012d}_keypoints.json", person_id=[identity])
    clip = read_records(folder)
    assert [record.poses.ids.tolist() for record in clip] == [[1], [2]]
    assert notes_of(clip) == ("person_id counts from 0: identities are one more here",)

    path = alphapose_list(tmp_path / "a.json", ["0.jpg", "1.jpg", "1.jpg"])
    path.write_text(path.read_text().replace('"idx": 3', '"idx": 2'))
    assert notes_of(read_records(path)) == (
        "an identity is given twice in one picture, in 1 of them: first in 1.jpg",
    )


def posetrack_file(path: Path, **changes: Any) -> Path:
    """Write a PoseTrack file of one person, with some of the annotation's values changed."""
    person = {"image_id": 7, "track_id": 0, "keypoints": [9, 8, 1] * 17, "bbox": [1, 2, 30, 40]}
    people = [{**person, **changes}]
    path.write_text(
        json.dumps({"images": [{"id": 7, "file_name": "a.jpg"}], "annotations": people})
    )
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_id": 5}, "annotation number 0 names picture 5, which is not there"),
        ({"scores": [0.5] * 3}, "annotation number 0 has 3 scores, needed are 17"),
        ({"keypoints": [1, 2, 1] * 15}, "annotation number 0 has 45 keypoint numbers, needed are"),
        (
            {"keypoints": [float("nan")] * 51},
            "annotation number 0 has keypoints that are not finite",
        ),
        ({"track_id": "x"}, "annotation number 0 has the track_id 'x', needed is a whole number"),
        ({"bbox": [1, 2]}, "annotation number 0 has the box"),
    ],
)
def test_a_wrong_value_in_a_posetrack_file_is_named(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=rf"p\.json is no valid PoseTrack file: {words}"):
        read_records(posetrack_file(tmp_path / "p.json", **changes))


def test_pictures_of_posetrack_are_found_by_ids_in_words(tmp_path: Path) -> None:
    (record,) = read_records(posetrack_file(tmp_path / "p.json", image_id="7"))
    assert record.poses.ids.tolist() == [1]
    assert record.poses.keypoints_xy[0, 0].tolist() == [9, 8]


def test_a_joint_of_posetrack_17_that_is_no_number_is_refused(tmp_path: Path) -> None:
    point = {"id": [0], "x": [float("nan")], "y": [1.0]}
    frame = {"image": [{"name": "a.jpg"}], "annorect": [{"annopoints": [{"point": [point]}]}]}
    (tmp_path / "p.json").write_text(json.dumps({"annolist": [frame]}))
    with pytest.raises(ValueError, match=r"p\.json, a\.jpg: a joint has a place that is no number"):
        read_records(tmp_path / "p.json")


def test_an_annotation_of_boxes_is_not_read_as_people_without_joints(tmp_path: Path) -> None:
    document = {
        "images": [{"id": 7, "file_name": "a.jpg"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 2, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r"boxes\.json annotates boxes without joints; --boxes"):
        read_records(tmp_path / "boxes.json")
