"""The native record: exact numbers, one line a frame, killed runs, resuming."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from rmpe.formats import ClipHeader, NativeWriter
from rmpe.formats._json import short_xywh, shortest_decimals
from rmpe.formats.native import NativeReader
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.records import Poses
from rmpe.skeletons import COCO_19, Skeleton

HEADER = ClipHeader(COCO_19, "clip.mp4", 1280, 720, 25.0, {"preset": "compact"})


def some_poses(count: int, seed: int = 0, joints: int = 19) -> Poses:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 700, (count, 2))
    return Poses(
        boxes_xyxy=np.concatenate([corners, corners + random.uniform(20, 300, (count, 2))], 1),
        box_scores=random.uniform(0, 1, count),
        keypoints_xy=random.uniform(-20, 1300, (count, joints, 2)),
        keypoint_scores=random.uniform(0, 1, (count, joints)),
        scores=random.uniform(0, 1, count),
        ids=np.arange(count),
    )


def assert_same(first: Poses, second: Poses) -> None:
    for name in ("boxes_xyxy", "box_scores", "keypoints_xy", "keypoint_scores", "scores", "ids"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), name)


def write_clip(path: Path, frames: list[Poses], complete: bool = True) -> None:
    writer = NativeWriter(path, HEADER)
    for index, poses in enumerate(frames):
        writer.write(index, index / 25, poses)
    writer.close(complete)


def test_shortest_decimals_show_what_a_person_would_write() -> None:
    values = np.array([0.1, 0.0, -12.5, 602.57446, 1e-5, 3.4e38, 16777217], np.float32)
    assert shortest_decimals(values).tolist()[:5] == [0.1, 0.0, -12.5, 602.57446, 1e-5]
    np.testing.assert_array_equal(shortest_decimals(values).astype(np.float32), values)


def test_shortest_decimals_keep_every_float32() -> None:
    bits = np.random.default_rng(1).integers(0, 2**32, 200_000, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    back = np.array(json.loads(json.dumps(shortest_decimals(values).tolist())), np.float32)
    np.testing.assert_array_equal(back, values)


def test_boxes_keep_their_corners_through_width_and_height() -> None:
    random = np.random.default_rng(2)
    corners = random.uniform(-50, 4000, (20_000, 4)).astype(np.float32)
    np.testing.assert_array_equal(box_xywh_to_xyxy(short_xywh(corners)), corners)


def test_lines_are_those_of_the_documented_schema(tmp_path: Path) -> None:
    path = tmp_path / "poses.ndjson"
    pose = Poses(
        boxes_xyxy=[[10, 20, 40.5, 100]],
        box_scores=[0.75],
        keypoints_xy=np.full((1, 19, 2), 3.1),
        keypoint_scores=np.full((1, 19), 0.9),
        scores=[0.5],
        ids=[7],
    )
    write_clip(path, [pose, Poses.empty(19)])
    header, first, second, end = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(header) == ["schema", "skeleton", "source", "width", "height", "fps", "options"]
    assert header["schema"] == "rmpe/1"
    assert header["skeleton"]["name"] == "coco19"
    assert header["skeleton"]["joints"][0] == "nose"
    assert [0, 1] in header["skeleton"]["limbs"]
    assert (header["width"], header["height"], header["fps"]) == (1280, 720, 25.0)
    assert header["options"] == {"preset": "compact"}
    person = first["people"][0]
    assert (first["frame"], first["time_s"]) == (0, 0.0)
    assert person["id"] == 7 and person["score"] == 0.5
    assert person["box"] == [10, 20, 30.5, 80]
    assert person["keypoints"] == [[3.1, 3.1, 0.9]] * 19
    assert second == {"frame": 1, "time_s": 0.04, "people": []}
    assert end == {"end": True, "frames": 2}


def test_written_clip_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    frames = [some_poses(3, 1), Poses.empty(19), some_poses(40, 2), some_poses(1, 3)]
    write_clip(tmp_path / "p.ndjson", frames)
    reader = NativeReader(tmp_path / "p.ndjson")
    assert reader.header == HEADER
    for _ in range(2):
        records = list(reader)
        assert [record.frame_index for record in records] == [0, 1, 2, 3]
        assert records[2].timestamp_s == pytest.approx(0.08)
        for record, poses in zip(records, frames):
            assert_same(record.poses, poses)
        assert reader.complete


def test_every_frame_is_on_disk_before_the_file_is_closed(tmp_path: Path) -> None:
    writer = NativeWriter(tmp_path / "p.ndjson", HEADER)
    for index in range(3):
        writer.write(index, 0.0, some_poses(60))
        assert (tmp_path / "p.ndjson").read_text().count("\n") == index + 2
    writer.close()
    writer.close()


@pytest.mark.parametrize("cut", [2, 10, 3000])
def test_killed_run_gives_its_whole_frames_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    path = tmp_path / "p.ndjson"
    write_clip(path, [some_poses(5, seed) for seed in range(4)], complete=False)
    path.write_bytes(path.read_bytes()[:-cut])
    reader = NativeReader(path)
    with caplog.at_level(logging.WARNING):
        assert len(list(reader)) == 3
    assert not reader.complete
    assert "cut off after 3 frames" in caplog.text


def test_resumed_file_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    frames = [some_poses(5, seed) for seed in range(6)]
    write_clip(tmp_path / "whole.ndjson", frames)
    path = tmp_path / "cut.ndjson"
    write_clip(path, frames[:4], complete=False)
    path.write_bytes(path.read_bytes()[:-100])
    writer = NativeWriter.resume(path)
    assert writer.frames_written == 3
    for index in range(3, 6):
        writer.write(index, index / 25, frames[index])
    writer.close()
    assert path.read_bytes() == (tmp_path / "whole.ndjson").read_bytes()


def test_unknown_objects_between_frames_are_skipped(tmp_path: Path) -> None:
    writer = NativeWriter(tmp_path / "p.ndjson", HEADER)
    writer.write_event({"event": "cut", "at": 0})
    writer.write(0, 0.0, some_poses(1))
    writer.write_event({"event": "cut", "at": 1})
    writer.close()
    reader = NativeReader(tmp_path / "p.ndjson")
    assert len(list(reader)) == 1 and reader.complete
    with pytest.raises(ValueError, match="event"):
        writer.write_event({"frame": 3})


def test_own_skeleton_and_picture_names_survive(tmp_path: Path) -> None:
    skeleton = Skeleton("mouse", ("nose", "tail"), ((0, 1),), (0.026, 0.1))
    header = ClipHeader(skeleton, "folder", image_names=("a.jpg", "b.png"))
    writer = NativeWriter(tmp_path / "p.ndjson", header)
    writer.write(0, 0.0, some_poses(2, joints=2))
    writer.close()
    read = NativeReader(tmp_path / "p.ndjson").header
    assert read.skeleton.joints == ("nose", "tail") and read.skeleton.limbs == ((0, 1),)
    assert read.image_name(1) == "b.png"


def test_broken_files_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "p.ndjson"
    path.write_text('{"schema": "rmpe/9"}\n')
    with pytest.raises(ValueError, match="rmpe/9"):
        NativeReader(path)
    path.write_text("")
    with pytest.raises(ValueError, match="first line"):
        NativeReader(path)
    write_clip(path, [some_poses(1), some_poses(1)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "rubbish", *lines[2:]]) + "\n")
    with pytest.raises(ValueError, match="line 2"):
        list(NativeReader(path))
    path.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    with pytest.raises(ValueError, match="counts 2 frames"):
        list(NativeReader(path))


def test_wrong_joint_count_and_numbers_without_end_are_refused(tmp_path: Path) -> None:
    writer = NativeWriter(tmp_path / "p.ndjson", HEADER)
    with pytest.raises(ValueError, match="17 joints"):
        writer.write(0, 0.0, some_poses(1, joints=17))
    bad = some_poses(1)
    bad.keypoints_xy[0, 0] = np.nan
    with pytest.raises(ValueError, match="frame 4"):
        writer.write(4, 0.0, bad)
    writer.close()


def test_times_and_rate_keep_64_bits(tmp_path: Path) -> None:
    header = ClipHeader(COCO_19, fps=30000 / 1001)
    writer = NativeWriter(tmp_path / "n.ndjson", header)
    writer.write(0, 1234.567891, Poses.empty(19))
    writer.close()
    reader = NativeReader(tmp_path / "n.ndjson")
    assert reader.header.fps == 30000 / 1001
    assert [record.timestamp_s for record in reader] == [1234.567891]
