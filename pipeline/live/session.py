"""One live run from its first frame to its end, and what came of it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.assemble import assemble
from pipeline.engine.memory import peak_memory_bytes
from pipeline.engine.runner import ChannelLimits, Pipeline
from pipeline.engine.stats import RunStats, StageLoads
from pipeline.items import PosedFrame
from pipeline.live.capture.reader import LiveReader
from pipeline.live.latency import LatencyMeter, LiveStatus
from pipeline.live.policy import InFlightControl
from pipeline.live.recording import Recorder
from pipeline.live.results import ResultStage, Viewer
from pipeline.options import RunOptions
from pipeline.sources import NetworkPoses
from pipeline.stages.rhythm import DetectEvery
from pipeline.stages.track import Tracker
from pipeline.writers.base import Writer
from rmpe.formats.outputs import SUMMARY_NAME
from rmpe.records import Boxes, Frame, Poses

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


_FINISH_WITHIN_S = 1.2
_LEAVE_WITHIN_S = 0.4
"""For what is under way, then for its threads: together with the writing two seconds."""
_OLD_AFTER_S = 3.0
"""People of a result this old are not shown as there."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveOptions:
    """How a live run goes, beside what is read and written."""

    max_latency_s: float = 0.25
    """Wanted time from capture to result; frames are kept out rather than made to wait."""
    detect_every: DetectEvery = "auto"
    """Search every n-th frame taken for people, or as often as there is time."""
    event_every_s: float = 10.0
    """Seconds between the latency events in the records."""

    def __post_init__(self) -> None:
        InFlightControl(self.max_latency_s)
        if self.detect_every != "auto" and self.detect_every < 1:
            raise ValueError(f"detect every is {self.detect_every}, allowed is auto, 1 or more")


@dataclass(frozen=True)
class LiveSummary:
    """What happened in a live run, also in ``summary.json``."""

    source: str
    """Where the frames came from."""
    status: LiveStatus
    """The figures at the end; captured = processed + dropped."""
    identities: int
    """Highest identity given; 0 without tracking."""
    failure: str
    """Why the source ended, if not by itself or by request."""
    recording: dict[str, Any] | None
    """Frames, segments and failure of the recording; None without one."""
    stats: RunStats
    """Times of the stages."""

    @property
    def succeeded(self) -> bool:
        """Whether neither the source nor the recording failed."""
        return not self.failure and not (self.recording and self.recording["failure"])

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON can hold it; the reader's time is mostly waiting, left out."""
        timing = self.stats.to_json()
        del timing["held_back_by"]
        timing["stages"] = timing["stages"][1:]
        return {
            "source": self.source,
            **self.status.to_json(),
            "identities": self.identities,
            "failure": self.failure,
            "recording": self.recording,
            "timing": timing,
            "peak_memory_mb": round(peak_memory_bytes() / 2**20, 1),
        }


