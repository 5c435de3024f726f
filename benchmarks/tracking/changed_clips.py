"""A clip with its stored people and its truth, as it is and changed in several ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from pipeline.readers import VideoReader
from rmpe.evaluation.mot import MotBoxes
from rmpe.formats import read_records
from rmpe.records import Frame, Poses

_SHIFT = 0.04
_MISSED = 0.1


@dataclass(frozen=True, eq=False)
class StoredClip:
    """T pictures in memory, the people found in each, without identities, and the truth."""

    frames: Sequence[Frame]
    """The pictures, T."""
    found: Sequence[Poses]
    """People of each, T."""
    truth: MotBoxes
    """True boxes; frame t is the t-th picture."""


def read_clip(video: Path, records: Path, truth: MotBoxes) -> StoredClip:
    """Return a clip from its first picture to the last one of which there are stored poses."""
    by_frame = {record.frame_index: record.poses for record in read_records(records)}
    reader = VideoReader(str(video))
    frames = []
    for frame in reader:
        if frame.index > max(by_frame):
            break
        frames.append(frame)
    reader.close()
    nobody = Poses.empty(next(iter(by_frame.values())).joint_count)
    found = [by_frame.get(frame.index, nobody) for frame in frames]
    return StoredClip(frames, [poses.with_ids(poses.ids * 0) for poses in found], truth)


def mirrored(clip: StoredClip) -> StoredClip:
    """Return the clip with left and right exchanged; joints keep their names, in all frames."""
    last = clip.frames[0].width - 1
    boxes = clip.truth.boxes_xywh.copy()
    boxes[:, 0] = last - boxes[:, 0] - boxes[:, 2]
    found = []
    for poses in clip.found:
        x1, y1, x2, y2 = poses.boxes_xyxy.T
        points = poses.keypoints_xy * np.array([-1, 1]) + np.array([last, 0])
        sides = np.stack([last - x2, y1, last - x1, y2], 1)
        found.append(replace(poses, boxes_xyxy=sides, keypoints_xy=points))
    frames = [
        replace(frame, image_bgr=np.ascontiguousarray(frame.image_bgr[:, ::-1]))
        for frame in clip.frames
    ]
    return StoredClip(frames, found, replace(clip.truth, boxes_xywh=boxes))


def backwards(clip: StoredClip) -> StoredClip:
    """Return the clip from its end to its beginning."""
    last = len(clip.frames) - 1
    end_s = clip.frames[-1].timestamp_s
    frames = [
        Frame(last - frame.index, end_s - frame.timestamp_s, frame.image_bgr)
        for frame in reversed(clip.frames)
    ]
    truth = replace(clip.truth, frames=last - clip.truth.frames)
    return StoredClip(frames, clip.found[::-1], truth)


def every(step: int) -> Callable[[StoredClip], StoredClip]:
    """Return what keeps every ``step``-th picture, at its time."""

    def kept(clip: StoredClip) -> StoredClip:
        frames = [replace(frame, index=frame.index // step) for frame in clip.frames[::step]]
        rows = clip.truth.frames % step == 0
        truth = MotBoxes(
            clip.truth.frames[rows] // step, clip.truth.ids[rows], clip.truth.boxes_xywh[rows]
        )
        return StoredClip(frames, clip.found[::step], truth)

    return kept


def resized(scale: float) -> Callable[[StoredClip], StoredClip]:
    """Return what makes the pictures ``scale`` times as large, and all that is in them."""

    def changed(clip: StoredClip) -> StoredClip:
        frames = [
            replace(frame, image_bgr=cv2.resize(frame.image_bgr, None, fx=scale, fy=scale))
            for frame in clip.frames
        ]
        found = [
            replace(
                poses,
                boxes_xyxy=poses.boxes_xyxy * scale,
                keypoints_xy=poses.keypoints_xy * scale,
            )
            for poses in clip.found
        ]
        truth = replace(clip.truth, boxes_xywh=clip.truth.boxes_xywh * scale)
        return StoredClip(frames, found, truth)

    return changed


def shifted(seed: int) -> Callable[[StoredClip], StoredClip]:
    """Return what moves every side of the boxes by 4 % of it (one standard deviation)."""

    def changed(clip: StoredClip) -> StoredClip:
        rng = np.random.default_rng(seed)
        found = []
        for poses in clip.found:
            sides = poses.boxes_xyxy[:, 2:] - poses.boxes_xyxy[:, :2]
            off = rng.normal(size=(len(poses), 4)) * _SHIFT * np.tile(sides, 2)
            found.append(replace(poses, boxes_xyxy=poses.boxes_xyxy + off))
        return replace(clip, found=found)

    return changed


def thinned(seed: int) -> Callable[[StoredClip], StoredClip]:
    """Return what leaves a tenth of the people out, at random."""

    def changed(clip: StoredClip) -> StoredClip:
        rng = np.random.default_rng(seed)
        found = [
            poses.select(np.flatnonzero(rng.random(len(poses)) >= _MISSED)) for poses in clip.found
        ]
        return replace(clip, found=found)

    return changed


CHANGES: dict[str, Callable[[StoredClip], StoredClip]] = {
    "as it is": lambda clip: clip,
    "mirrored": mirrored,
    "backwards": backwards,
    "every 2nd": every(2),
    "half size": resized(0.5),
    "shifted": shifted(0),
    "thinned, 0": thinned(0),
    "thinned, 1": thinned(1),
}
"""By name, what a clip is changed by; a tracker that is right stays so."""
