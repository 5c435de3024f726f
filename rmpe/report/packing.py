"""Stored poses as the few arrays that the page decodes once.

A person in a frame is one row. Rows are sorted by track, then by time, so that one track is one run
of rows and neighbouring rows are alike: what is stored is the difference to the row before. Frames
are counted by *slot*, their place among the stored frames.

    array          type    shape     holds
    slot_time      uint32  (F,)      time in ticks of 100 microseconds
    slot_frame     int32   (F,)      frame index in the clip
    row_slot       int32   (R,)      slot of a row
    joints         int16   (R, 2 K)  x y of every joint in steps of ``quantum`` pixels
    boxes          int16   (R, 4)    corners, in the same steps
    joint_scores   uint8   (R, K)    in steps of ``score_step``
    row_scores     uint8   (R, 2)    pose score and box score, in the same steps

The blob is these arrays one after the other, each as differences along its first axis (modulo its
type's range) and little-endian with equal bytes together (all lowest bytes first), then zlib.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe.formats.clip import ClipHeader, PoseRecord

TICKS_PER_S = 10_000
SMALLEST_QUANTUM_PX = 0.25
SMALLEST_SCORE_STEP = 0.01
_MOST_STEPS = 32_767
# What lies further outside than twice the longer side is never seen; it keeps its side only.
_REACH_IN_SIDES = 2.0
_COMPRESSION = 6


@dataclass(frozen=True)
class Track:
    """The rows of one identity."""

    identity: int
    """Its id; 0 gathers the people without one."""
    first_row: int
    """Its first row."""
    row_count: int
    """Its rows, which follow each other."""


@dataclass(frozen=True, eq=False)
class PackedPoses:
    """Arrays of one clip, and what turns their steps back into pixels and scores."""

    arrays: dict[str, NDArray[Any]]
    """By name, in the order of the blob; see the module."""
    tracks: tuple[Track, ...]
    """By rising id; people without one last."""
    quantum_px: float
    """Pixels of a step of a coordinate."""
    score_step: float
    """Score of a step."""

    @property
    def frame_count(self) -> int:
        """Stored frames, F."""
        return len(self.arrays["slot_time"])

    @property
    def row_count(self) -> int:
        """People in all frames together, R."""
        return len(self.arrays["row_slot"])

    def layout(self) -> list[dict[str, Any]]:
        """Return name, type and shape of every array in the blob, in its order."""
        return [
            {"name": name, "type": array.dtype.name, "shape": list(array.shape)}
            for name, array in self.arrays.items()
        ]

    def blob(self) -> str:
        """Return the compressed arrays as base64 text."""
        raw = b"".join(_differences(array) for array in self.arrays.values())
        return base64.b64encode(zlib.compress(raw, _COMPRESSION)).decode("ascii")


def pack_poses(records: Iterable[PoseRecord], header: ClipHeader) -> PackedPoses:
    """Read all records of a clip and return them packed.

    Coordinates are rounded to 1/4 pixel (more in pictures above 4,000 pixels), scores to 1/100.
    Joints that are not finite get score 0. Times that do not rise are replaced by nominal ones.
    """
    frames, times, people = [], [], []
    for record in records:
        frames.append(record.frame_index)
        times.append(record.timestamp_s)
        people.append(record.poses)
    counts = np.array([len(poses) for poses in people], np.int64)
    joints = header.skeleton.joint_count

    def gathered(name: str, *shape: int) -> NDArray[np.float32]:
        parts = [getattr(poses, name) for poses in people]
        return np.concatenate(parts) if parts else np.zeros((0, *shape), np.float32)

    ids = np.concatenate([poses.ids for poses in people]) if people else np.zeros(0, np.int64)
    slots = np.repeat(np.arange(len(frames)), counts)
    order = np.lexsort((slots, np.where(ids > 0, ids, np.iinfo(np.int64).max)))
    xy = gathered("keypoints_xy", joints, 2)[order].reshape(len(order), 2 * joints)
    boxes = gathered("boxes_xyxy", 4)[order]
    joint_scores = gathered("keypoint_scores", joints)[order]
    known = np.isfinite(xy).reshape(len(order), joints, 2).all(-1)
    row_scores = np.stack([gathered("scores")[order], gathered("box_scores")[order]], 1)
    reach = _reach(header, xy, boxes)
    quantum = max(SMALLEST_QUANTUM_PX, reach / _MOST_STEPS)
    score_step = _score_step(joint_scores, row_scores)
    arrays: dict[str, NDArray[Any]] = {
        "slot_time": np.rint(_rising(times, header.fps) * TICKS_PER_S).astype(np.uint32),
        "slot_frame": np.array(frames, np.int32),
        "row_slot": slots[order].astype(np.int32),
        "joints": _steps(xy, quantum, reach),
        "boxes": _steps(boxes, quantum, reach),
        "joint_scores": _score_steps(np.where(known, joint_scores, 0), score_step),
        "row_scores": _score_steps(row_scores, score_step),
    }
    return PackedPoses(arrays, _tracks(np.maximum(ids, 0)[order]), quantum, score_step)


def _tracks(sorted_ids: NDArray[np.int64]) -> tuple[Track, ...]:
    starts = np.flatnonzero(np.diff(sorted_ids, prepend=-1)).tolist()
    ends = [*starts[1:], len(sorted_ids)]
    return tuple(
        Track(int(sorted_ids[start]), start, end - start) for start, end in zip(starts, ends)
    )


def _rising(times: list[float], fps: float) -> NDArray[np.float64]:
    """Return times in seconds that rise from 0 or later; pictures without any are 1 s apart."""
    own_s = np.array(times, np.float64)
    if len(own_s) and own_s[0] >= 0 and (np.diff(own_s) > 0).all():
        return own_s
    return np.arange(len(own_s)) / (fps if fps > 0 else 1.0)


def _reach(header: ClipHeader, *coordinates: NDArray[np.float32]) -> float:
    """Return the greatest distance from the origin that is kept, in pixels."""
    if header.width and header.height:
        return _REACH_IN_SIDES * max(header.width, header.height)
    finite = [np.abs(part[np.isfinite(part)]) for part in coordinates]
    return max(1.0, *(float(part.max(initial=0)) for part in finite))


def _steps(values: NDArray[np.float32], quantum: float, reach: float) -> NDArray[np.int16]:
    limited = np.clip(np.nan_to_num(values.astype(np.float64)), -reach, reach)
    return np.rint(limited / quantum).clip(-_MOST_STEPS, _MOST_STEPS).astype(np.int16)


def _score_step(*scores: NDArray[np.float32]) -> float:
    highest = max(float(np.nan_to_num(part, posinf=0).max(initial=0)) for part in scores)
    return max(SMALLEST_SCORE_STEP, highest / 255)


def _score_steps(scores: NDArray[Any], step: float) -> NDArray[np.uint8]:
    return np.rint(np.nan_to_num(scores) / step).clip(0, 255).astype(np.uint8)


def _differences(array: NDArray[Any]) -> bytes:
    """Return an array's differences along its first axis, equal bytes of all numbers together."""
    little = array.astype(array.dtype.newbyteorder("<"))
    little[1:] = little[1:] - little[:-1]
    return little.reshape(-1, 1).view(np.uint8).T.tobytes()
