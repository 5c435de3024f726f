"""Person boxes read from a file instead of a detector.

Five layouts are understood:

- newline-delimited JSON, one frame a line: ``{"frame": 0, "boxes": [[x, y, w, h, score], ...]}``;
- one JSON list of such objects;
- COCO results: ``[{"image_id": 0, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9}, ...]``,
  where ``image_id`` is the frame of a clip, or the number or name of a picture (``file_name`` may
  say the name too); other categories than 1 (person) are left out, or than 0 where that occurs;
- a COCO annotation, whose people's boxes are taken, crowds left out;
- MOTChallenge text, ``det.txt`` or ``gt.txt``; rows of a truth that are not to be scored
  (confidence 0, MOT16's classes other than 1) are left out.

Boxes are in pixels of the full frame; a missing score is 1. Frames that the file does not name have
nobody.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.formats.clip import ReadHints
from rmpe.formats.motchallenge import MotRows, looks_like_mot, read_mot_rows
from rmpe.formats.pictures import PictureKey, frames_of_clip, match_pictures
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.json_files import parse_json
from rmpe.records import Boxes, Frame

PERSON_CATEGORY = 1


class PrecomputedBoxes:
    """Boxes of every frame or picture, as read by :func:`read_boxes`."""

    def __init__(
        self,
        by_frame: Mapping[int, Boxes],
        by_picture: Mapping[PictureKey, Boxes] | None = None,
        file: str = "the boxes",
        digest: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self._by_frame = by_frame
        self._by_picture = by_picture or {}
        self._file = file
        self.digest = digest
        """What the file holds, in a few digits."""
        self.notes = notes
        """What was guessed in reading: one line each."""

    @property
    def frames(self) -> list[int]:
        """Indices of the frames that have an entry, in order; numbers of pictures count too."""
        numbered = (key for key in self._by_picture if isinstance(key, int))
        return sorted({*self._by_frame, *numbered})

    def at(self, frame_index: int) -> Boxes:
        """Return the boxes of one frame, best first; empty when the file does not name it."""
        found = self._by_frame.get(frame_index) or self._by_picture.get(frame_index)
        return found or Boxes.empty()

    def find(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of several frames by their index."""
        return [self.at(frame.index) for frame in frames]

    def placed(self, image_names: Sequence[str], frames: int = 0) -> PrecomputedBoxes:
        """Return the same boxes by the index of known pictures, or of a clip's frames.

        Names and numbers of pictures are matched as those of stored poses are
        (:mod:`rmpe.formats.pictures`). Boxes of pictures that are not there are passed over, for a
        file may be about a whole data set.

        Args:
            image_names: names of all pictures in order; none for a clip.
            frames: frames that a clip promises, 0 if it does not say.

        Raises:
            ValueError: no box is of any of the pictures, or numbers are neither theirs nor places.
        """
        keys = tuple(self._by_picture)
        try:
            if image_names:
                placed, notes = match_pictures(keys, image_names)
            else:
                placed, notes = frames_of_clip(keys, ReadHints(clip_frames=frames), self._file)
        except ValueError as error:
            raise ValueError(str(error).replace("poses", "boxes")) from error
        others = len(keys) - len(placed)
        if (keys and not placed) or (others and notes):
            raise ValueError(
                f"{self._file} has boxes of {next(key for key in keys if key not in placed)}, "
                "which is not among the pictures"
            )
        by_index = dict(self._by_frame)
        by_index.update({index: self._by_picture[key] for key, index in placed.items()})
        if image_names and any(index >= len(image_names) for index in by_index):
            raise ValueError(
                f"{self._file} has boxes of frame {max(by_index)}, there are {len(image_names)} "
                "pictures"
            )
        if others:
            notes = (*notes, f"boxes of {others} other pictures are passed over")
        notes = (*self.notes, *notes)
        return PrecomputedBoxes(by_index, None, self._file, self.digest, notes)

    def of_pictures(self, names: Mapping[int | str, str]) -> dict[int | str, Boxes]:
        """Return the boxes of a data set's pictures by their ids.

        Args:
            names: file name of every picture by its id.

        Raises:
            ValueError: no box is of any of the pictures.
        """
        every: dict[PictureKey, Boxes] = dict(self._by_frame.items())
        every.update(self._by_picture)
        found = {key: boxes for key, boxes in every.items() if key in names}
        if len(found) < len(every):
            others = tuple(key for key in every if isinstance(key, str))
            places, _ = match_pictures(others, tuple(names.values()))
            ids = tuple(names)
            found |= {ids[place]: every[key] for key, place in places.items()}
        if every and not found:
            raise ValueError(f"{self._file} has boxes of none of the pictures")
        return found


def read_boxes(path: Path | str) -> PrecomputedBoxes:
    """Read a boxes file in any of the module's layouts.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is malformed; the message names the line or entry and the key.
    """
    data = Path(path).read_bytes()
    digest = hashlib.sha256(data).hexdigest()[:16]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8") from error
    if looks_like_mot(text):
        return PrecomputedBoxes(_from_mot(read_mot_rows(path)), None, str(path), digest)
    entries = list(_entries(text, str(path)))
    person, notes = _person_category(entries, str(path))
    of_frames: dict[int, list[list[float]]] = {}
    of_pictures: dict[PictureKey, list[list[float]]] = {}
    for place, entry in entries:
        where = f"{path}, {place}"
        if isinstance(entry, dict) and ("image_id" in entry or "file_name" in entry):
            key, boxes = _of_picture(entry, person, where)
            of_pictures.setdefault(key, []).extend(boxes)
        else:
            frame, boxes = _of_frame(entry, where)
            of_frames.setdefault(frame, []).extend(boxes)
    return PrecomputedBoxes(
        {frame: _best_first(boxes) for frame, boxes in of_frames.items()},
        {key: _best_first(boxes) for key, boxes in of_pictures.items()},
        str(path),
        digest,
        notes,
    )


def _best_first(rows: list[list[float]]) -> Boxes:
    values = np.asarray(rows, np.float32).reshape(-1, 5)  # x, y, w, h, score
    values = values[np.argsort(-values[:, 4], kind="stable")]
    return Boxes(box_xywh_to_xyxy(values[:, :4]), values[:, 4])


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


def _from_mot(rows: MotRows) -> dict[int, Boxes]:
    # MOT15's detectors give scores of any size, also negative: only a truth's 0 means "leave out"
    kept = (rows.classes == 1) & ((rows.ids < 0) | (rows.confidences != 0))
    by_frame = {}
    for frame in np.unique(rows.frames[kept]).tolist():
        here = np.flatnonzero(kept & (rows.frames == frame))
        here = here[np.argsort(-rows.confidences[here], kind="stable")]
        boxes = box_xywh_to_xyxy(rows.boxes_xywh[here])
        by_frame[frame] = Boxes(boxes, rows.confidences[here].astype(np.float32))
    return by_frame


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
        if isinstance(category, dict) and str(category.get("name")).lower() == "person"
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


def _of_picture(
    entry: dict[str, Any], person: object, place: str
) -> tuple[PictureKey, list[list[float]]]:
    """Return the picture of a COCO result and its box [x, y, w, h, score], if it is a person's."""
    key = _picture(entry, place)
    if "bbox" not in entry:
        raise ValueError(f"{place}: key 'bbox' is missing")
    if entry.get("category_id", person) != person:
        return key, []
    box = _box(entry["bbox"], f"{place}, key 'bbox'", (4,))
    return key, [box[:4] + [_number(entry.get("score", 1.0), f"{place}, key 'score'")]]


def _of_frame(entry: Any, place: str) -> tuple[int, list[list[float]]]:
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
