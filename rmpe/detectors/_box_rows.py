"""From the text of a boxes file to x, y, w, h, score of every frame or picture.

Four layouts are understood:

- newline-delimited JSON, one frame a line: ``{"frame": 0, "boxes": [[x, y, w, h, score], ...]}``;
- one JSON list of such objects;
- COCO results: ``[{"image_id": 0, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9}, ...]``,
  where ``image_id`` is the frame of a clip, or the number or name of a picture (``file_name`` may
  say the name too); other categories than 1 (person) are left out, or than 0 where that occurs;
- a COCO annotation, whose people's boxes are taken, crowds left out.

Boxes are in pixels of the full frame; a missing score is 1. Frames that the file does not name have
nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rmpe.formats.pictures import PictureKey
from rmpe.joint_names import PERSON_NAMES
from rmpe.json_files import parse_json

Rows = list[list[float]]
"""x, y, w, h, score of boxes."""
PERSON_CATEGORY = 1


def read_rows(
    text: str, path: str
) -> tuple[dict[int, Rows], dict[PictureKey, Rows], tuple[str, ...]]:
    """Return the boxes by frame, those by picture, and what was guessed: one line each.

    Args:
        text: of the file.
        path: what to call it.

    Raises:
        ValueError: it is malformed; the message names the line or entry and the key.
    """
    entries = list(_entries(text, path))
    person, notes = _person_category(entries, path)
    of_frames: dict[int, Rows] = {}
    of_pictures: dict[PictureKey, Rows] = {}
    for place, entry in entries:
        where = f"{path}, {place}"
        if isinstance(entry, dict) and ("image_id" in entry or "file_name" in entry):
            key, boxes = _of_picture(entry, person, where)
            of_pictures.setdefault(key, []).extend(boxes)
        else:
            frame, boxes = _of_frame(entry, where)
            of_frames.setdefault(frame, []).extend(boxes)
    return of_frames, of_pictures, notes


def _person_category(
    entries: Sequence[tuple[str, Any]], path: str
) -> tuple[object, tuple[str, ...]]:
    """Return the category that is people, and what is guessed.

    COCO counts categories from 1, others from 0: where a 0 occurs, it is the people's.

    Raises:
        ValueError: several categories occur, and none of them is 0 or 1.
    """
    found = {
        entry["category_id"]
        for _, entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("category_id"), int | str)
    }
    named = {category for category in found if str(category).lower() in PERSON_NAMES}
    if len(named) == 1:
        return named.pop(), ()
    if 0 in found:
        return 0, ("category 0 is taken for people",)
    if PERSON_CATEGORY in found or not found:
        return PERSON_CATEGORY, ()
    if len(found) > 1:
        raise ValueError(
            f"{path} has boxes of the categories {sorted(found, key=str)}, people are 1"
        )
    only = found.pop()
    return only, (f"category {only!r} is taken for people",)


def _entries(text: str, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (place in words, parsed entry)."""
    if '"annotations"' in text and text.lstrip().startswith("{"):
        try:
            document = parse_json(text)
        except ValueError:
            document = {}  # lines of objects
        if isinstance(document.get("annotations"), list):
            yield from _annotated(document, path)
            return
    if text.lstrip().startswith("["):
        try:
            entries = parse_json(text)
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from error
        for number, entry in enumerate(entries):
            yield f"entry {number}", entry
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = parse_json(line)
        except ValueError as error:
            if number == 1:
                raise ValueError(
                    f"{path}, line 1: neither JSON ({error}) nor MOTChallenge's text "
                    "(frame,id,left,top,width,height,confidence)"
                ) from error
            raise ValueError(f"{path}, line {number}: not JSON: {error}") from error
        yield f"line {number}", entry


def _annotated(document: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Yield the boxes of a COCO annotation by file name, people as category 1."""
    images, categories = document.get("images"), document.get("categories")
    names = {
        str(image.get("id")): image.get("file_name")
        for image in (images if isinstance(images, list) else ())
        if isinstance(image, dict)
    }
    people = {
        str(category.get("id"))
        for category in (categories if isinstance(categories, list) else ())
        if isinstance(category, dict) and str(category.get("name")).lower() in PERSON_NAMES
    }
    if not people:
        raise ValueError(f"{path}: none of its categories is called person")
    for number, item in enumerate(document["annotations"]):
        if not isinstance(item, dict) or str(item.get("category_id")) not in people:
            continue
        name = names.get(str(item.get("image_id")))
        entry = {"bbox": item.get("bbox"), "category_id": PERSON_CATEGORY, "file_name": name}
        if not isinstance(name, str):
            raise ValueError(f"{path}, annotation {number}: its picture has no file_name")
        if not item.get("iscrowd") and item.get("bbox"):
            yield f"annotation {number}", entry


def _of_picture(entry: dict[str, Any], person: object, place: str) -> tuple[PictureKey, Rows]:
    """Return the picture of a COCO result and its box [x, y, w, h, score], if it is a person's."""
    key = _picture(entry, place)
    if "bbox" not in entry:
        raise ValueError(f"{place}: key 'bbox' is missing")
    if entry.get("category_id", person) != person:
        return key, []
    box = _box(entry["bbox"], f"{place}, key 'bbox'", (4,))
    return key, [box[:4] + [_number(entry.get("score", 1.0), f"{place}, key 'score'")]]


def _of_frame(entry: Any, place: str) -> tuple[int, Rows]:
    """Return the frame and its boxes [x, y, w, h, score]."""
    if not isinstance(entry, dict):
        raise ValueError(f"{place}: got {type(entry).__name__}, needed is an object")
    frame = _whole(entry, "frame", place)
    boxes = entry.get("boxes")
    if not isinstance(boxes, list):
        raise ValueError(f"{place}: key 'boxes' is missing or not a list")
    return frame, [
        _box(box, f"{place}, key 'boxes', box {i}", (4, 5)) for i, box in enumerate(boxes)
    ]


def _picture(entry: dict[str, Any], place: str) -> PictureKey:
    """Return an entry's picture, a name or a number; ``file_name`` says it best."""
    for key in ("file_name", "image_id"):
        if isinstance(entry.get(key), str):
            return str(entry[key])
    return _whole(entry, "image_id", place)


def _whole(entry: dict[str, Any], key: str, place: str) -> int:
    if key not in entry:
        raise ValueError(f"{place}: key {key!r} is missing")
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{place}: key {key!r} is {value!r}, needed is a whole number from 0")
    return value


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{place}: got {value!r}, needed is a number")
    return float(value)


def _box(values: Any, place: str, lengths: tuple[int, ...]) -> list[float]:
    """Return x, y, w, h, score."""
    if not isinstance(values, list) or len(values) not in lengths:
        raise ValueError(f"{place}: got {values!r}, needed is [x, y, w, h] and perhaps a score")
    numbers = [_number(value, place) for value in values]
    if numbers[2] <= 0 or numbers[3] <= 0:
        raise ValueError(f"{place}: width and height are {numbers[2:4]}, needed is more than 0")
    return numbers if len(numbers) == 5 else [*numbers, 1.0]
