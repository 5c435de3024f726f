"""Boxes from files that other programs write otherwise: their numbers are told, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rmpe.detectors.precomputed import PrecomputedBoxes, read_boxes
from rmpe.records import Frame


def results(path: Path, *boxes: list[float], **more: object) -> PrecomputedBoxes:
    """Return the boxes of COCO results of frame 0 with the scores that stand behind each box."""
    items = [{"image_id": 0, "bbox": box[:4], "score": box[4], **more} for box in boxes]
    path.write_text(json.dumps(items))
    return read_boxes(path)


def look(boxes: PrecomputedBoxes, index: int = 0) -> tuple[str, ...]:
    """Return what is said after one picture of 40x30 was looked at."""
    boxes.find([Frame(index, 0.0, np.zeros((30, 40, 3), np.uint8))])
    return boxes.notes


@pytest.mark.parametrize(
    ("given", "taken", "note"),
    [
        ([0.25, 1.0], [1, 0.25], ()),
        ([50, 100], [1, 0.5], ("scores of boxes go from 50 to 100: their share of 100 is taken",)),
        ([-1, -1], [1, 1], ("boxes have no scores (-1): 1 is taken",)),
        (
            [-np.log(3), np.log(3)],  # 1 / (1 + 3), 1 / (1 + 1 / 3)
            [0.75, 0.25],
            ("scores of boxes go from -1.09861 to 1.09861: 1 / (1 + exp(-score)) is taken",),
        ),
    ],
)
def test_scores_of_any_size_keep_their_order(
    tmp_path: Path, given: list[float], taken: list[float], note: tuple[str, ...]
) -> None:
    lines = [f"1,-1,{5 + n},5,10,10,{score},-1,-1,-1" for n, score in enumerate(given)]
    (tmp_path / "det.txt").write_text("\n".join(lines))
    for boxes in (
        read_boxes(tmp_path / "det.txt"),
        results(tmp_path / "r.json", *([5, 5, 10, 10, score] for score in given)),
    ):
        assert boxes.at(0).scores.tolist() == pytest.approx(taken)
        assert boxes.notes == note


def test_shares_of_a_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"r\.json: all boxes lie between 0 and 1, as shares"):
        results(tmp_path / "r.json", [0.3, 0.3, 0.2, 0.5, 0.9])


def test_boxes_that_do_not_fit_the_pictures_are_counted(tmp_path: Path) -> None:
    boxes = results(
        tmp_path / "r.json", [50, 5, 9, 9, 0.9], [20, 5, 30, 25, 0.8], [1, 1, 9, 9, 0.7]
    )
    assert look(boxes) == (
        "1 of 3 boxes lie outside of their pictures",
        "2 of 3 boxes reach far beyond their pictures; needed are x, y, width, height in pixels",
    )
    assert look(results(tmp_path / "r.json", [1, 1, 42, 31, 0.7])) == ()


def test_frames_that_the_clip_does_not_have_are_told(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(
        '{"frame": 90, "boxes": [[1, 2, 3, 4]]}\n{"frame": 95, "boxes": [[1, 2, 3, 4]]}'
    )
    assert look(read_boxes(path)) == (
        f"{path} has boxes of the frames 90 to 95, and none of the 1 that were looked at",
    )
    assert look(read_boxes(path), 90) == ()


def test_people_are_found_by_the_name_of_their_category(tmp_path: Path) -> None:
    items = [
        {"image_id": 0, "category_id": name, "bbox": [x, 0, 9, 9], "score": 0.5}
        for x, name in enumerate(("dog", "Person"))
    ]
    (tmp_path / "r.json").write_text(json.dumps(items))
    assert read_boxes(tmp_path / "r.json").at(0).boxes_xyxy.tolist() == [[1, 0, 10, 9]]
    truth = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 4, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 4, "name": "Pedestrian"}],
    }
    (tmp_path / "t.json").write_text(json.dumps(truth))
    placed = read_boxes(tmp_path / "t.json").placed(["a.jpg"])
    assert placed.at(0).boxes_xyxy.tolist() == [[1, 2, 4, 6]]


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.2 0.4 0.9\n", "frame,x,y,w,h\n0,1,2,3,4\n"])
def test_other_texts_are_refused_with_what_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.txt").write_text(text)
    with pytest.raises(ValueError, match=r"line 1: neither JSON .* nor MOTChallenge's text"):
        read_boxes(tmp_path / "b.txt")
