"""COCO-style annotations of which nobody, or less than it seems, can be counted: it is said."""

from __future__ import annotations

from typing import Any

import pytest

from rmpe.datasets.coco_document import read_coco_document
from rmpe.evaluation.oks._files import read_annotations
from rmpe.skeletons import COCO_17

PERSON: dict[str, Any] = {
    "id": 1,
    "image_id": 1,
    "category_id": 1,
    "bbox": [10, 20, 30, 40],
    "keypoints": [15, 25, 2] * 17,
}


def document(*people: dict[str, Any]) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": list(people),
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}],
    }


@pytest.mark.parametrize(
    ("area", "taken", "notes"),
    [
        (0, 1200, ("1 people have an area of 0: their box's is taken",)),
        (-7, 1200, ("1 people have an area of 0: their box's is taken",)),
        (500, 500, ()),
        (None, 1200, ()),
    ],
)
def test_an_area_of_nothing_is_the_boxs(area: object, taken: float, notes: tuple[str, ...]) -> None:
    whole = read_coco_document(document({**PERSON, "area": area}))
    assert whole.people[0].area == taken
    assert whole.notes == notes


def test_annotations_of_another_category_than_the_people_are_told() -> None:
    whole = read_coco_document(document({**PERSON, "category_id": 99}))
    assert whole.notes == ("nobody is annotated: people are of category 1, annotations of 99",)
    assert read_coco_document(document()).notes == ("nobody is annotated",)


@pytest.mark.parametrize(
    ("more", "notes"),
    [
        ({"num_keypoints": 0}, True),
        ({"num_keypoints": 17}, False),
        ({"num_keypoints": 0, "iscrowd": 1}, False),
        ({"num_keypoints": 0, "keypoints": [0, 0, 0] * 17}, False),
    ],
)
def test_people_whose_joints_the_file_counts_as_none_are_told(
    more: dict[str, Any], notes: bool
) -> None:
    said = "1 people have joints and num_keypoints 0: by COCO's rules they do not count"
    truth = read_annotations(document({**PERSON, **more}), COCO_17)
    assert truth.notes == ((said,) if notes else ())
