"""The boxes with identities that are scored: read from MOTChallenge text or any stored poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmpe.formats import read_records
from rmpe.formats.catalogue import detect_format
from rmpe.formats.motchallenge import read_mot_rows
from rmpe.geometry.boxes import box_xyxy_to_xywh

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MotBoxes:
    """Boxes of a clip, one row a box."""

    frames: IntArray
    """Frame of each box, from 0, (N,)."""
    ids: IntArray
    """Identity of each box, from 1, (N,)."""
    boxes_xywh: FloatArray
    """Left, top, width and height in pixels, (N, 4)."""

    def __post_init__(self) -> None:
        pairs = np.stack([self.frames, self.ids], 1)
        if len(np.unique(pairs, axis=0)) < len(pairs):
            values, counts = np.unique(pairs, axis=0, return_counts=True)
            frame, identity = values[counts > 1][0]
            raise ValueError(f"frame {frame} has identity {identity} twice")

    def __len__(self) -> int:
        return len(self.frames)

    def with_people(self, people: Mapping[int, int]) -> MotBoxes:
        """Return the boxes with identities replaced where ``people`` names another for one."""
        ids = np.array([people.get(int(identity), int(identity)) for identity in self.ids])
        return replace(self, ids=ids.astype(np.int64))


def read_mot_boxes(path: str | Path, truth: bool = False) -> MotBoxes:
    """Return the boxes of a MOTChallenge text, or of stored poses in any format.

    Args:
        path: file; people without an identity are left out of stored poses.
        truth: leave out the rows that a truth marks as not to be scored: confidence 0, and where
            the text has MOT16's visibility column, every class but 1 (pedestrian).

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is malformed, an identity is twice in a frame, or nobody of stored poses has
            one.
    """
    if detect_format(path) == "mot":
        rows = read_mot_rows(path)
        kept = rows.ids > 0
        if truth:
            kept &= rows.confidences != 0
            kept &= rows.classes == 1
        return _checked(path, rows.frames[kept], rows.ids[kept], rows.boxes_xywh[kept])
    frames, ids, boxes = [], [], []
    people = 0
    for record in read_records(path):
        people += len(record.poses)
        known = record.poses.ids > 0
        own = box_xyxy_to_xywh(record.poses.boxes_xyxy[known])
        frames.append(np.full(len(own), record.frame_index, np.int64))
        ids.append(record.poses.ids[known])
        boxes.append(own)
    if people and not sum(map(len, ids)):
        raise ValueError(f"{path}: nobody has an identity to score: rmpe track gives them")
    if not frames:
        return MotBoxes(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)))
    return _checked(path, np.concatenate(frames), np.concatenate(ids), np.concatenate(boxes))


def _checked(path: str | Path, frames: IntArray, ids: IntArray, boxes: FloatArray) -> MotBoxes:
    try:
        return MotBoxes(frames, ids, boxes)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_people(path: str | Path) -> dict[int, int]:
    """Return for every identity in a file of people the first identity of its line.

    A line holds the identities of one person who left and came back, between spaces.

    Raises:
        OSError: the file cannot be opened.
        ValueError: something is no identity, or one is named twice.
    """
    people: dict[int, int] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        words: Sequence[str] = line.split()
        if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
            raise ValueError(f"{path}, line {number}: got {line!r}, needed are identities from 1")
        for word in words:
            if int(word) in people:
                raise ValueError(f"{path}, line {number}: identity {word} is named twice")
            people[int(word)] = int(words[0])
    return people
