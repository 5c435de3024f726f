"""What the live command does: opens the source and the views, runs, and says how it went."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from pipeline.items import PosedFrame
from pipeline.live.capture.address import parse_source
from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.events import Events
from pipeline.live.outlets import Outlet, open_carrier
from pipeline.live.recording import Recorder, SegmentRule, segment_name
from pipeline.live.results import Viewer
from pipeline.live.session import (
    LiveOptions,
    LiveSession,
    LiveSummary,
    warm_up,
    write_summary,
)
from pipeline.live.signals import stop_on_signals
from pipeline.stages.track import build_tracker
from pipeline.writers.window import Window, why_no_window
from rmpe.formats import ClipHeader
from rmpe.formats.native import header_to_json

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator
    from rmpe_cli.live.command import LiveChoices

_LINE_EVERY_S = 0.25

log = logging.getLogger(__name__)

Say = Callable[[str], None]


@dataclass(frozen=True)
class LiveCommand:
    """The options of the live command, checked before anything is loaded."""

    source: str
    """What is read, see :func:`~pipeline.live.capture.address.parse_source`."""
    read: LiveReadOptions
    """How it is read."""
    options: LiveOptions
    """How the run goes."""
    track: bool = True
    """Give identities."""
    smooth: bool = False
    """Smooth joints over time."""
    propagate: bool = True
    """With identities, look for people whom the detector missed where they should be."""
    serve: tuple[str, int] | None = None
    """Host and port of the browser view; None serves nothing."""
    token: str = ""
    """What viewers must know."""
    send_to: tuple[str, ...] = ()
    """Where results are handed on to, see :func:`~pipeline.live.outlets.open_carrier`."""
    record: Path | None = None
    """Folder to record into; None records nothing."""
    segment: SegmentRule | None = None
    """When a new segment begins."""
    video: bool = True
    """Record the annotated video too."""
    window: bool | None = None
    """Open a window; None opens one if nothing is served and there is a screen."""
    quiet: bool = False
    """No progress line."""
    described: Mapping[str, Any] | None = None
    """The options as they were given, for the records' header and the summary."""

    @classmethod
    def from_choices(
        cls, source: str, live: LiveChoices, described: Mapping[str, Any]
    ) -> LiveCommand:
        """Return the command that the command line's options mean.

        Args:
            source: what is read.
            live: the options.
            described: the options for the records' header and the summary.

        Raises:
            ValueError: one of them means nothing, or needs another, or an extra is missing.
        """
        parse_source(source)
        build_tracker(live.track, live.smooth)
        for address in live.send_to:
            open_carrier(address)
        if live.segment and live.record is None:
            raise ValueError("--segment divides a recording: it needs --record FOLDER")
        token = live.secret()
        if (live.token_file or live.token) and not live.serve:
            raise ValueError("--token protects the browser view: it needs --serve PORT")
        return cls(
            source=source,
            read=LiveReadOptions(
                policy=live.policy,
                max_backlog=live.max_backlog,
                reconnect_s=live.reconnect,
                stall_s=live.stall,
            ),
            options=LiveOptions(live.max_latency, _parse_every(live.detect_every)),
            track=live.track,
            smooth=live.smooth,
            propagate=live.propagate,
            serve=_parse_serve(live.serve) if live.serve else None,
            token=token,
            send_to=live.send_to,
            record=live.record,
            segment=SegmentRule.parse(live.segment) if live.segment else None,
            video=not live.no_video,
            window=live.window,
            quiet=live.quiet,
            described=described,
        )


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    exit_code: int
    """0 when the source ended by itself or by request, 1 when it or the recording failed."""
    at_once: bool
    """Whether somebody asked for the end and waits for it, or a stage was left behind busy: the
    process should end without the interpreter's own slow end (seconds, with torch loaded)."""


