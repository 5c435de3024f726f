"""Conversions that can be undone are undone; what a format cannot hold is what its page says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from rmpe.formats import (
    FORMATS,
    ClipHeader,
    NativeWriter,
    ReadHints,
    convert_records,
    read_records,
)
from rmpe.formats.catalogue import detect_format, open_writer
from rmpe.records import Poses
from rmpe.skeletons import (
    COCO_17,
    COCO_19,
    HALPE_136,
    MPII_16,
    OPENPOSE_18,
    POSETRACK_15,
    SKELETONS,
    Skeleton,
    convert_joints,
)

# Native skeleton from which a format loses no joint; "mot" has none.
LOSSLESS = {
    "native": COCO_19,
    "alphapose": COCO_17,
    "alphapose-cmu": OPENPOSE_18,
    "alphapose-open": OPENPOSE_18,
    "openpose": SKELETONS["body25"],
    "openpose18": OPENPOSE_18,
    "coco": COCO_17,
    "posetrack": POSETRACK_15,
    "posetrack17": POSETRACK_15,
}
KEEPS_BOXES = {"native", "alphapose", "coco", "posetrack"}
KEEPS_IDS = {"native", "alphapose", "coco", "posetrack", "posetrack17", "openpose", "openpose18"}
KEEPS_TRAILING_EMPTY = {"native", "posetrack", "posetrack17", "openpose", "openpose18"}


def people(count: int, joints: int, seed: int) -> Poses:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 700, (count, 2))
    return Poses(
        boxes_xyxy=np.concatenate([corners, corners + random.uniform(20, 300, (count, 2))], 1),
        box_scores=random.uniform(0.3, 1, count),
        keypoints_xy=random.uniform(1, 1300, (count, joints, 2)),
        keypoint_scores=random.uniform(0.1, 1, (count, joints)),
        scores=random.uniform(0.3, 1, count),
        ids=random.permutation(count) + 1,
    )


def native_clip(
    path: Path, skeleton: Skeleton, counts: tuple[int, ...] = (0, 3, 0, 5, 1, 0)
) -> list[Poses]:
    frames = [people(n, skeleton.joint_count, seed) for seed, n in enumerate(counts)]
    writer = NativeWriter(path, ClipHeader(skeleton, "clip.mp4", 1280, 720, 25.0))
    for index, poses in enumerate(frames):
        writer.write(index, index / 25, poses)
    writer.close()
    return frames


@pytest.mark.parametrize("name", LOSSLESS)
def test_conversion_and_back_keeps_what_the_format_holds(tmp_path: Path, name: str) -> None:
    frames = native_clip(tmp_path / "in.ndjson", LOSSLESS[name])
    out = tmp_path / "out" / FORMATS[name].output_name
    assert convert_records(tmp_path / "in.ndjson", out, name) == 6
    hints = ReadHints(width=1280, height=720, fps=25.0, frame_count=6)
    assert convert_records(out, tmp_path / "back.ndjson", "native", name, hints) == 6
    back = read_records(tmp_path / "back.ndjson")
    assert back.header.skeleton == LOSSLESS[name]
    digits = 0.01 if name.startswith("openpose") else 1e-6
    for record, poses in zip(back, frames, strict=True):
        got = record.poses
        assert record.timestamp_s == pytest.approx(record.frame_index / 25)
        np.testing.assert_allclose(got.keypoints_xy, poses.keypoints_xy, atol=digits)
        np.testing.assert_allclose(got.keypoint_scores, poses.keypoint_scores, atol=1e-6)
        if name in KEEPS_IDS:
            assert got.ids.tolist() == poses.ids.tolist()
        if name in KEEPS_BOXES:
            np.testing.assert_allclose(got.boxes_xyxy, poses.boxes_xyxy, atol=1e-3)
        if name == "alphapose":
            np.testing.assert_allclose(got.box_scores, poses.box_scores, atol=1e-5)
        if name in ("native", "coco"):
            np.testing.assert_array_equal(got.scores, poses.scores)


@pytest.mark.parametrize("name", FORMATS)
def test_frames_without_people_survive_without_hints(tmp_path: Path, name: str) -> None:
    native_clip(tmp_path / "in.ndjson", COCO_17)
    out = tmp_path / FORMATS[name].output_name
    convert_records(tmp_path / "in.ndjson", out, name)
    counts = [len(record.poses) for record in read_records(out)]
    expected = [0, 3, 0, 5, 1, 0]
    assert counts == (expected if name in KEEPS_TRAILING_EMPTY else expected[:-1])


@pytest.mark.parametrize("name", FORMATS)
def test_clip_without_anybody_is_a_valid_file(tmp_path: Path, name: str) -> None:
    native_clip(tmp_path / "in.ndjson", COCO_17, (0, 0))
    out = tmp_path / FORMATS[name].output_name
    convert_records(tmp_path / "in.ndjson", out, name)
    records = list(FORMATS[name].reader(out, ReadHints(frame_count=2)))
    assert [len(record.poses) for record in records] == [0, 0]


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("source", [COCO_19, MPII_16, HALPE_136], ids=lambda s: s.name)
def test_joints_are_mapped_by_name(tmp_path: Path, name: str, source: str) -> None:
    (poses,) = native_clip(tmp_path / "in.ndjson", source, (2,))
    out = tmp_path / FORMATS[name].output_name
    convert_records(tmp_path / "in.ndjson", out, name)
    hints = ReadHints(skeleton=source if name == "alphapose" and source is MPII_16 else None)
    reader = FORMATS[name].reader(out, hints)
    (record,) = reader
    points, scores = convert_joints(
        poses.keypoints_xy, poses.keypoint_scores, source, reader.header.skeleton
    )
    found = scores > 0
    np.testing.assert_allclose(record.poses.keypoint_scores, scores, atol=1e-6)
    np.testing.assert_allclose(record.poses.keypoints_xy[found], points[found], atol=0.01)


def test_pictures_with_names_of_their_own_keep_them(tmp_path: Path) -> None:
    names = ("000000000785.jpg", "000000040083.jpg", "000000196141.jpg")
    header = ClipHeader(COCO_17, "coco", image_names=names)
    for name in ("coco", "alphapose", "posetrack"):
        writer = open_writer(name, tmp_path, header)
        writer.write(0, 0.0, people(1, 17, 0))
        writer.write(1, 0.0, Poses.empty(17))
        writer.write(2, 0.0, people(2, 17, 1))
        writer.close()
    results = json.loads((tmp_path / "coco-results.json").read_text())
    assert [item["image_id"] for item in results] == [785, 196141, 196141]
    alphapose = json.loads((tmp_path / "alphapose-results.json").read_text())
    assert [item["image_id"] for item in alphapose] == [names[0], names[2], names[2]]
    for name in ("coco", "alphapose"):
        out = tmp_path / FORMATS[name].output_name
        assert len(list(read_records(out))) == 2
        assert [len(r.poses) for r in read_records(out, hints=ReadHints(image_names=names))] == [
            1,
            0,
            2,
        ]
    posetrack = read_records(tmp_path / "posetrack.json")
    assert posetrack.header.image_names == names


def test_people_without_identity_stay_without(tmp_path: Path) -> None:
    poses = people(3, 15, 0).with_ids([0, 0, 4])
    for name in ("posetrack", "posetrack17", "native", "coco", "openpose"):
        out = tmp_path / FORMATS[name].output_name
        writer = FORMATS[name].writer(out, ClipHeader(POSETRACK_15))
        writer.write(0, 0.0, poses)
        writer.close()
        (record,) = read_records(out)
        assert record.poses.ids.tolist() == [0, 0, 4]
    tracks = [
        a["track_id"] for a in json.loads((tmp_path / "posetrack.json").read_text())["annotations"]
    ]
    assert len(set(tracks)) == 3


@pytest.mark.parametrize("name", ["alphapose", "alphapose-cmu", "coco", "posetrack17"])
def test_writers_hold_no_clip_in_memory(tmp_path: Path, name: str) -> None:
    writer = FORMATS[name].writer(tmp_path / "o.json", ClipHeader(COCO_17))
    for index in range(40):
        writer.write(index, 0.0, people(20, 17, index))
    assert os.path.getsize(tmp_path / "o.json") > 100_000
    writer.close()
    writer.close()
    assert detect_format(tmp_path / "o.json") == name


@pytest.mark.parametrize("name", ["coco", "native"])
def test_a_failed_conversion_leaves_nothing_and_what_was_there(tmp_path: Path, name: str) -> None:
    native_clip(tmp_path / "in.ndjson", COCO_17, (1, 1, 1))
    lines = (tmp_path / "in.ndjson").read_text().splitlines()
    (tmp_path / "in.ndjson").write_text("\n".join([*lines[:3], "x", *lines[3:]]) + "\n")
    (tmp_path / "o.json").write_text("of before")
    with pytest.raises(ValueError, match="line 4"):
        convert_records(tmp_path / "in.ndjson", tmp_path / "o.json", name, overwrite=True)
    assert (tmp_path / "o.json").read_text() == "of before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ndjson", "o.json"]


def test_a_writer_that_is_closed_early_leaves_valid_json(tmp_path: Path) -> None:
    writer = open_writer("coco", tmp_path, ClipHeader(COCO_17))
    writer.write(0, 0.0, people(2, 17, 0))
    writer.close(complete=False)
    assert len(json.loads((tmp_path / "coco-results.json").read_text())) == 2


def test_wrong_files_are_refused_with_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("[1, ")
    with pytest.raises(ValueError, match="line 1"):
        read_records(file)
    file.write_text('{"a": 3}')
    with pytest.raises(ValueError, match="no format known"):
        read_records(file)
    with pytest.raises(ValueError, match="unknown format 'yaml'"):
        read_records(file, "yaml")
    file.write_text('[{"image_id": "a.jpg", "keypoints": [1, 2, 3]}]')
    with pytest.raises(ValueError, match="name the skeleton"):
        read_records(file)
    file.write_text('[{"image_id": "a.jpg", "score": 1}]')
    with pytest.raises(ValueError, match="result 0 has no keypoints"):
        read_records(file)
    file.write_text('{"images": [], "annotations": [{"id": 3}]}')
    with pytest.raises(ValueError, match="no valid PoseTrack file"):
        read_records(file)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError):
        read_records(tmp_path / "empty")
    with pytest.raises(OSError, match="missing"):
        read_records(tmp_path / "missing.json")
    native_clip(tmp_path / "in.ndjson", COCO_17, (1,))
    with pytest.raises(ValueError, match="another output"):
        convert_records(tmp_path / "in.ndjson", tmp_path / "in.ndjson", "native")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alphapose", "[3]"),
        ("alphapose", '{"a.jpg": [{"keypoints": null}]}'),
        ("alphapose", '[{"image_id": "a", "keypoints": [1, 2]}]'),
        ("alphapose-cmu", '{"a.jpg": {"bodies": [{}]}}'),
        ("alphapose-open", '{"a.jpg": {"people": [{"pose_keypoints_2d": [1, 2, 3]}]}}'),
        ("coco", '[{"image_id": 1}]'),
        ("coco", '[{"image_id": 1, "keypoints": ["a", 2, 3]}]'),
        ("coco", "[[]]"),
        ("coco", "{}"),
        ("posetrack", '{"images": [{"id": 1}], "annotations": []}'),
        ("posetrack", '{"images": 4, "annotations": []}'),
        ("posetrack17", '{"annolist": [{}]}'),
        ("native", "{}"),
        ("native", '{"schema": "rmpe/1"}'),
    ],
)
def test_documents_that_lack_a_part_are_refused_in_words(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=r"x\.json"):
        read_records(tmp_path / "x.json", name)


def test_openpose_file_that_lacks_a_part_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a_000000000000_keypoints.json").write_text('{"people": [{}]}')
    with pytest.raises(ValueError, match="has no pose_keypoints_2d"):
        read_records(tmp_path)


def test_a_folder_of_runs_is_no_file_of_poses_and_names_one(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"frames": 60, "people": 576}')
    with pytest.raises(ValueError, match="is in no format known here"):
        read_records(tmp_path)
    for name in ("segment_00000", "segment_00001"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "poses.ndjson").write_text("")
    with pytest.raises(ValueError, match=r"holds several runs: name one, such as .*segment_00000"):
        read_records(tmp_path)
