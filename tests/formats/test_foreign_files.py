"""Files that other programs or older versions of them write: read rightly, or refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpe.formats import FORMATS, ReadHints, convert_records, read_records
from rmpe.formats.catalogue import notes_of
from rmpe.skeletons import (
    COCO_17,
    COCO_19,
    COCO_WHOLEBODY_133,
    HALPE_136,
    Skeleton,
    get_skeleton,
)
from tests.helpers.foreign import (
    alphapose_list,
    counts,
    flat_joints,
    native_records,
    openpose_folder,
)

COCO_TRUTH: dict[str, Any] = {
    "images": [{"id": 785, "file_name": "000000000785.jpg"}, {"id": 9, "file_name": "n.jpg"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 785,
            "category_id": 1,
            "bbox": [10, 20, 30, 40],
            "keypoints": [374, 73, 2] + [0, 0, 0] * 15 + [5, 6, 1],
        }
    ],
    "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}],
}


def test_coco_truth_is_read_as_coco_with_its_own_joints(tmp_path: Path) -> None:
    (tmp_path / "person_keypoints.json").write_text(json.dumps(COCO_TRUTH))
    clip = read_records(tmp_path / "person_keypoints.json")
    assert clip.header.skeleton == COCO_17
    assert clip.header.image_names == ("000000000785.jpg", "n.jpg")
    first, second = clip
    assert first.poses.keypoints_xy[0, 0].tolist() == [374, 73]
    assert first.poses.keypoint_scores[0].tolist() == [1] + [0] * 15 + [1]
    assert first.poses.boxes_xyxy.tolist() == [[10, 20, 40, 60]]
    assert len(second.poses) == 0
    with pytest.raises(ValueError, match="its category names the joints nose, left_eye"):
        read_records(tmp_path / "person_keypoints.json", "posetrack")


def test_alphapose_score_is_made_of_the_joints_that_are_written(tmp_path: Path) -> None:
    native_records(tmp_path / "n.ndjson", [0], 1, skeleton=COCO_19)
    lines = (tmp_path / "n.ndjson").read_text().splitlines()
    frame = json.loads(lines[1])
    person = frame["people"][0]
    # The two joints that AlphaPose does not know are the best ones: 0.9 above 0.5.
    person["keypoints"] = [
        [x, y, 0.9 if n >= 17 else 0.5] for n, (x, y, _) in enumerate(person["keypoints"])
    ]
    person["box_score"] = 0.75
    (tmp_path / "n.ndjson").write_text("\n".join([lines[0], json.dumps(frame), lines[2]]) + "\n")
    convert_records(tmp_path / "n.ndjson", tmp_path / "a.json", "alphapose")
    written = json.loads((tmp_path / "a.json").read_text())[0]
    assert len(written["keypoints"]) == 51
    assert written["score"] == pytest.approx(0.5 + 0.75 + 1.25 * 0.5, abs=1e-6)
    (back,) = read_records(tmp_path / "a.json")
    assert back.poses.box_scores[0] == pytest.approx(0.75, abs=1e-6)


@pytest.mark.parametrize(
    ("joints", "name"), [(133, "wholebody133"), (68, "face68"), (21, "hand21"), (136, "halpe136")]
)
def test_alphapose_lists_of_whole_bodies_faces_and_hands_are_read(
    tmp_path: Path, joints: int, name: str
) -> None:
    clip = read_records(alphapose_list(tmp_path / "a.json", ["0.jpg"], joints))
    assert clip.header.skeleton == get_skeleton(name)
    assert len(clip.header.skeleton.sigmas) == joints
    (record,) = clip
    assert record.poses.keypoints_xy[0, joints - 1].tolist() == [joints - 1, 2 * joints - 1]


def test_a_count_that_several_skeletons_share_is_said_or_asked_for(tmp_path: Path) -> None:
    path = alphapose_list(tmp_path / "a.json", ["0.jpg"], 14)
    with pytest.raises(ValueError, match=r"--skeleton .*aic14"):
        read_records(path)
    clip = read_records(path, hints=ReadHints(skeleton=get_skeleton("aic14")))
    assert clip.header.skeleton.joints[0] == "right_shoulder"


WHOLE = get_skeleton("wholebody133")


@pytest.mark.parametrize("skeleton", [HALPE_136, WHOLE], ids=lambda one: one.name)
def test_face_and_hands_reach_openpose_and_come_back(tmp_path: Path, skeleton: Skeleton) -> None:
    native_records(tmp_path / "n.ndjson", [0], 1, skeleton=skeleton)
    convert_records(tmp_path / "n.ndjson", tmp_path / "o", "openpose")
    (file,) = (tmp_path / "o").iterdir()
    person = json.loads(file.read_text())["people"][0]
    assert len(person["face_keypoints_2d"]) == 70 * 3
    assert len(person["hand_left_keypoints_2d"]) == len(person["hand_right_keypoints_2d"]) == 63
    first = skeleton.index("face_0")
    assert person["face_keypoints_2d"][:3] == [first, 2 * first + 1, 0.5]
    # The pupils, points 69 and 70 of OpenPose, are not among the 68.
    assert person["face_keypoints_2d"][204:] == [0] * 6
    (record,) = read_records(tmp_path / "o")
    read = read_records(tmp_path / "o").header.skeleton
    for joint in ("nose", "face_67", "left_hand_0", "right_hand_20"):
        got = record.poses.keypoints_xy[0, read.index(joint)]
        place = skeleton.index(joint)
        assert got.tolist() == [place, 2 * place + 1]


def test_openpose_hands_without_a_face_are_read(tmp_path: Path) -> None:
    folder = openpose_folder(tmp_path / "o", ["a_000000000000"])
    file = next(folder.iterdir())
    document = json.loads(file.read_text())
    document["people"][0]["hand_left_keypoints_2d"] = flat_joints(21, 100)
    file.write_text(json.dumps(document))
    clip = read_records(folder)
    (record,) = clip
    skeleton = clip.header.skeleton
    assert record.poses.keypoints_xy[0, skeleton.index("left_hand_3")].tolist() == [103, 7]
    assert record.poses.keypoint_scores[0, skeleton.index("face_3")] == 0
    assert set(skeleton.mirror_pairs) >= {
        (skeleton.index("left_hand_0"), skeleton.index("right_hand_0"))
    }


def test_openpose_before_version_1_2_is_read(tmp_path: Path) -> None:
    old = openpose_folder(tmp_path / "o", ["a_000000000000"], "pose_keypoints")
    (record,) = read_records(old)
    assert record.poses.keypoints_xy[0, 0].tolist() == [10, 1]


def test_openpose_ids_from_zero_are_all_identities(tmp_path: Path) -> None:
    folder = openpose_folder(tmp_path / "o", ["a_000000000000"])
    file = next(folder.iterdir())
    document = json.loads(file.read_text())
    document["people"] = [{**document["people"][0], "person_id": [n]} for n in (0, 1, -1)]
    file.write_text(json.dumps(document))
    (record,) = read_records(folder)
    assert record.poses.ids.tolist() == [1, 2, 0]


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("name", ["alphapose", "coco", "posetrack"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, name: str, mark: str) -> None:
    native_records(tmp_path / "n.ndjson", [0], 1)
    convert_records(tmp_path / "n.ndjson", tmp_path / "f.json", name)
    text = (tmp_path / "f.json").read_text()
    (tmp_path / "f.json").write_text(mark + text, encoding="utf-8")
    assert counts(read_records(tmp_path / "f.json")) == [1]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_json_in_every_encoding_of_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    path = alphapose_list(tmp_path / "a.json", ["ä_1.jpg"])
    path.write_text(path.read_text().replace("\\u00e4", "ä"), encoding=encoding)
    assert read_records(path).header.image_names == ("ä_1.jpg",)


@pytest.mark.parametrize("name", ["alphapose", "coco"])
@pytest.mark.parametrize("gone", [float("nan"), None])
def test_joints_that_are_no_numbers_count_as_not_found(
    tmp_path: Path, name: str, gone: float | None
) -> None:
    native_records(tmp_path / "n.ndjson", [0], 1)
    convert_records(tmp_path / "n.ndjson", tmp_path / "f.json", name)
    people = json.loads((tmp_path / "f.json").read_text())
    people[0]["keypoints"][3] = gone
    (tmp_path / "f.json").write_text(json.dumps(people))
    clip = read_records(tmp_path / "f.json")
    (record,) = clip
    assert record.poses.keypoint_scores[0, :3].tolist() == [0.5, 0, 0.5]
    assert notes_of(clip) == ("1 joints that are no numbers (NaN) count as not found",)
    convert_records(tmp_path / "f.json", tmp_path / "out.ndjson", "native")
    header = json.loads((tmp_path / "out.ndjson").read_text().splitlines()[0])
    assert header["options"]["notes"] == list(notes_of(clip))


@pytest.mark.parametrize("value", [float("inf"), 1e39, "12", [1], True])
def test_what_is_no_joint_is_refused_with_file_and_picture(tmp_path: Path, value: object) -> None:
    path = alphapose_list(tmp_path / "a.json", ["7.jpg"])
    people = json.loads(path.read_text())
    people[0]["keypoints"][0] = value
    if value is True:
        people[0]["keypoints"] = [True] * 51
    path.write_text(json.dumps(people))
    with pytest.raises(ValueError, match=r"a\.json, 7\.jpg: keypoints"):
        convert_records(path, tmp_path / "out.ndjson", "native")
    assert not (tmp_path / "out.ndjson").exists()


@pytest.mark.parametrize("form", ["alphapose-cmu", "alphapose-open"])
def test_the_folder_that_a_form_of_alphapose_is_written_to_is_read(
    tmp_path: Path, form: str
) -> None:
    native_records(tmp_path / "n.ndjson", [0, 2], 3)
    convert_records(tmp_path / "n.ndjson", tmp_path / FORMATS[form].output_name, form)
    assert counts(read_records(tmp_path / form)) == [1, 0, 1]
    assert counts(read_records(tmp_path / form / "sep-json")) == [1, 0, 1]


def test_the_folder_of_a_run_is_its_records(tmp_path: Path) -> None:
    (tmp_path / "clip_rmpe").mkdir()
    native_records(tmp_path / "clip_rmpe" / "poses.ndjson", [0, 2], 4)
    (tmp_path / "clip_rmpe" / "summary.json").write_text("{}")
    assert counts(read_records(tmp_path / "clip_rmpe")) == [1, 0, 1, 0]
    assert counts(read_records(tmp_path / "clip_rmpe", "native")) == [1, 0, 1, 0]


def test_a_table_of_pictures_names_them(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    from rmpe.formats.table import to_table

    native_records(tmp_path / "n.ndjson", [1], 2, ("a.jpg", "b.jpg"))
    table = to_table(read_records(tmp_path / "n.ndjson"))
    assert table["picture"].tolist() == ["b.jpg"]
    joints = to_table(read_records(tmp_path / "n.ndjson"), "joints")
    assert set(joints["picture"]) == {"b.jpg"}
    native_records(tmp_path / "v.ndjson", [1], 2)
    assert "picture" not in to_table(read_records(tmp_path / "v.ndjson"))


def result(**changes: object) -> dict[str, object]:
    item = {"image_id": 3, "category_id": 1, "keypoints": flat_joints(17), "score": 0.5}
    return {**item, **changes}


def test_results_of_other_categories_and_negative_pictures_are_not_lost_in_silence(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps([result(), result(category_id=2)]))
    clip = read_records(path)
    assert sum(counts(clip)) == 1
    assert "1 results of other categories" in notes_of(clip)[0]
    path.write_text(json.dumps([result(category_id=7)]))
    assert "category 7 is taken for people" in notes_of(read_records(path))[0]
    path.write_text(json.dumps([result(), result(image_id=-1)]))
    with pytest.raises(ValueError, match="result 1 has the image_id -1"):
        read_records(path)


@pytest.mark.parametrize("frames", [[0, 0], [3, 1], [-1, 0]])
def test_native_frames_out_of_order_repeated_or_negative_are_refused(
    tmp_path: Path, frames: list[int]
) -> None:
    native_records(tmp_path / "n.ndjson", [0], 2)
    lines = (tmp_path / "n.ndjson").read_text().splitlines()
    for place, frame in enumerate(frames, 1):
        lines[place] = json.dumps({**json.loads(lines[place]), "frame": frame})
    (tmp_path / "n.ndjson").write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"n\.ndjson, line [23]"):
        list(read_records(tmp_path / "n.ndjson"))


@pytest.mark.parametrize(
    "changes",
    [
        {"fps": float("nan")},
        {"fps": "25"},
        {"width": 1e400},
        {"width": [1]},
        {"options": 3},
        {"images": [1]},
        {"images": "ab"},
        {"skeleton": []},
        {"skeleton": {"name": "x", "joints": [1, 2]}},
        {"skeleton": {"name": "x", "joints": ["a", "a"]}},
        {"skeleton": {"name": "x", "joints": ["a", "b"], "limbs": [[0, 7]]}},
        {"skeleton": {"name": "x", "joints": ["a", "b"], "limbs": [[0, -1]]}},
        {"skeleton": {"name": "x", "joints": ["a", "b"], "limbs": 5}},
    ],
)
def test_a_header_with_a_wrong_value_is_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    native_records(tmp_path / "n.ndjson", [], 1)
    lines = (tmp_path / "n.ndjson").read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), **changes})
    (tmp_path / "n.ndjson").write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"n\.ndjson: the header line cannot be read"):
        read_records(tmp_path / "n.ndjson")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 1e30},
        {"id": "a"},
        {"score": float("nan")},
        {"box": [1, 2, 3]},
        {"box": [1, 2, float("inf"), 4]},
        {"box": None},
        {"keypoints": [[1, 2, 3]]},
        {"keypoints": [["1", 2, 3]] * 17},
        {"keypoints": [[1e39, 2, 3]] * 17},
    ],
)
def test_a_person_with_a_wrong_value_is_refused_with_the_line(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    native_records(tmp_path / "n.ndjson", [0], 2)
    lines = (tmp_path / "n.ndjson").read_text().splitlines()
    frame = json.loads(lines[1])
    frame["people"][0].update(changes)
    lines[1] = json.dumps(frame)
    (tmp_path / "n.ndjson").write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"n\.ndjson, line 2: not a frame line"):
        convert_records(tmp_path / "n.ndjson", tmp_path / "a.json", "alphapose")
    assert not list(tmp_path.glob("a.json*"))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[1e999999, " * 3, "\xff"])
def test_json_that_is_none_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"x\.json is not (JSON|a text)") as caught:
        read_records(tmp_path / "x.json")
    assert len(str(caught.value)) < 200


def test_people_are_read_in_floats_of_32_bits(tmp_path: Path) -> None:
    path = alphapose_list(tmp_path / "a.json", ["0.jpg"])
    (record,) = read_records(path)
    assert record.poses.keypoints_xy.dtype == np.float32


@pytest.mark.parametrize("kind", ["openpose", "alphapose-open"])
def test_hidden_files_of_macos_beside_the_files_of_a_folder_are_passed_over(
    kind: str, tmp_path: Path
) -> None:
    native_records(tmp_path / "n.ndjson", [0, 2], 3)
    out = tmp_path / kind / "r.json" if kind != "openpose" else tmp_path / kind
    convert_records(tmp_path / "n.ndjson", out, kind)
    folder = out if kind == "openpose" else out.parent / "sep-json"
    for file in list(folder.iterdir()):
        (folder / f"._{file.name}").write_bytes(b"\0\5\x16\7\0")
    read = read_records(folder)
    assert counts(read)[:3] == [1, 0, 1]


def test_results_of_whole_bodies_are_read_where_they_are_asked_for_and_said_otherwise(
    tmp_path: Path,
) -> None:
    parts = {"foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
    result = {"image_id": 0, "category_id": 1, "score": 0.5, "keypoints": flat_joints(17)}
    result |= {part: flat_joints(count, 300.0) for part, count in parts.items()}
    path = tmp_path / "r.json"
    path.write_text(json.dumps([result]))
    plain = read_records(path)
    assert f"--skeleton {COCO_WHOLEBODY_133.name}" in " ".join(notes_of(plain))
    whole = read_records(path, hints=ReadHints(skeleton=COCO_WHOLEBODY_133))
    (record,) = whole
    assert record.poses.keypoints_xy.shape == (1, 133, 2)
    assert record.poses.keypoints_xy[0, [0, 17, 23, 91, 112], 0].tolist() == [0, 300, 300, 300, 300]


def test_ids_in_words_that_are_numbers_are_kept(tmp_path: Path) -> None:
    path = alphapose_list(tmp_path / "a.json", ["0.jpg", "1.jpg"])
    path.write_text(path.read_text().replace('"idx": 1', '"idx": "41"'))
    assert [record.poses.ids.tolist() for record in read_records(path)] == [[41], [2]]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x_000_keypoints.json", '{"version": 1.3, "people": []}', "give the folder"),
        ("mmpose.json", '{"meta_info": {}, "instance_info": [{"frame_id": 1}]}', "no format known"),
        ("mmpose_list.json", '[{"frame_id": 0, "instances": []}]', "no format known"),
        ("ultralytics.txt", "0 0.5 0.5 0.2 0.4 0.1 0.2 0.9\n", "no format known"),
        (
            "ultralytics.json",
            '[{"name": "person", "box": {"x1": 1}, "keypoints": {}}]',
            "no format known",
        ),
        ("mediapipe.json", '{"poseLandmarks": [[{"x": 0.1}]]}', "no format known"),
        ("deeplabcut.csv", "scorer,DLC,DLC\nbodyparts,nose,nose\n", "no format known"),
        ("deeplabcut.h5", "\x89HDF\r\n", "is not a text file"),
        ("fiftyone.json", '{"samples": [{"keypoints": {}}]}', "has no keypoints"),
        (
            "labelme.json",
            '{"shapes": [{"label": "nose"}], "imagePath": "a.jpg"}',
            "no format known",
        ),
        ("cvat.xml", "<?xml version='1.0'?><annotations/>", "no format known"),
        (
            "openpifpaf.json",
            '[{"keypoints": [1, 2, 0.5], "bbox": [1, 2, 3, 4]}]',
            "no format known",
        ),
        ("lines.json", '{"image_id": "0.jpg"}\n{"image_id": "1.jpg"}\n', "is not "),
        ("mot.txt", "1;1;10;20;30;40;0,9;-1;-1;-1\n", "no format known"),
        ("page.json", "<!DOCTYPE html><html>", "no format known"),
        ("empty.json", "", "is not "),
    ],
)
def test_files_of_other_programs_are_refused_in_one_sentence(
    name: str, text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, "latin-1")
    with pytest.raises(ValueError, match=words) as refused:
        read_records(tmp_path / name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "Error(" not in str(refused.value)