def run_command(
    command: LiveCommand, estimator: PoseEstimator, threads: int, say: Say, complain: Say
) -> Ended:
    """Run to the end and say what happened.

    Args:
        command: what to do.
        estimator: finds people and their joints.
        threads: threads of the decoder and of the encoder, each.
        say: prints a line.
        complain: prints a line about what failed.

    Raises:
        OSError: the source, the port or the folder cannot be opened.
        StageError: a stage failed.
    """
    look = estimator if command.propagate else None
    tracker = build_tracker(command.track, command.smooth, look)
    window_wanted = _window_wanted(command)
    events = Events()
    with ExitStack() as stack:
        reader = LiveReader(command.source, command.read, events)
        stack.callback(reader.close)
        info, described = reader.info, dict(command.described or {})
        warm_up(estimator, info.width or 640, info.height or 480)
        header = ClipHeader(
            estimator.skeleton, info.source, info.width, info.height, info.fps, described
        )
        recorder = None
        if command.record is not None:
            video_threads = threads if command.video else None
            recorder = Recorder(command.record, header, events, command.segment, video_threads)
            if recorder.first_segment:
                name = segment_name(recorder.first_segment)
                say(f"{command.record} holds a recording; it goes on with {name}")
        session = LiveSession(reader, estimator, command.options, tracker, recorder)
        viewers = _serve(command, session, header, events, stack, say)
        outlets = [
            Outlet(open_carrier(address), header_to_json(header), events)
            for address in command.send_to
        ]
        for outlet in outlets:
            stack.callback(outlet.close)
        window = Window("rmpe", estimator.skeleton) if window_wanted else None
        if window is not None:
            stack.callback(window.close)
        with stop_on_signals(session.request_stop), _progress(session, command) as advance:

            def on_result(result: PosedFrame) -> None:
                if window is not None and not window.show(*result):
                    session.request_stop()
                advance()

            summary = session.run([*viewers, *outlets], on_result)
        if command.record is not None:
            write_summary(command.record, summary, described)
        _say_end(summary, command, say, complain)
        for outlet in outlets:
            outlet.close()
            say(outlet.line())
    return Ended(0 if summary.succeeded else 1, session.stop_requested or session.left_behind)


def _serve(
    command: LiveCommand,
    session: LiveSession,
    header: ClipHeader,
    events: Events,
    stack: ExitStack,
    say: Say,
) -> list[Viewer]:
    """Start the browser view if it is wanted; return the viewers that the run must show to."""
    if command.serve is None:
        return []
    from pipeline.live.serving.hub import ViewHub
    from pipeline.live.serving.server import LiveServer

    hub = ViewHub(header.skeleton, header_to_json(header), events, session.page_status)
    stack.callback(hub.close)
    server = LiveServer(hub, *command.serve, command.token)
    stack.callback(server.stop)
    say(f"serving {server.address}")
    if command.token:
        say("the address works once; later viewers type the token")
    return [hub]


def _parse_serve(text: str) -> tuple[str, int]:
    try:
        from pipeline.live.serving.server import parse_listen
    except ModuleNotFoundError as error:
        raise ValueError(f"--serve needs the extra: pip install 'rmpe[serve]' ({error})") from error
    return parse_listen(text)


def _parse_every(text: str) -> Any:
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise ValueError(f"got detect-every {text!r}, needed is auto or a number from 1 on")
    return int(text)


def _window_wanted(command: LiveCommand) -> bool:
    if command.window is False or (command.window is None and command.serve is not None):
        return False
    reason = why_no_window()
    if reason and (command.window or command.record is None):
        log.warning("no window: %s; --serve PORT shows it in a browser", reason)
    return not reason


@contextmanager
def _progress(session: LiveSession, command: LiveCommand) -> Iterator[Callable[[], None]]:
    """Yield what refreshes the progress line, a few times a second and on a terminal only."""
    hidden = command.quiet or not sys.stderr.isatty()
    tqdm.monitor_interval = 0  # no thread of its own
    next_s = 0.0
    with tqdm(bar_format="{desc}", disable=hidden, dynamic_ncols=True) as bar:

        def advance() -> None:
            nonlocal next_s
            if not hidden and time.monotonic() >= next_s:
                next_s = time.monotonic() + _LINE_EVERY_S
                bar.set_description_str(session.status().line())

        yield advance


def _say_end(summary: LiveSummary, command: LiveCommand, say: Say, complain: Say) -> None:
    status = summary.status
    late = status.whole_run.to_json()
    dropped = ", ".join(f"{count} {why}" for why, count in status.counts.dropped.items())
    say(
        f"{status.counts.captured} frames captured, {status.counts.processed} processed, "
        f"{status.counts.dropped_total} dropped" + (f" ({dropped})" if dropped else "")
    )
    if late["p50"] is not None:
        say(f"latency p50 {late['p50']} ms, p95 {late['p95']} ms, p99 {late['p99']} ms")
    if summary.recording is not None:
        say(f"{command.record}: {summary.recording['frames']} frames recorded")
        if summary.recording["failure"]:
            complain(f"error: {summary.recording['failure']}")
    if summary.failure:
        complain(f"error: {summary.failure}")
