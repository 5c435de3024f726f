"""Boxes of a file come to the picture or the frame that they are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rmpe.detectors.precomputed import PrecomputedBoxes, read_boxes

PICTURES = ("000000000785.jpg", "000000040083.jpg")


def boxes(folder: Path, *items: dict[str, Any]) -> PrecomputedBoxes:
    """Write and read COCO detections; the first corner's x is their place in the file."""
    rows = [
        {"category_id": 1, "bbox": [n, 0, 10, 20], "score": 0.9, **item}
        for n, item in enumerate(items)
    ]
    (folder / "b.json").write_text("\ufeff" + json.dumps(rows), encoding="utf-8")
    return read_boxes(folder / "b.json")


def lefts(found: PrecomputedBoxes, count: int = 2) -> list[list[float]]:
    return [found.at(n).boxes_xyxy[:, 0].tolist() for n in range(count)]


@pytest.mark.parametrize(
    "keys",
    [
        [{"image_id": 40083}, {"image_id": 785}],
        [{"image_id": "000000040083.jpg"}, {"image_id": "785.jpg", "file_name": "785.jpg"}],
        [{"file_name": "val/000000040083.png"}, {"file_name": "000000000785"}],
        [{"image_id": 1}, {"image_id": 0}],
    ],
)
def test_by_number_name_stem_or_place(tmp_path: Path, keys: list[dict[str, Any]]) -> None:
    if keys[1].get("file_name") == "785.jpg":
        keys[1] = {"file_name": "000000000785.jpg"}
    assert lefts(boxes(tmp_path, *keys).placed(PICTURES)) == [[1], [0]]


def test_boxes_of_a_whole_set_serve_a_few_of_its_pictures_and_say_so(tmp_path: Path) -> None:
    found = boxes(tmp_path, {"image_id": 785}, {"image_id": 9}, {"image_id": 40083})
    placed = found.placed(PICTURES)
    assert lefts(placed) == [[0], [2]]
    assert placed.notes == ("boxes of 1 other pictures are passed over",)


def test_boxes_of_other_pictures_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="boxes of 9, which is not among the pictures"):
        boxes(tmp_path, {"image_id": 9}, {"image_id": 11}).placed(PICTURES)
    with pytest.raises(ValueError, match=r"boxes of x\.jpg, which is not among"):
        boxes(tmp_path, {"file_name": "x.jpg"}).placed(PICTURES)


def test_category_0_is_people_where_it_occurs_and_that_is_said(tmp_path: Path) -> None:
    found = boxes(tmp_path, {"image_id": 0, "category_id": 0}, {"image_id": 1, "category_id": 1})
    assert lefts(found.placed((), 2)) == [[0], []]
    assert found.notes == ("category 0 is taken for people",)
    only = boxes(tmp_path, {"image_id": 0, "category_id": 5})
    assert only.notes == ("category 5 is taken for people",)
    with pytest.raises(ValueError, match=r"categories \[2, 3\], people are 1"):
        boxes(tmp_path, {"image_id": 0, "category_id": 2}, {"image_id": 1, "category_id": 3})


def test_frames_of_a_clip_by_number_and_name(tmp_path: Path) -> None:
    assert lefts(boxes(tmp_path, {"image_id": 1}).placed((), 9)) == [[], [0]]
    assert lefts(boxes(tmp_path, {"file_name": "f_000001.jpg"}).placed((), 9)) == [[], [0]]
    with pytest.raises(ValueError, match=r"boxes for girl\.jpg, which has no frame number"):
        boxes(tmp_path, {"file_name": "girl.jpg"}).placed((), 9)


def test_lines_of_frames_are_places_whatever_the_pictures_are_called(tmp_path: Path) -> None:
    (tmp_path / "b.ndjson").write_text('{"frame": 1, "boxes": [[5, 0, 10, 20]]}\n')
    placed = read_boxes(tmp_path / "b.ndjson").placed(("1.jpg", "2.jpg"))
    assert lefts(placed) == [[], [5]]
    with pytest.raises(ValueError, match="frame 1, there are 1 pictures"):
        read_boxes(tmp_path / "b.ndjson").placed(("1.jpg",))


def test_boxes_of_an_annotation_are_those_of_its_people(tmp_path: Path) -> None:
    person = {"image_id": 3, "category_id": 7, "bbox": [5, 0, 10, 20]}
    document = {
        "images": [{"id": 3, "file_name": "785.jpg"}, {"id": 4, "file_name": PICTURES[1]}],
        "annotations": [
            {**person, "image_id": 4},
            {**person, "image_id": 4, "iscrowd": 1},
            {**person, "image_id": 4, "category_id": 1},
        ],
        "categories": [{"id": 1, "name": "dog"}, {"id": 7, "name": "Person"}],
    }
    (tmp_path / "b.json").write_text(json.dumps(document, indent=1))
    assert lefts(read_boxes(tmp_path / "b.json").placed(PICTURES)) == [[], [5]]
    document["categories"] = [{"id": 7, "name": "dog"}]
    (tmp_path / "b.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="none of its categories is called person"):
        read_boxes(tmp_path / "b.json")
