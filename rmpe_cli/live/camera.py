"""One camera of a live run: opened, shown, recorded and handed on, and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pipeline.items import PosedFrame
from pipeline.live.capture.address import NamedSource
from pipeline.live.capture.reader import LiveReader
from pipeline.live.events import Events
from pipeline.live.outlets import Outlet, open_carrier
from pipeline.live.recording import Recorder, segment_name
from pipeline.live.results import Viewer
from pipeline.live.session import LiveSession, LiveSummary, warm_up, write_summary
from pipeline.stages.track import build_tracker
from rmpe.formats import ClipHeader
from rmpe.formats.native_lines import header_to_json
from rmpe_cli.live.plan import LiveCommand

if TYPE_CHECKING:
    from pipeline.live.serving.hub import ViewHub
    from rmpe.estimator import PoseEstimator

Say = Callable[[str], None]


class CameraRun:
    """One camera's run, made at once and run when the networks are there.

    Args:
        command: what is wanted of every camera.
        source: which one this is.
        hub: where it is looked at; None if nobody can.
        say: prints a line.
        complain: prints a line about what failed.

    Attributes:
        succeeded: whether neither the source nor the recording failed; False before the end.
    """

    def __init__(
        self,
        command: LiveCommand,
        source: NamedSource,
        hub: ViewHub | None,
        say: Say,
        complain: Say,
    ) -> None:
        name = f"{source.name}: " if source.name else ""
        self._command = command
        self._source = source
        self._hub = hub
        self._say: Say = lambda line: say(name + line)
        self._complain: Say = lambda line: complain(line.replace("error: ", f"error: {name}", 1))
        self._folder = command.record and command.record / source.name
        self._stopped = threading.Event()
        self._is_asked = False
        self._session: LiveSession | None = None
        self.succeeded = False

    @property
    def name(self) -> str:
        """The camera's name, empty where it is the only one."""
        return self._source.name

    @property
    def line(self) -> str:
        """What the progress line says of it."""
        return "opening" if self._session is None else self._session.status().line()

    @property
    def asked_to_end(self) -> bool:
        """Whether somebody waits for the end, or a stage was left behind busy."""
        left_behind = self._session is not None and self._session.left_behind
        return self._is_asked or left_behind

    def request_stop(self) -> None:
        """End soon, from any thread: what is under way is finished and written."""
        self._is_asked = True
        self._stopped.set()
        if self._session is not None:
            self._session.request_stop()

    def run(
        self,
        estimator: PoseEstimator,
        threads: int,
        on_result: Callable[[PosedFrame], None] = lambda result: None,
    ) -> None:
        """Run to the end and say what happened.

        Args:
            estimator: finds people and their joints.
            threads: threads of the encoder.
            on_result: called for results in the caller's own thread.

        Raises:
            OSError: the source or the folder cannot be opened.
            StageError: a stage failed.
        """
        if self._hub is not None:
            self._hub.waits_for = "opening"
        events = Events()
        with ExitStack() as stack:
            reader = self._open(events)
            if reader is None:
                return
            stack.callback(reader.close)
            info, described = reader.info, dict(self._command.described or {})
            warm_up(estimator, info.width or 640, info.height or 480)
            header = ClipHeader(
                estimator.skeleton, info.source, info.width, info.height, info.fps, described
            )
            session = self._new_session(
                reader, estimator, self._new_recorder(header, events, threads)
            )
            viewers: list[Viewer] = []
            if self._hub is not None:
                self._hub.begin(header, events, session.page_status)
                viewers.append(self._hub)
            outlets = self._outlets(header, events, stack)
            self._session = session
            if self._is_asked:
                session.request_stop()
            summary = session.run([*viewers, *outlets], on_result)
            self._finish(summary, described, outlets)

    def _open(self, events: Events) -> LiveReader | None:
        """Open the source; None if the end was asked for while it was waited for."""
        try:
            return LiveReader(self._source.text, self._command.read, events, stopped=self._stopped)
        except OSError as error:
            if not self._is_asked:
                raise
            self._say(str(error))
            self.succeeded = True
            return None

    def _new_recorder(self, header: ClipHeader, events: Events, threads: int) -> Recorder | None:
        folder, command = self._folder, self._command
        if folder is None:
            return None
        video_threads = threads if command.video else None
        recorder = Recorder(folder, header, events, command.segment, video_threads)
        if recorder.first_segment:
            name = segment_name(recorder.first_segment)
            self._say(f"{folder} holds a recording; it goes on with {name}")
        return recorder

    def _new_session(
        self, reader: LiveReader, estimator: PoseEstimator, recorder: Recorder | None
    ) -> LiveSession:
        command = self._command
        look = estimator if command.propagate else None
        tracker = build_tracker(command.track, command.smooth, look)
        return LiveSession(reader, estimator, command.options, tracker, recorder)

    def _outlets(self, header: ClipHeader, events: Events, stack: ExitStack) -> list[Outlet]:
        outlets = []
        for address in self._command.send_to:
            carrier = open_carrier(address, self.name)
            outlets.append(Outlet(carrier, header_to_json(header), events, self.name))
            stack.callback(outlets[-1].close)
        return outlets

    def _finish(
        self, summary: LiveSummary, described: dict[str, Any], outlets: list[Outlet]
    ) -> None:
        if self._folder is not None:
            write_summary(self._folder, summary, described)
        self._say_end(summary)
        for outlet in outlets:
            outlet.close()
            self._say(outlet.line())
        self.succeeded = summary.succeeded

    def _say_end(self, summary: LiveSummary) -> None:
        status = summary.status
        late = status.whole_run.to_json()
        dropped = ", ".join(f"{count} {why}" for why, count in status.counts.dropped.items())
        self._say(
            f"{status.counts.captured} frames captured, {status.counts.processed} processed, "
            f"{status.counts.dropped_total} dropped" + (f" ({dropped})" if dropped else "")
        )
        if late["p50"] is not None:
            self._say(f"latency p50 {late['p50']} ms, p95 {late['p95']} ms, p99 {late['p99']} ms")
        if summary.recording is not None:
            self._say(f"{self._folder}: {summary.recording['frames']} frames recorded")
            if summary.recording["failure"]:
                self._complain(f"error: {summary.recording['failure']}")
        if summary.failure:
            self._complain(f"error: {summary.failure}")
