"""Between the pipeline and its viewers: the newest picture, and each viewer's own few records.

The pipeline only leaves its newest result here: nobody who looks can hold it up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.live.events import Events
from pipeline.live.latency import LiveStatus
from pipeline.live.lines import ResultLines
from pipeline.live.serving.pictures import LARGE, SMALL, MovingPicture
from pipeline.live.serving.viewer_queue import ViewerQueue
from rmpe.formats import ClipHeader
from rmpe.formats.native_lines import header_to_json
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton


@dataclass(frozen=True)
class _Begun:
    """What a hub knows of a run that has begun."""

    skeleton: Skeleton
    lines: ResultLines
    status: Callable[[], dict[str, Any]]


class ViewHub:
    """Takes results from one camera's run and hands them to any number of viewers.

    It is there before the run: viewers may come while networks load and the source is opened.

    Args:
        camera: the name that figures and records carry; empty where there is only one.
        most_fps: most pictures a second; more are not drawn.

    Attributes:
        waits_for: what the figures say in place of the source's state before the run begins.
        large: the annotated picture for a screen.
        small: the same for a phone or a tile.
    """

    def __init__(self, camera: str = "", *, most_fps: float = 15.0) -> None:
        self.camera = camera
        self.waits_for: Literal["loading", "opening"] = "loading"
        self.large = MovingPicture(LARGE, most_fps)
        self.small = MovingPicture(SMALL, most_fps)
        self._failure = ""
        self._begun: _Begun | None = None
        self._shown_s: float | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._record_viewers: dict[ViewerQueue, bool] = {}

    def begin(
        self,
        header: ClipHeader,
        events: Events,
        status: Callable[[], dict[str, Any]],
    ) -> None:
        """Say that the run begins; results come from now on.

        Args:
            header: what is true for the whole run, the first thing a reader of records gets.
            events: handed on between the records.
            status: gives the figures of the moment, as JSON can hold them.
        """
        lines = ResultLines(header_to_json(header), events, self.camera)
        self._begun = _Begun(header.skeleton, lines, status)
        self._call(self._spread, [])

    def show(self, frame: Frame, poses: Poses) -> None:
        """Take the newest result; returns at once."""
        begun = self._begun
        assert begun is not None, "a run begins before it has results"
        self._shown_s = time.monotonic()
        self.large.show(frame, poses, begun.skeleton)
        self.small.show(frame, poses, begun.skeleton)
        if self._record_viewers:
            self._call(self._spread, begun.lines.of(frame, poses))
        else:
            begun.lines.skip()

    def fail(self, reason: str) -> None:
        """Say why there is no run and none will come."""
        self._failure = reason

    def close(self) -> None:
        """End every viewer's stream and the drawing threads; allowed twice.

        Of a named camera the last picture stays for those who come later: others may go on.
        """
        was_closed, self._closed = self._closed, True
        for picture in (self.large, self.small):
            picture.close(keep_last=bool(self.camera))
        if self.camera and self._begun is not None and not was_closed:
            self._call(self._spread, [self._begun.lines.line({"end": True})])
        self._call(self._wake_all)

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
        return self.large.viewers + self.small.viewers + len(self._record_viewers)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the moment."""
        if self._begun is not None:
            figures = dict(self._begun.status())
        else:
            figures = {
                **LiveStatus.before_the_first().to_json(),
                "source": "",
                "source_state": self.waits_for,
                "last_result_age_s": None,
                "failure": self._failure,
                "ids": [],
                "stages": [],
            }
        if self._closed:
            figures["source_state"] = "ended"
        named = {"camera": self.camera} if self.camera else {}
        return {**named, **figures, "viewers": self.viewers}

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say in which event loop the viewers live."""
        self._loop = loop
        self.large.attach(self._call)
        self.small.attach(self._call)

    def join_records(self, queue: ViewerQueue) -> None:
        """Take a reader of records, who gets the header first; call in the event loop."""
        self._record_viewers[queue] = False
        self._spread([])

    def leave_records(self, queue: ViewerQueue) -> None:
        """Forget a reader of records."""
        self._record_viewers.pop(queue, None)

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
        """Give lines to all readers of records, the header before anything else."""
        if self._begun is None:
            return
        for queue, is_headed in self._record_viewers.items():
            if not is_headed:
                self._record_viewers[queue] = True
                queue.put(self._begun.lines.header)
            for line in lines:
                queue.put(line)

    def _wake_all(self) -> None:
        for queue in self._record_viewers:
            queue.changed.set()
