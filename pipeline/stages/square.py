"""People are searched in square pixels, also where a clip stores them wider or narrower.

The networks know people as they look. Two stages go round all others: the first one stretches the
pictures, the last one brings the poses back to stored pixels, with the picture as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame
from rmpe.records import Boxes, FloatArray, Frame


@dataclass(frozen=True)
class Stretch:
    """How a picture of stored pixels becomes one of square pixels; no side gets shorter."""

    columns: float
    """Factor of the width, 1 or more."""
    rows: float
    """Factor of the height, 1 or more."""

    @classmethod
    def of_aspect(cls, width: int, height: int) -> Stretch:
        """Return the stretch for pixels that are shown ``width`` by ``height``."""
        aspect = width / height
        return cls(aspect, 1.0) if aspect >= 1 else cls(1.0, 1 / aspect)

    def frame(self, frame: Frame) -> Frame:
        """Return a frame with its picture stretched."""
        size = round(frame.width * self.columns), round(frame.height * self.rows)
        image = cv2.resize(frame.image_bgr, size, interpolation=cv2.INTER_LINEAR)
        return replace(frame, image_bgr=np.asarray(image, np.uint8))

    def to_stored(self, points_xy: FloatArray) -> FloatArray:
        """Return points (..., 2) of the stretched picture in stored pixels, centres on centres."""
        factors = np.array([self.columns, self.rows], np.float32)
        return np.asarray((points_xy + 0.5) / factors - 0.5, np.float32)

    def boxes_to_square(self, boxes: Boxes) -> Boxes:
        """Return boxes of stored pixels in the stretched picture."""
        factors = np.array([self.columns, self.rows] * 2, np.float32)
        return Boxes((boxes.boxes_xyxy + 0.5) * factors - 0.5, boxes.scores)

    def poses_to_stored(self, posed: PosedFrame, frame: Frame) -> PosedFrame:
        """Return a result about the stretched picture as one about the stored one."""
        poses = posed.poses
        corners = poses.boxes_xyxy.reshape(-1, 2, 2)  # (N, 4) -> (N, corner, xy)
        boxes = self.to_stored(corners).reshape(-1, 4)
        points = self.to_stored(poses.keypoints_xy)
        return PosedFrame(frame, replace(poses, boxes_xyxy=boxes, keypoints_xy=points))


class _StretchStage(Stage):
    name = "square"

    def __init__(self, stretch: Stretch, stored: deque[Frame]) -> None:
        self._stretch = stretch
        self._stored = stored

    def process(self, item: Frame) -> Iterable[Frame]:
        self._stored.append(item)
        return [self._stretch.frame(item)]


class _BackStage(Stage):
    name = "stored pixels"

    def __init__(self, stretch: Stretch, stored: deque[Frame]) -> None:
        self._stretch = stretch
        self._stored = stored

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        frame = self._stored.popleft()
        if frame.index != item.frame.index:
            raise RuntimeError(f"frame {item.frame.index} came where {frame.index} was due")
        return [self._stretch.poses_to_stored(item, frame)]


def in_square_pixels(stages: Sequence[Stage], width: int, height: int) -> list[Stage]:
    """Return stages from frames to poses that see pictures of square pixels.

    Args:
        stages: give one result for every frame, in order.
        width, height: of a pixel as it is shown.
    """
    if width == height:
        return list(stages)
    stretch = Stretch.of_aspect(width, height)
    stored: deque[Frame] = deque()  # both ends are thread-safe; bounded by the channels between
    return [_StretchStage(stretch, stored), *stages, _BackStage(stretch, stored)]
