"""MOTChallenge text: one box a line, ``frame,id,left,top,width,height,confidence,x,y,z``.

Frames and pixels count from 1: the top-left pixel is at (1, 1). Identity -1 means that none was
given. Later truths (MOT16) have ``class,visibility`` in place of ``x,y,z``. Joints are lost; what
is read back has joints that score 0. Pictures without people leave no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from rmpe.formats._loaded import LoadedClip, gather_frames, hinted_header
from rmpe.formats.clip import ClipHeader, ReadHints, check_joint_count
from rmpe.formats.pictures import PictureKey
from rmpe.geometry.boxes import box_xywh_to_xyxy, box_xyxy_to_xywh
from rmpe.records import Poses
from rmpe.skeletons import COCO_17

_FEWEST_COLUMNS = 6
_COLUMNS_WITH_CLASS = 9
_DECIMALS = 3


@dataclass(frozen=True, eq=False)
class MotRows:
    """The lines of a MOTChallenge text, in order."""

    frames: NDArray[np.int64]
    """Frame of each box, from 0, (N,)."""
    ids: NDArray[np.int64]
    """Identity, (N,); -1 where there is none."""
    boxes_xywh: NDArray[np.float64]
    """Left, top, width and height in pixels, the top-left pixel at (0, 0), (N, 4)."""
    confidences: NDArray[np.float64]
    """Confidence, (N,); 1 where the line has none."""
    classes: NDArray[np.int64]
    """MOT16's class, (N,); 1, pedestrian, in texts without classes."""


def read_mot_rows(path: str | Path) -> MotRows:
    """Return the boxes of a MOTChallenge text.

    Raises:
        OSError: the file cannot be opened.
        ValueError: a line is malformed; the message names it.
    """
    rows = []
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                rows.append(_row(line, f"{path}, line {number}"))
    table = np.array(rows, np.float64).reshape(-1, 8)
    return MotRows(
        frames=table[:, 0].astype(np.int64) - 1,
        ids=table[:, 1].astype(np.int64),
        boxes_xywh=table[:, 2:6] - np.array([1.0, 1.0, 0.0, 0.0]),
        confidences=table[:, 6],
        classes=table[:, 7].astype(np.int64),
    )


def _row(line: str, place: str) -> list[float]:
    """Return frame, id, left, top, width, height, confidence, class of one line."""
    words = line.strip().rstrip(",").split(",")
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) < _FEWEST_COLUMNS or not np.isfinite(values).all():
        raise ValueError(
            f"{place}: got {line.strip()!r}, needed is frame,id,left,top,width,height,confidence"
        )
    if values[0] < 1 or values[0] != int(values[0]) or values[1] != int(values[1]):
        raise ValueError(
            f"{place}: frame {words[0]} and id {words[1]} must be whole, frames from 1"
        )
    if values[4] <= 0 or values[5] <= 0:
        raise ValueError(f"{place}: width and height are {values[4:6]}, needed is more than 0")
    confidence = values[6] if len(values) > _FEWEST_COLUMNS else 1.0
    # nine columns are MOT16's truth; ten are MOT15's, whose last three are world coordinates
    kind = values[7] if len(values) == _COLUMNS_WITH_CLASS else 1.0
    return [*values[:6], confidence, kind]


def looks_like_mot(text: str) -> bool:
    """Return whether a text's first line that is not empty is one of MOTChallenge's."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        _row(first, "")
    except ValueError:
        return False
    return True


class MotWriter:
    """Writes boxes with identities; people without an identity get -1."""

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._file: IO[str] = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Append the people of one frame."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        boxes = box_xyxy_to_xywh(poses.boxes_xyxy) + np.array([1.0, 1.0, 0.0, 0.0])
        if not np.isfinite(boxes).all():
            raise ValueError(f"frame {frame_index}: a box has a number that is not finite")
        for identity, box, score in zip(poses.ids.tolist(), boxes.tolist(), poses.box_scores):
            numbers = ",".join(f"{round(value, _DECIMALS):.12g}" for value in box)
            place = f"{frame_index + 1},{identity or -1}"
            self._file.write(f"{place},{numbers},{float(score):.6g},-1,-1,-1\n")

    def close(self, complete: bool = True) -> None:
        """End the file; closing twice is allowed."""
        self._file.close()


def read_mot(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return the clip of a MOTChallenge text: boxes and identities, every joint of score 0.

    Raises:
        OSError: the file cannot be opened.
        ValueError: a line is malformed.
    """
    path, hints = Path(path), hints or ReadHints()
    rows = read_mot_rows(path)
    skeleton = hints.skeleton or COCO_17
    joints = skeleton.joint_count
    by_index: dict[int, Poses] = {}
    for frame in np.unique(rows.frames).tolist():
        here = rows.frames == frame
        boxes = rows.boxes_xywh[here]
        scores = rows.confidences[here].astype(np.float32)
        by_index[int(frame)] = Poses(
            boxes_xyxy=box_xywh_to_xyxy(boxes),
            box_scores=scores,
            keypoints_xy=np.zeros((len(boxes), joints, 2), np.float32),
            keypoint_scores=np.zeros((len(boxes), joints), np.float32),
            scores=scores,
            ids=np.maximum(rows.ids[here], 0),
        )
    if not hints.image_names:
        named: dict[PictureKey, Poses] = {f"{frame}.jpg": by_index[frame] for frame in by_index}
        return gather_frames(path, named, skeleton, hints)
    # frames count by place from 1, whatever numbers the pictures' names hold
    count = len(hints.image_names)
    if max(by_index, default=-1) >= count:
        raise ValueError(f"{path}: frame {max(by_index) + 1} is beyond the {count} pictures")
    header = hinted_header(path, skeleton, hints, hints.image_names)
    return LoadedClip(header, by_index, count)
