"""Decoded pictures as people see them: upright, mirrored back, BGR, and all of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

from rmpe.records import ImageArray


@dataclass(frozen=True)
class Orientation:
    """How a stored picture becomes the shown one: rows and columns exchanged first, then flips."""

    transpose: bool = False
    """Rows become columns."""
    mirror_x: bool = False
    """Columns in reverse order."""
    mirror_y: bool = False
    """Rows in reverse order."""

    @classmethod
    def of_matrix(cls, matrix: tuple[int, ...]) -> Orientation:
        """Return what a display matrix asks for, a turn rounded to a right angle.

        Args:
            matrix: its nine numbers; a stored point (x, y) is shown at (a x + c y, b x + d y) with
                a, b the first two and c, d the fourth and fifth (ISO 14496-12, 8.3.2).
        """
        a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
        straight, crossed = abs(a) + abs(d), abs(b) + abs(c)
        if not straight and not crossed:
            return cls()
        if crossed > straight:
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @classmethod
    def of_frame(cls, frame: av.VideoFrame) -> Orientation:
        """Return how a decoded picture is to be shown."""
        data: Any = cast(Any, frame.side_data).get(Type.DISPLAYMATRIX)
        if data is None:
            return cls()
        return cls.of_matrix(tuple(np.frombuffer(bytes(data), np.int32).tolist()))  # nine numbers

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) as shown."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, image: ImageArray) -> ImageArray:
        """Return the picture (H, W, 3) as shown, (H', W', 3)."""
        if self.transpose:
            image = np.asarray(cv2.transpose(image), np.uint8)
        if self.mirror_x or self.mirror_y:
            code = -1 if self.mirror_x and self.mirror_y else int(self.mirror_x)
            image = np.asarray(cv2.flip(image, code), np.uint8)
        return image


class UprightConverter:
    """Turns decoded frames into upright BGR pictures; one for every thread."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._seen: tuple[int, int, int] | None = None
        self._orientation = Orientation()

    def orientation(self, frame: av.VideoFrame) -> Orientation:
        """Return how the frame is to be shown.

        Whoever asks a frame for its side data keeps its picture alive until the garbage collector
        looks for cycles, so they are read again only where the turn or the size is another one.
        """
        seen = (frame.rotation, frame.width, frame.height)
        if seen != self._seen:
            self._seen, self._orientation = seen, Orientation.of_frame(frame)
        return self._orientation

    def size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Return (width, height) of the frame as it is shown."""
        return self.orientation(frame).size(frame.width, frame.height)

    def picture(self, frame: av.VideoFrame) -> ImageArray:
        """Return the frame as BGR (H, W, 3), as its metadata says that it is shown."""
        converted = self._reformatter.reformat(frame, format="bgr24", threads=1)
        return self.orientation(frame).apply(np.asarray(converted.to_ndarray(), np.uint8))


def shown_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Return (width, height) of a decoded frame as it is shown."""
    return Orientation.of_frame(frame).size(frame.width, frame.height)


def shown_aspect(stream: av.VideoStream, first: av.VideoFrame) -> tuple[int, int]:
    """Return width and height of a pixel as it is shown, (1, 1) where that is not said."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    if not aspect or aspect <= 0:
        return 1, 1
    pair = (aspect.numerator, aspect.denominator)
    return pair[::-1] if Orientation.of_frame(first).transpose else pair


def fit_picture(image_bgr: ImageArray, width: int, height: int) -> ImageArray:
    """Return a picture fitted into a frame of another size, black around it if need be.

    So the coordinates of a clip stay in one frame of reference when its pictures change size.

    Args:
        image_bgr: picture (H, W, C).
        width, height: of the result, (height, width, C).
    """
    rows, columns = image_bgr.shape[:2]
    if (columns, rows) == (width, height):
        return image_bgr
    scale = min(width / columns, height / rows)
    inner = max(round(columns * scale), 1), max(round(rows * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(image_bgr, inner, interpolation=method), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    fitted = np.zeros((height, width, image_bgr.shape[2]), np.uint8)
    fitted[top : top + inner[1], left : left + inner[0]] = scaled
    return fitted
