"""Person boxes read from a file instead of a detector.

Four layouts are understood:

- newline-delimited JSON, one frame a line: ``{"frame": 0, "boxes": [[x, y, w, h, score], ...]}``;
- one JSON list of such objects;
- COCO results: ``[{"image_id": 0, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9}, ...]``,
  where ``image_id`` is the frame's index; other categories than 1 (person) are left out;
- MOTChallenge text, ``det.txt`` or ``gt.txt``; rows of a truth that are not to be scored
  (confidence 0, MOT16's classes other than 1) are left out.

Boxes are in pixels of the full frame; a missing score is 1. Frames that the file does not name have
nobody.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.formats.motchallenge import MotRows, looks_like_mot, read_mot_rows
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.records import Boxes, Frame

PERSON_CATEGORY = 1


class PrecomputedBoxes:
    """Boxes of every frame, as read by :func:`read_boxes`."""

    def __init__(self, by_frame: dict[int, Boxes]):
        self._by_frame = by_frame

    @property
    def frames(self) -> list[int]:
        """Indices of the frames that have an entry, in order."""
        return sorted(self._by_frame)

    def at(self, frame_index: int) -> Boxes:
        """Return the boxes of one frame, best first; empty when the file does not name it."""
        return self._by_frame.get(frame_index, Boxes.empty())

    def find(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of several frames by their index."""
        return [self.at(frame.index) for frame in frames]


def read_boxes(path: Path | str) -> PrecomputedBoxes:
    """Read a boxes file in any of the module's layouts.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is malformed; the message names the line or entry and the key.
    """
    text = Path(path).read_text(encoding="utf-8")
    if looks_like_mot(text):
        return _from_mot(read_mot_rows(path))
    rows: dict[int, list[list[float]]] = {}
    for place, entry in _entries(text, str(path)):
        frame, boxes = _frame_boxes(entry, f"{path}, {place}")
        rows.setdefault(frame, []).extend(boxes)
    by_frame = {}
    for frame, boxes in rows.items():
        values = np.asarray(boxes, np.float32).reshape(-1, 5)
        values = values[np.argsort(-values[:, 4], kind="stable")]
        by_frame[frame] = Boxes(box_xywh_to_xyxy(values[:, :4]), values[:, 4])
    return PrecomputedBoxes(by_frame)


def _from_mot(rows: MotRows) -> PrecomputedBoxes:
    # MOT15's detectors give scores of any size, also negative: only a truth's 0 means "leave out"
    kept = (rows.classes == 1) & ((rows.ids < 0) | (rows.confidences != 0))
    by_frame = {}
    for frame in np.unique(rows.frames[kept]).tolist():
        here = np.flatnonzero(kept & (rows.frames == frame))
        here = here[np.argsort(-rows.confidences[here], kind="stable")]
        boxes = box_xywh_to_xyxy(rows.boxes_xywh[here])
        by_frame[frame] = Boxes(boxes, rows.confidences[here].astype(np.float32))
    return PrecomputedBoxes(by_frame)


def _entries(text: str, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (place in words, parsed entry)."""
    if text.lstrip().startswith("["):
        try:
            entries = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error
        for number, entry in enumerate(entries):
            yield f"entry {number}", entry
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}: not JSON: {error.msg}") from error
        yield f"line {number}", entry


def _frame_boxes(entry: Any, place: str) -> tuple[int, list[list[float]]]:
    """Return the frame and its boxes [x, y, w, h, score] of one entry of either kind."""
    if not isinstance(entry, dict):
        raise ValueError(f"{place}: got {type(entry).__name__}, needed is an object")
    if "image_id" in entry:
        frame = _whole(entry, "image_id", place)
        if "bbox" not in entry:
            raise ValueError(f"{place}: key 'bbox' is missing")
        if entry.get("category_id", PERSON_CATEGORY) != PERSON_CATEGORY:
            return frame, []
        box = _box(entry["bbox"], f"{place}, key 'bbox'", (4,))
        return frame, [box[:4] + [_number(entry.get("score", 1.0), f"{place}, key 'score'")]]
    frame = _whole(entry, "frame", place)
    boxes = entry.get("boxes")
    if not isinstance(boxes, list):
        raise ValueError(f"{place}: key 'boxes' is missing or not a list")
    return frame, [
        _box(box, f"{place}, key 'boxes', box {i}", (4, 5)) for i, box in enumerate(boxes)
    ]


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
