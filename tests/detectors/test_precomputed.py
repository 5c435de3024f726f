"""Boxes from a file: every layout, and errors that say where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rmpe.detectors.precomputed import read_boxes


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "boxes.json"
    path.write_text(text)
    return path


def test_lines_of_frames(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"frame": 0, "boxes": [[10, 20, 30, 40, 0.5], [1, 2, 3, 4]]}\n\n'
        '{"frame": 7, "boxes": []}\n',
    )
    boxes = read_boxes(path)
    assert boxes.frames == [0, 7]
    np.testing.assert_array_equal(boxes.at(0).boxes_xyxy, [[1, 2, 4, 6], [10, 20, 40, 60]])
    np.testing.assert_array_equal(boxes.at(0).scores, [1.0, 0.5])
    assert len(boxes.at(7)) == 0


def test_a_list_of_frames(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps([{"frame": 3, "boxes": [[0, 0, 5, 5, 0.25]]}]))
    assert read_boxes(path).at(3).scores.tolist() == [0.25]


def test_coco_results_are_grouped_and_other_classes_left_out(tmp_path: Path) -> None:
    rows = [
        {"image_id": 2, "category_id": 1, "bbox": [0, 0, 2, 2], "score": 0.5},
        {"image_id": 2, "category_id": 1, "bbox": [1, 1, 2, 2], "score": 0.75},
        {"image_id": 2, "category_id": 3, "bbox": [9, 9, 2, 2], "score": 0.9},
    ]
    boxes = read_boxes(write(tmp_path, json.dumps(rows))).at(2)
    assert boxes.scores.tolist() == [0.75, 0.5]
    assert boxes.boxes_xyxy[0].tolist() == [1, 1, 3, 3]


def test_a_frame_that_is_not_named_has_nobody(tmp_path: Path) -> None:
    assert len(read_boxes(write(tmp_path, "")).at(0)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"frame": 0, "boxes": []}\n{"frame": ', "line 2: not JSON"),
        ('{"frame": 0}', "line 1: key 'boxes'"),
        ('{"boxes": []}', "line 1: key 'frame' is missing"),
        ('{"frame": -1, "boxes": []}', "line 1: key 'frame' is -1"),
        ('{"frame": 0, "boxes": [[1, 2, 3]]}', "line 1, key 'boxes', box 0"),
        ('{"frame": 0, "boxes": [[1, 2, 3, "a"]]}', "line 1, key 'boxes', box 0"),
        ('{"frame": 0, "boxes": [[1, 2, 0, 4]]}', "box 0: width and height"),
        ('[{"image_id": 0, "score": 1}]', "entry 0: key 'bbox' is missing"),
        ("[\n1,\n2", "not JSON.* line 3"),
        ("[5]", "entry 0: got int"),
        ('[{"image_id": 0, "bbox": [0, 0, 1, 1], "score": NaN}]', "key 'score'"),
    ],
)
def test_malformed_files_name_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_boxes(write(tmp_path, text))


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.json"):
        read_boxes(tmp_path / "none.json")
