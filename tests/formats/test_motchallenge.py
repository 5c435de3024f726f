"""MOTChallenge text: written, read, recognised, and taken as a file of boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rmpe.detectors.precomputed import read_boxes
from rmpe.formats import (
    ClipHeader,
    NativeWriter,
    ReadHints,
    convert_records,
    read_records,
)
from rmpe.formats.catalogue import detect_format, open_writer
from rmpe.records import Poses
from rmpe.skeletons import COCO_17


def some_people(ids: list[int]) -> Poses:
    count = len(ids)
    boxes = np.array([[10.0, 20.0, 40.5, 100.25]]) + np.arange(count)[:, None]
    return Poses(
        boxes, np.full(count, 0.75), np.zeros((count, 17, 2)), np.ones((count, 17)),
        np.full(count, 0.5), np.array(ids, np.int64),
    )  # fmt: skip


def test_frames_and_pixels_count_from_one(tmp_path: Path) -> None:
    writer = open_writer("mot", tmp_path, ClipHeader(COCO_17))
    writer.write(0, 0.0, some_people([4, 0]))
    writer.write(1, 0.1, some_people([]))
    writer.write(2, 0.2, some_people([5]))
    writer.close()
    assert (tmp_path / "mot.txt").read_text().splitlines() == [
        "1,4,11,21,30.5,80.25,0.75,-1,-1,-1",
        "1,-1,12,22,30.5,80.25,0.75,-1,-1,-1",
        "3,5,11,21,30.5,80.25,0.75,-1,-1,-1",
    ]


def test_what_was_written_is_recognised_and_read_back(tmp_path: Path) -> None:
    native = tmp_path / "poses.ndjson"
    writer = NativeWriter(native, ClipHeader(COCO_17, "clip.mp4", fps=25.0))
    for frame in range(3):
        writer.write(frame, frame / 25, some_people([] if frame == 1 else [frame + 1, 0]))
    writer.close()
    assert convert_records(native, tmp_path / "mot.txt", "mot") == 3
    assert detect_format(tmp_path / "mot.txt") == "mot"
    clip = list(read_records(tmp_path / "mot.txt", hints=ReadHints(frame_count=5)))
    assert [record.poses.ids.tolist() for record in clip] == [[1, 0], [], [3, 0], [], []]
    poses = clip[0].poses
    assert np.array_equal(poses.boxes_xyxy, some_people([1, 0]).boxes_xyxy)
    assert poses.box_scores.tolist() == [0.75, 0.75]
    assert poses.keypoint_scores.tolist() == np.zeros((2, 17)).tolist()


def test_detections_and_truths_are_files_of_boxes(tmp_path: Path) -> None:
    (tmp_path / "det.txt").write_text("2,-1,11,21,30,80,-0.5\n2,-1,1,1,3,4,0.9,-1,-1,-1\n")
    found = read_boxes(tmp_path / "det.txt")
    assert found.frames == [1]
    assert found.at(1).boxes_xyxy.tolist() == [[0, 0, 3, 4], [10, 20, 40, 100]]
    assert found.at(1).scores.tolist() == pytest.approx([0.7109495, 0.3775407])  # logistic
    (tmp_path / "gt.txt").write_text("1,1,11,21,30,80,0,-1,-1,-1\n1,2,1,1,3,4,1,-1,-1,-1\n")
    assert read_boxes(tmp_path / "gt.txt").at(0).boxes_xyxy.tolist() == [[0, 0, 3, 4]]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("1,2,3,4,5", "needed is frame,id"),
        ("1,2,3,4,five,6,1", "needed is frame,id"),
        ("0,2,3,4,5,6,1", "frames from 1"),
        ("1,2,3,4,0,6,1", "width and height"),
        ("1,2,nan,4,5,6,1", "needed is frame,id"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, wrong: str) -> None:
    path = tmp_path / "mot.txt"
    path.write_text(f"1,1,1,1,5,5,1\n{line}\n")
    with pytest.raises(ValueError, match=f"line 2: .*{wrong}"):
        list(read_records(path))


def test_an_empty_text_is_a_clip_without_frames(tmp_path: Path) -> None:
    (tmp_path / "mot.txt").write_text("")
    assert list(read_records(tmp_path / "mot.txt", "mot")) == []
