"""A picture in the top left corner of a detector's input."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rmpe.records import FloatArray, ImageArray

STEP = 32
"""Input sides are multiples of the coarsest stride."""
GREY = 114
"""Value of the pixels beside a picture, as the networks were trained."""
_HALVED_ABOVE = 2.5
"""Times the wanted width, from which on a picture is halved first."""


@dataclass(frozen=True)
class Letterbox:
    """A picture scaled into the top-left corner of the network's input."""

    scale: float
    """Input pixels per picture pixel."""
    content_width: int
    """Columns of the input that the picture fills."""
    content_height: int
    """Rows of the input that the picture fills."""
    width: int
    """Columns of the input, a multiple of 32; the rest is grey."""
    height: int
    """Rows of the input, a multiple of 32; the rest is grey."""

    @classmethod
    def fit(cls, width: int, height: int, input_side: int, largest_zoom: float) -> Letterbox:
        """Choose the scale for a picture of ``width`` x ``height`` pixels.

        The longer side becomes ``input_side``; with 640 that divides 1280x720, 1920x1080 and
        3840x2160 by a whole number.
        """
        scale = min(input_side / max(width, height), largest_zoom)
        columns, rows = (max(round(side * scale), 1) for side in (width, height))
        padded = (-(-side // STEP) * STEP for side in (columns, rows))
        return cls(scale, columns, rows, *padded)

    def apply(self, image_bgr: ImageArray) -> ImageArray:
        """Return the network's input, uint8 (height, width, 3)."""
        size = (self.content_width, self.content_height)
        canvas = np.full((self.height, self.width, 3), GREY, np.uint8)
        inside = canvas[: self.content_height, : self.content_width]
        if image_bgr.shape[1::-1] == size:
            inside[:] = image_bgr
        else:
            smaller = _halved(image_bgr, size)
            how = cv2.INTER_AREA if smaller.shape[1] >= 2 * size[0] else cv2.INTER_LINEAR
            inside[:] = cv2.resize(smaller, size, interpolation=how)
        return canvas

    def to_image(self, boxes_xyxy: FloatArray) -> FloatArray:
        """Map boxes (N, 4) from input pixels to picture pixels."""
        return np.asarray((boxes_xyxy + 0.5) / self.scale - 0.5, np.float32)


def _halved(image_bgr: ImageArray, size: tuple[int, int]) -> ImageArray:
    """Return a picture halved as often as it stays well above ``size`` (width, height).

    Means of two by two pixels are ten times as quick as areas of another size.
    """
    while image_bgr.shape[1] >= _HALVED_ABOVE * size[0]:
        half = (image_bgr.shape[1] // 2, max(image_bgr.shape[0] // 2, 1))
        image_bgr = np.asarray(cv2.resize(image_bgr, half, interpolation=cv2.INTER_AREA), np.uint8)
    return image_bgr
