"""The frames of a clip, painted as a look asks: background, people, trails, size."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import cv2
import numpy as np

from rmpe.drawing.colours import colour_of_id
from rmpe.drawing.look import Look
from rmpe.drawing.people import draw_poses
from rmpe.records import ImageArray, Poses
from rmpe.skeletons import Skeleton

# The blurred picture is taken to so many columns and back.
_BLURRED_COLUMNS = 24
_TRAIL_BITS = 3
"""Eighths of a pixel, as OpenCV takes them."""


class FramePainter:
    """Paints the frames of one clip in order; it remembers trails and nothing else.

    Args:
        skeleton: of the poses.
        look: how things are shown.
    """

    def __init__(self, skeleton: Skeleton, look: Look | None = None) -> None:
        self._skeleton = skeleton
        self.look = look or Look()
        self._places: deque[dict[int, tuple[float, float]]] = deque(maxlen=self.look.trails + 1)

    @property
    def has_alpha(self) -> bool:
        """Whether pictures come with a fourth channel."""
        return self.look.background == "transparent"

    def paint(
        self, image_bgr: ImageArray, poses: Poses, out: ImageArray | None = None
    ) -> ImageArray:
        """Return one frame.

        Args:
            image_bgr: picture, uint8 (H, W, 3) BGR; it is left as it is.
            poses: people in pixels of that picture.
            out: a frame that was returned before and is no longer needed; taken where it fits.

        Returns:
            uint8 (rows, columns, 3) BGR; with a transparent background (rows, columns, 4), the
            colours not multiplied by the alpha.

        Raises:
            ValueError: the skeleton's joint count is not the poses'.
        """
        height, width = image_bgr.shape[:2]
        columns, rows = self.look.size_for(width, height)
        poses = self._shown(poses, width, height)
        canvas = self._background(image_bgr, columns, rows)
        if self.look.trails:
            canvas = self._with_trails(canvas, poses)
        if out is not None and out.shape != canvas.shape:
            out = None
        drawn = draw_poses(canvas, poses, self._skeleton, self.look.style, out)
        return _straight(drawn) if self.has_alpha else drawn

    def remember(self, poses: Poses, width: int, height: int) -> None:
        """Take note of a frame that is painted already, so that trails go on from it.

        Args:
            poses: its people.
            width, height: of its picture.
        """
        self._places.append(_feet(self._shown(poses, width, height)))

    def _shown(self, poses: Poses, width: int, height: int) -> Poses:
        """Return the people who are drawn, in pixels of the result."""
        columns, rows = self.look.size_for(width, height)
        if self.look.only:
            poses = poses.select(np.isin(poses.ids, self.look.only))
        if (columns, rows) == (width, height):
            return poses
        return _scaled(poses, columns / width, rows / height)

    def _background(self, image_bgr: ImageArray, columns: int, rows: int) -> ImageArray:
        kind = self.look.background
        if kind == "transparent":
            return np.zeros((rows, columns, 4), np.uint8)
        if kind in ("black", "white"):
            return np.full((rows, columns, 3), 255 if kind == "white" else 0, np.uint8)
        if kind == "blur":
            few = (_BLURRED_COLUMNS, max(round(_BLURRED_COLUMNS * rows / columns), 1))
            small = cv2.resize(image_bgr, few, interpolation=cv2.INTER_AREA)
            return np.asarray(
                cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC), np.uint8
            )
        if image_bgr.shape[1::-1] == (columns, rows):
            return image_bgr
        how = cv2.INTER_AREA if columns < image_bgr.shape[1] else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(image_bgr, (columns, rows), interpolation=how), np.uint8)

    def _with_trails(self, canvas: ImageArray, poses: Poses) -> ImageArray:
        """Draw the way of every person that is here, thinner the longer ago."""
        here = _feet(poses)
        self._places.append(here)
        drawn = canvas.copy()
        for identity in here:
            way = [places[identity] for places in self._places if identity in places]
            points = np.rint(np.array(way) * (1 << _TRAIL_BITS)).astype(np.int32)
            colour = colour_of_id(identity)
            ink = (*colour, 255) if drawn.shape[2] == 4 else colour
            for place in range(1, len(points)):
                width = 2 + round(2 * place / len(points))
                line = points[place - 1 : place + 1]
                cv2.polylines(drawn, [line], False, ink, width, cv2.LINE_8, _TRAIL_BITS)
        return drawn


def _feet(poses: Poses) -> dict[int, tuple[float, float]]:
    """Return the middle of the lower edge of everybody's box, by identity."""
    feet = poses.boxes_xyxy[:, [0, 2]].mean(1), poses.boxes_xyxy[:, 3]
    return {
        identity: (float(x), float(y))
        for identity, x, y in zip(poses.ids.tolist(), *(part.tolist() for part in feet))
        if identity > 0 and np.isfinite(x) and np.isfinite(y)
    }


def _scaled(poses: Poses, across: float, down: float) -> Poses:
    """Return poses in a picture scaled by these factors; pixel centres stay centres."""
    factor = np.array([across, down], np.float32)
    corners = poses.boxes_xyxy.reshape(-1, 2, 2)
    return replace(
        poses,
        keypoints_xy=(poses.keypoints_xy + 0.5) * factor - 0.5,
        boxes_xyxy=((corners + 0.5) * factor - 0.5).reshape(-1, 4),
    )


def _straight(image_bgra: ImageArray) -> ImageArray:
    """Return a picture (H, W, 4) with its colours divided by the alpha."""
    alpha = image_bgra[..., 3:].astype(np.uint16)
    partial = (alpha > 0) & (alpha < 255)
    if not partial.any():
        return image_bgra
    colours = image_bgra[..., :3].astype(np.uint16)
    divided = np.minimum((colours * 255 + alpha // 2) // np.maximum(alpha, 1), 255)
    straight = image_bgra.copy()
    straight[..., :3] = np.where(partial, divided, colours)
    return straight
