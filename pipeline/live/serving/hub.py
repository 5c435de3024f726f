"""Between the pipeline and its viewers: the newest picture, and each viewer's own few records.

The pipeline only leaves its newest result here. Drawing and JPEG happen once for all viewers, on
a thread of the hub and only while somebody looks; a viewer who reads slowly misses pictures.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from pipeline.live.events import Events
from rmpe.drawing import DrawingStyle, draw_poses
from rmpe.formats.native import people_to_json
from rmpe.records import Frame, ImageArray, Poses
from rmpe.skeletons import Skeleton

_RECORDS_KEPT = 256
_JPEG_QUALITY = 80
_WAIT_S = 0.2


class ViewerQueue:
    """What one viewer has not fetched yet; used in the server's event loop only.

    Args:
        keep: most lines kept; older ones go and are counted.
    """

    def __init__(self, keep: int) -> None:
        self._lines: deque[str] = deque()
        self._keep = keep
        self._skipped = 0
        self.changed = asyncio.Event()

    def put(self, line: str) -> None:
        """Add a line; the oldest goes when the viewer is slow."""
        if len(self._lines) == self._keep:
            self._lines.popleft()
            self._skipped += 1
        self._lines.append(line)
        self.changed.set()

    def drain(self) -> list[str]:
        """Return what came, after a line that says how many were skipped."""
        lines = list(self._lines)
        self._lines.clear()
        self.changed.clear()
        if self._skipped:
            lines.insert(0, json.dumps({"event": "skipped", "lines": self._skipped}))
            self._skipped = 0
        return lines


class ViewHub:
    """Takes results from the pipeline and hands them to any number of viewers.

    Args:
        skeleton: of the poses.
        header: the native format's first line, the first thing that a reader of records gets.
        events: handed on between the records.
        status: gives the figures of the moment, as JSON can hold them.
        most_fps: most pictures a second; more are not drawn.
        longest_side: larger pictures are shown scaled down to this many pixels.
        style: what is drawn.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        header: dict[str, Any],
        events: Events,
        status: Callable[[], dict[str, Any]],
        *,
        most_fps: float = 15.0,
        longest_side: int = 1280,
        style: DrawingStyle | None = None,
    ) -> None:
        self.header = json.dumps(header, ensure_ascii=False)
        self._status = status
        self._skeleton = skeleton
        self._events = events.subscribe()
        self._least_gap_s = 1 / most_fps
        self._longest_side = longest_side
        self._style = style
        self._newest: tuple[Frame, Poses] | None = None
        self._shown_s: float | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jpeg: tuple[int, bytes] | None = None
        self._picture_waiters: set[asyncio.Event] = set()
        self._record_viewers: set[ViewerQueue] = set()
        self._picture_viewers = 0
        self._thread = threading.Thread(target=self._draw, name="view-0", daemon=True)
        self._thread.start()

    def show(self, frame: Frame, poses: Poses) -> None:
        """Take the newest result; returns at once."""
        with self._changed:
            self._newest = (frame, poses)
            self._shown_s = time.monotonic()
            self._changed.notify_all()
        if self._record_viewers:
            people = people_to_json(poses)
            record = {"frame": frame.index, "time_s": round(frame.timestamp_s, 6), "people": people}
            lines = [*self._events.drain(), record]
            self._call(self._spread, [json.dumps(line, ensure_ascii=False) for line in lines])
        else:
            self._events.drain()

    def close(self) -> None:
        """End every viewer's stream and the drawing thread; allowed twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._call(self._wake_all)
        self._thread.join()

    @property
    def is_closed(self) -> bool:
        """Whether the run is over."""
        return self._closed

    @property
    def age_s(self) -> float | None:
        """Seconds since the newest result; None before the first."""
        return None if self._shown_s is None else time.monotonic() - self._shown_s

    @property
    def viewers(self) -> int:
        """Viewers of pictures and of records, now."""
        return self._picture_viewers + len(self._record_viewers)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the moment."""
        return {**self._status(), "viewers": self.viewers}

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say in which event loop the viewers live."""
        self._loop = loop

    def join_records(self) -> ViewerQueue:
        """Return the queue of a new reader of records; call in the event loop."""
        queue = ViewerQueue(_RECORDS_KEPT)
        self._record_viewers.add(queue)
        return queue

    def leave_records(self, queue: ViewerQueue) -> None:
        """Forget a reader of records."""
        self._record_viewers.discard(queue)

    def join_pictures(self) -> None:
        """Count a viewer of pictures: drawing begins with the first."""
        with self._changed:
            self._picture_viewers += 1
            self._changed.notify_all()

    def leave_pictures(self) -> None:
        """Count a viewer of pictures out."""
        with self._changed:
            self._picture_viewers -= 1

    async def next_picture(self, after: int) -> tuple[int, bytes] | None:
        """Return the newest JPEG with its number as soon as that is above ``after``; None: over."""
        while not self._closed:
            if self._jpeg is not None and self._jpeg[0] > after:
                return self._jpeg
            waiter = asyncio.Event()
            self._picture_waiters.add(waiter)
            try:
                await asyncio.wait_for(waiter.wait(), 1.0)
            except asyncio.TimeoutError:
                continue
            finally:
                self._picture_waiters.discard(waiter)
        return None

    def _draw(self) -> None:
        """Draw the newest result again and again while somebody looks."""
        drawn: Frame | None = None
        number, next_s = 0, 0.0
        while True:
            with self._changed:
                while not self._closed and not self._has_work(drawn):
                    self._changed.wait(_WAIT_S)
                if self._closed:
                    return
                self._changed.wait_for(lambda: self._closed, max(next_s - time.monotonic(), 0))
                if self._newest is None:
                    continue
                drawn, poses = self._newest
            next_s = time.monotonic() + self._least_gap_s
            number += 1
            self._jpeg = (number, self._encode(drawn, poses))
            self._call(self._wake_pictures)

    def _has_work(self, drawn: Frame | None) -> bool:
        newest = self._newest
        return self._picture_viewers > 0 and newest is not None and newest[0] is not drawn

    def _encode(self, frame: Frame, poses: Poses) -> bytes:
        picture: ImageArray = draw_poses(frame.image_bgr, poses, self._skeleton, self._style)
        scale = self._longest_side / max(picture.shape[:2])
        if scale < 1:
            shrunk = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            picture = np.asarray(shrunk, np.uint8)
        good, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if not good:
            raise RuntimeError(f"a picture of {picture.shape} cannot be made a JPEG")
        return data.tobytes()

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Run a function in the viewers' event loop, if there still is one."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # it was closed in this moment: nobody looks any more
            self._loop = None

    def _spread(self, lines: list[str]) -> None:
        for queue in self._record_viewers:
            for line in lines:
                queue.put(line)

    def _wake_pictures(self) -> None:
        for waiter in self._picture_waiters:
            waiter.set()

    def _wake_all(self) -> None:
        self._wake_pictures()
        for queue in self._record_viewers:
            queue.changed.set()
