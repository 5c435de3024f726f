"""Where a live run's results are timed and shown: the stage between tracker and writers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame
from pipeline.live.capture.reader import LiveReader
from pipeline.live.latency import LatencyMeter
from pipeline.live.policy import InFlightControl
from rmpe.records import Frame, Poses


class Viewer(Protocol):
    """Is shown every result; must return at once."""

    def show(self, frame: Frame, poses: Poses) -> None:
        """Take one result; neither picture nor poses may be changed."""


class ResultStage(Stage):
    """Notes when a result is there, lets the next frame in and shows the result to viewers.

    Args:
        reader: where the frame came from.
        meter: told how late each result is.
        control: sets how many frames may be under way; None leaves that alone.
        viewers: shown every result.
        report: called every ``report_every_s`` seconds and at the end, for events.
        report_every_s: see ``report``.
    """

    name = "show"

    def __init__(
        self,
        reader: LiveReader,
        meter: LatencyMeter,
        control: InFlightControl | None,
        viewers: Sequence[Viewer] = (),
        report: Callable[[], None] = lambda: None,
        report_every_s: float = 10.0,
    ) -> None:
        self._gate = reader.gate
        self._meter = meter
        self._control = control
        self._viewers = viewers
        self._report = report
        self._report_every_s = report_every_s
        self._reported_s = time.monotonic()

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        """Take one result."""
        latency_s = self._gate.done(item.frame.index)
        self._meter.add(latency_s)
        if self._control is not None:
            dropped = self._gate.counts().dropped_total
            self._gate.under_way_limit = self._control.update(latency_s, dropped)
        for viewer in self._viewers:
            viewer.show(item.frame, item.poses)
        if time.monotonic() - self._reported_s >= self._report_every_s:
            self._reported_s = time.monotonic()
            self._report()
        return [item]

    def finish(self) -> Iterable[PosedFrame]:
        """Report once more, when every result is there and the writers are still open."""
        self._report()
        return ()
