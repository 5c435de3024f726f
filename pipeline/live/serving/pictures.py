"""The annotated picture in one size: drawn once for all who look, and only while somebody looks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2

from rmpe.drawing import DrawingStyle, FramePainter, Look
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton

_JPEG_QUALITY = 80
_WAIT_S = 0.2
_AGAIN_AFTER_S = 1.0


@dataclass(frozen=True)
class PictureSize:
    """How large the picture is made for those who look at it."""

    longest_side: int
    """Larger pictures are scaled down to this many pixels."""
    id_size: float = 1.0
    """Size of the ids, times the usual."""


LARGE = PictureSize(1280)
"""For a screen."""
SMALL = PictureSize(640, 2.0)
"""For a phone or a tile, where it is shown at about 360 pixels."""


class MovingPicture:
    """Takes results and gives their pictures; a viewer who reads slowly misses some.

    Args:
        size: how large it is.
        most_fps: most pictures a second; more are not drawn.
    """

    def __init__(self, size: PictureSize, most_fps: float) -> None:
        self._size = size
        self._style = DrawingStyle(id_size=size.id_size)
        self._least_gap_s = 1 / most_fps
        self._newest: tuple[Frame, Poses, Skeleton] | None = None
        self._drawn: Frame | None = None
        self._jpeg: tuple[int, bytes] | None = None
        self._number = 0
        self._changed = threading.Condition()
        self._closed = False
        self._waiters: set[asyncio.Event] = set()
        self._call: Callable[..., None] = _nobody_listens
        self.viewers = 0
        self._thread = threading.Thread(target=self._draw, name="view-0", daemon=True)
        self._thread.start()

    def attach(self, call: Callable[..., None]) -> None:
        """Say what runs a function in the viewers' event loop."""
        self._call = call

    def show(self, frame: Frame, poses: Poses, skeleton: Skeleton) -> None:
        """Take the newest result; returns at once."""
        with self._changed:
            self._newest = (frame, poses, skeleton)
            self._changed.notify_all()

    def close(self, keep_last: bool) -> None:
        """End the drawing thread and every viewer's stream; allowed twice.

        Args:
            keep_last: draw the newest result once more, for those who come later.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        if keep_last and self._is_old():
            self._make_picture()
        self._call(self._wake_all)

    def join(self) -> None:
        """Count a viewer in: drawing begins with the first."""
        with self._changed:
            if not self.viewers and not self._closed and self._is_old():
                self._jpeg = None  # of when somebody looked the last time
            self.viewers += 1
            self._changed.notify_all()

    def leave(self) -> None:
        """Count a viewer out."""
        with self._changed:
            self.viewers -= 1

    async def next(self, after: int) -> tuple[int, bytes] | None:
        """Return the newest JPEG with its number as soon as that is above ``after``; None: over.

        What is the newest for a second is given again: browsers show a part of a stream of
        pictures when the next one begins.
        """
        while True:
            jpeg = self._jpeg
            if jpeg is not None and jpeg[0] > after:
                return jpeg
            if self._closed:
                return None
            waiter = asyncio.Event()
            self._waiters.add(waiter)
            try:
                await asyncio.wait_for(waiter.wait(), _AGAIN_AFTER_S)
            except asyncio.TimeoutError:
                if self._jpeg is not None:
                    return self._jpeg
            finally:
                self._waiters.discard(waiter)

    def _draw(self) -> None:
        """Draw the newest result again and again while somebody looks."""
        next_s = 0.0
        while True:
            with self._changed:
                while not self._closed and not (self.viewers and self._is_old()):
                    self._changed.wait(_WAIT_S)
                self._changed.wait_for(lambda: self._closed, max(next_s - time.monotonic(), 0))
                if self._closed:
                    return
            next_s = time.monotonic() + self._least_gap_s
            self._make_picture()
            self._call(self._wake_all)

    def _is_old(self) -> bool:
        """Return whether there is a result newer than the picture."""
        return self._newest is not None and self._newest[0] is not self._drawn

    def _make_picture(self) -> None:
        newest = self._newest
        assert newest is not None
        data = self._encode(*newest)
        self._number += 1
        self._drawn, self._jpeg = newest[0], (self._number, data)

    def _encode(self, frame: Frame, poses: Poses, skeleton: Skeleton) -> bytes:
        height, width = frame.image_bgr.shape[:2]
        scale = min(self._size.longest_side / max(height, width), 1.0)
        sides = (max(round(width * scale), 1), max(round(height * scale), 1))
        look = Look(self._style, width=sides[0], height=sides[1])
        picture: Any = FramePainter(skeleton, look).paint(frame.image_bgr, poses)
        good, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if not good:
            raise RuntimeError(f"a picture of {picture.shape} cannot be made a JPEG")
        return data.tobytes()

    def _wake_all(self) -> None:
        for waiter in self._waiters:
            waiter.set()


def _nobody_listens(*_: Any) -> None:
    """Be the event loop before there is one."""
