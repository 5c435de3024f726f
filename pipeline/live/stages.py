"""The stages of a live run: none waits for another frame, and each result is timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from pipeline.assemble import RunOptions, boxes_finder
from pipeline.engine.runner import ChannelLimits, Pipeline, Source
from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame
from pipeline.live.capture.reader import LiveReader
from pipeline.live.detection import (
    DetectionBudget,
    EveryNth,
    RhythmicDetectStage,
    TimedFollowStage,
)
from pipeline.live.latency import LatencyMeter
from pipeline.live.policy import InFlightRule
from pipeline.stages.batching import BatchStage
from pipeline.stages.crop import CropStage
from pipeline.stages.detect import DetectStage
from pipeline.stages.estimate import DecodeStage, EstimateStage
from pipeline.stages.follow import FollowStage
from pipeline.stages.suppress import SuppressStage
from pipeline.stages.track import Tracker, TrackStage
from pipeline.writers.base import Writer, WriteStage
from rmpe.records import Frame, Poses

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

DetectEvery = int | Literal["auto"]


class Viewer(Protocol):
    """Is shown every result; must return at once."""

    def show(self, frame: Frame, poses: Poses) -> None:
        """Take one result; neither picture nor poses may be changed."""


class ResultStage(Stage):
    """Notes when a result is there, lets the next frame in and shows the result to viewers.

    Args:
        reader: where the frame came from.
        meter: told how late each result is.
        rule: sets how many frames may be under way; None leaves that alone.
        viewers: shown every result.
        report: called every ``report_every_s`` seconds and at the end, for events.
        report_every_s: see ``report``.
    """

    name = "show"

    def __init__(
        self,
        reader: LiveReader,
        meter: LatencyMeter,
        rule: InFlightRule | None,
        viewers: Sequence[Viewer] = (),
        report: Callable[[], None] = lambda: None,
        report_every_s: float = 10.0,
    ) -> None:
        self._gate = reader.gate
        self._meter = meter
        self._rule = rule
        self._viewers = viewers
        self._report = report
        self._report_every_s = report_every_s
        self._reported_s = time.monotonic()

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        """Take one result."""
        latency_s = self._gate.done(item.frame.index)
        self._meter.add(latency_s)
        if self._rule is not None:
            dropped = self._gate.counts().dropped_total
            self._gate.under_way_limit = self._rule.update(latency_s, dropped)
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


def assemble_live(
    reader: LiveReader,
    estimator: PoseEstimator,
    detect_every: DetectEvery,
    tracker: Tracker | None,
    result: ResultStage,
    writers: Iterable[tuple[str, Writer]] = (),
) -> Pipeline:
    """Return the pipeline of a live run, iterable once; :class:`PosedFrame` come out in order.

    A batch holds the people of one frame: it is sent at once, whatever the wanted latency.

    Args:
        reader: where frames come from; closed at the end.
        estimator: finds people and their joints.
        detect_every: search every n-th frame taken, or as often as there is time (``auto``).
        tracker: gives identities; None leaves every id 0.
        result: times and shows results; writers come after it.
        writers: what is written, as (name, writer); closed at the end.
    """
    find_boxes = boxes_finder(estimator, RunOptions())
    stages: list[Stage]
    if detect_every != 1:
        rhythm = DetectionBudget() if detect_every == "auto" else EveryNth(detect_every)
        stages = [
            RhythmicDetectStage(find_boxes, rhythm),
            TimedFollowStage(FollowStage(estimator), rhythm),
        ]
    else:
        stages = [
            DetectStage(find_boxes),
            CropStage(estimator),
            BatchStage(estimator.options.batch_size, max_frames=1),
            EstimateStage(estimator),
            DecodeStage(estimator),
            SuppressStage(estimator),
        ]
    if tracker is not None:
        stages.append(TrackStage(tracker))
    stages.append(result)
    stages += [WriteStage(f"write {name}", writer) for name, writer in writers]
    source = Source(reader, close=reader.close, interrupt=reader.stop)
    return Pipeline(source, stages, ChannelLimits(max_items=1))