class LiveSession:
    """A live run: made, given its viewers, run once.

    Args:
        reader: where frames come from.
        estimator: finds people and their joints.
        options: how the run goes.
        tracker: gives identities; None leaves every id 0.
        recorder: writes results as they come; None writes nothing.

    Attributes:
        left_behind: whether a stage was still busy when the run was stopped; only ending the
            process ends its thread for sure.
    """

    def __init__(
        self,
        reader: LiveReader,
        estimator: PoseEstimator,
        options: LiveOptions | None = None,
        tracker: Tracker | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._reader = reader
        self._estimator = estimator
        self._options = options or LiveOptions()
        self._tracker = tracker
        self._recorder = recorder
        self._meter = LatencyMeter()
        self._loads = StageLoads()
        self._run: Pipeline | None = None
        self._last = self._nobody = Poses.empty(estimator.skeleton.joint_count)
        self._last_result_s: float | None = None
        self._highest_id = 0
        self._forced: threading.Timer | None = None
        self.left_behind = False

    def status(self) -> LiveStatus:
        """Return the figures of the moment; from any thread."""
        return LiveStatus(
            self._reader.gate.counts(),
            self._meter.recent(),
            self._meter.whole_run(),
            self._meter.results_per_s(),
            self._reader.losses,
            len(self._shown()),
        )

    def _age_s(self) -> float | None:
        """Return the seconds since the newest result; None before the first."""
        if self._last_result_s is None:
            return None
        return round(time.monotonic() - self._last_result_s, 3)

    def _shown(self) -> Poses:
        """Return who is in the newest result; nobody once that is old."""
        age_s = self._age_s()
        return self._last if age_s is not None and age_s <= _OLD_AFTER_S else self._nobody

    def page_status(self) -> dict[str, Any]:
        """Return what the page shows; from any thread."""
        run = self._run
        return {
            **self.status().to_json(),
            "source": self._reader.info.source,
            "source_state": self._reader.state,
            "failure": self._reader.failure,
            "recorded": None if self._recorder is None else self._recorder.frames_on_disk,
            "last_result_age_s": self._age_s(),
            "ids": [identity for identity in self._shown().ids.tolist() if identity],
            "stages": self._loads.update(run.stats) if run is not None else [],
        }

    def show(self, frame: Frame, poses: Poses) -> None:
        """Remember the newest poses for the figures; a viewer like others."""
        self._last = poses
        self._last_result_s = time.monotonic()
        if len(poses):
            self._highest_id = max(self._highest_id, int(poses.ids.max()))

    def request_stop(self) -> None:
        """End soon: what is under way is finished and written, within two seconds; any thread.

        A stage that takes longer over its item is left behind.
        """
        self._reader.stop()
        if self._forced is None and self._run is not None:
            self._forced = threading.Timer(_FINISH_WITHIN_S, self._run.stop, (_LEAVE_WITHIN_S,))
            self._forced.daemon = True
            self._forced.start()

    def run(
        self,
        viewers: Sequence[Viewer] = (),
        on_result: Callable[[PosedFrame], None] = lambda result: None,
    ) -> LiveSummary:
        """Run until the source ends or :meth:`request_stop`, and return what happened.

        Args:
            viewers: shown every result on the pipeline's thread; they may not block.
            on_result: called for results in the caller's own thread, for windows and progress.

        Raises:
            StageError: a stage failed.
        """
        result_stage = ResultStage(
            self._reader,
            self._meter,
            self._control(),
            [self, *viewers],
            self._tell_latency,
            self._options.event_every_s,
        )
        writers: list[tuple[str, Writer]] = []
        if self._recorder is not None:
            writers.append(("record", self._recorder))
        options = RunOptions(
            self._options.detect_every, batch_frames=1, limits=ChannelLimits(max_items=1)
        )
        run = self._run = assemble(
            self._reader,
            NetworkPoses(self._estimator),
            options,
            self._tracker,
            writers,
            late_names=False,
            watch=[result_stage],
            interrupt=self._reader.stop,
        )
        try:
            for result in run:
                on_result(result)
                del result
        finally:
            self._end(run)
        return self._summary(run)

    def _control(self) -> InFlightControl | None:
        waits = self._reader.gate.under_way_limit is not None
        return InFlightControl(self._options.max_latency_s) if waits else None

    def _end(self, run: Pipeline) -> None:
        if self._forced is not None:
            self._forced.cancel()
            self._forced.join()
            self.left_behind = not run.stop(_LEAVE_WITHIN_S)
        else:
            run.stop()
        self._reader.gate.abandon()

    def _tell_latency(self) -> None:
        facts = self.status().to_json()
        log.info("%s", self.status().line())
        self._reader.events.tell("latency", **facts)

    def _summary(self, run: Pipeline) -> LiveSummary:
        recording = None
        if self._recorder is not None:
            names = ("frames", "segments", "first_segment", "failure")
            recording = {name: getattr(self._recorder, name) for name in names}
        return LiveSummary(
            self._reader.info.source,
            self.status(),
            self._highest_id,
            self._reader.failure,
            recording,
            run.stats,
        )


def write_summary(folder: Path, summary: LiveSummary, request: dict[str, Any]) -> None:
    """Write ``summary.json``; a full disk costs the summary only, with a message.

    The summary of a run that went on with a recording is called after its first segment.
    """
    first = (summary.recording or {}).get("first_segment")
    path = folder / (f"summary_{first:05d}.json" if first else SUMMARY_NAME)
    item = {**summary.to_json(), "options": request}
    item["ended"] = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    text = json.dumps(item, indent=2, ensure_ascii=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        path.unlink(missing_ok=True)  # half a summary is none
        log.error("%s could not be written: %s", path, error.strerror)


def warm_up(estimator: PoseEstimator, width: int = 640, height: int = 480) -> None:
    """Run detector and network once, so that the first frame is not later than all others.

    A detector may be compiled anew for every size of picture, which takes seconds: give the
    source's own ``width`` and ``height`` in pixels.
    """
    empty = np.zeros((height, width, 3), np.uint8)
    estimator.detect([empty])
    whole = np.array([[0, 0, width - 1, height - 1]], np.float32)
    estimator.estimate(empty, Boxes(whole, np.ones(1, np.float32)))
