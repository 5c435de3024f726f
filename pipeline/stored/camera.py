"""Whether the camera of a clip moves, told from its pictures between the people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from pipeline.readers import VideoReader
from pipeline.readers.finding import IMAGE_SUFFIXES
from rmpe.records import FloatArray, ImageArray
from tracking.motion import camera_motion

_LOOKED_AT_S = 60.0
"""Seconds of a clip after which its camera is known to stand or to move."""
_APART_S = 0.2
_SMALL_WIDTH = 480
"""Width at which pictures are compared, in pixels."""
_MOST_POINTS = 300


def camera_travel(clip: Path, boxes_xyxy: Mapping[int, FloatArray]) -> float:
    """Return how far the picture's middle moves with the camera, as a share of the width.

    Five pictures a second of the first minute are compared by optical flow outside the people; the
    farthest that the middle gets from where it began counts. A picture in which nothing can be told
    counts as still.

    Args:
        clip: a video file; folders of pictures count as still.
        boxes_xyxy: the people's boxes by frame index, (N, 4) pixels.

    Raises:
        OSError: the clip cannot be read.
    """
    if clip.is_dir() or clip.suffix.lower() in IMAGE_SUFFIXES:
        return 0.0
    reader = VideoReader(clip)
    before: ImageArray | None = None
    index_before, time_before, farthest = 0, 0.0, 0.0
    here = np.eye(3)
    try:
        for frame in reader:
            if frame.timestamp_s > _LOOKED_AT_S:
                break
            if before is not None and frame.timestamp_s - time_before < _APART_S:
                continue
            scale = _SMALL_WIDTH / frame.width
            size = (_SMALL_WIDTH, max(round(frame.height * scale), 1))
            grey = cv2.cvtColor(cv2.resize(frame.image_bgr, size), cv2.COLOR_BGR2GRAY)
            if before is not None and before.shape == grey.shape:
                people = boxes_xyxy.get(index_before, np.zeros((0, 4), np.float32)) * scale
                step = np.eye(3)
                step[:2] = camera_motion(_flow(before, np.asarray(grey, np.uint8)), people)
                here = step @ here
                middle = np.array([size[0] / 2, size[1] / 2, 1.0])
                farthest = max(farthest, float(np.linalg.norm((here @ middle - middle)[:2])))
            before, index_before = np.asarray(grey, np.uint8), frame.index
            time_before = frame.timestamp_s
    finally:
        reader.close()
    return farthest / _SMALL_WIDTH


def _flow(before: ImageArray, after: ImageArray) -> FloatArray:
    """Return x1 y1 x2 y2 of points found again, (R, 4)."""
    points = cv2.goodFeaturesToTrack(before, _MOST_POINTS, 0.01, 7)
    if points is None:
        return np.zeros((0, 4), np.float32)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None)  # type: ignore[call-overload]
    both = np.concatenate([points.reshape(-1, 2), moved.reshape(-1, 2)], 1)
    return np.asarray(both[found.reshape(-1) > 0], np.float32)
