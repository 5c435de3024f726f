"""What the live command does: shows the page, loads the networks, and runs every camera."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tqdm import tqdm

from pipeline.engine.stage import StageError
from pipeline.items import PosedFrame
from pipeline.live.signals import stop_on_signals
from pipeline.writers.window import Window, why_no_window
from rmpe.error_words import in_words
from rmpe_cli.live.camera import CameraRun, Say
from rmpe_cli.live.plan import LiveCommand

if TYPE_CHECKING:
    from pipeline.live.serving.hub import ViewHub
    from rmpe.estimator import PoseEstimator

_LINE_EVERY_S = 0.25

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    exit_code: int
    """0 when the sources ended by themselves or by request, 1 when one or a recording failed."""
    at_once: bool
    """Whether somebody asked for the end and waits for it, or a stage was left behind busy: the
    process should end without the interpreter's own slow end (seconds, with torch loaded)."""


def run_command(
    command: LiveCommand,
    build: Callable[[], PoseEstimator],
    threads: int,
    say: Say,
    complain: Say,
) -> Ended:
    """Run to the end and say what happened.

    Args:
        command: what to do.
        build: loads what finds people and their joints, while viewers may look on.
        threads: threads of the encoder of each camera.
        say: prints a line.
        complain: prints a line about what failed.

    Raises:
        OSError: the only source, the port or the folder cannot be opened.
        StageError: a stage of the only camera failed.
    """
    with ExitStack() as stack:
        hubs = _serve(command, stack, say)
        cameras = [
            CameraRun(command, source, hub, say, complain)
            for source, hub in zip(command.sources, hubs)
        ]
        window_wanted = _window_wanted(command)
        estimator = build()
        window = Window("rmpe", estimator.skeleton) if window_wanted else None
        if window is not None:
            stack.callback(window.close)

        def stop() -> None:
            for camera in cameras:
                camera.request_stop()

        with stop_on_signals(stop), _progress(cameras, command) as advance:
            if len(cameras) == 1:
                _run_alone(cameras[0], estimator, threads, window, advance)
            else:
                _run_together(cameras, hubs, estimator, threads, complain, advance)
    succeeded = all(camera.succeeded for camera in cameras)
    return Ended(0 if succeeded else 1, any(camera.asked_to_end for camera in cameras))


def _run_alone(
    camera: CameraRun,
    estimator: PoseEstimator,
    threads: int,
    window: Window | None,
    advance: Callable[[], None],
) -> None:
    """Run the only camera on this thread, which a window needs."""

    def on_result(result: PosedFrame) -> None:
        if window is not None and not window.show(*result):
            camera.request_stop()
        advance()

    camera.run(estimator, threads, on_result)


def _run_together(
    cameras: Sequence[CameraRun],
    hubs: Sequence[ViewHub | None],
    estimator: PoseEstimator,
    threads: int,
    complain: Say,
    advance: Callable[[], None],
) -> None:
    """Run several cameras, each on a thread of its own, until the last one has ended.

    What one fails of is said, and leaves the others alone.
    """
    from pipeline.live.sharing import SharedEstimator

    shared = SharedEstimator(estimator)

    def run(camera: CameraRun, hub: ViewHub | None) -> None:
        try:
            camera.run(shared, threads)
        except (OSError, ValueError, StageError) as error:
            reason = in_words(error)
            complain(f"error: {camera.name}: {reason}")
            if hub is not None:
                hub.fail(reason)
        finally:
            if hub is not None:
                hub.close()

    runs = [
        threading.Thread(target=run, args=pair, name=pair[0].name) for pair in zip(cameras, hubs)
    ]
    for thread in runs:
        thread.start()
    for thread in runs:
        while thread.is_alive():
            thread.join(_LINE_EVERY_S)
            advance()


def _serve(command: LiveCommand, stack: ExitStack, say: Say) -> Sequence[ViewHub | None]:
    """Start the browser view if it is wanted; return a hub for every camera, None without one."""
    if command.serve is None:
        return [None] * len(command.sources)
    from pipeline.live.serving.hub import ViewHub
    from pipeline.live.serving.server import LiveServer

    hubs = [ViewHub(source.name) for source in command.sources]
    for hub in hubs:
        stack.callback(hub.close)
    server = LiveServer(hubs, *command.serve, command.token)
    stack.callback(server.stop)
    say(f"serving {server.address}")
    if command.token:
        say("the address works once; later viewers type the token")
    return hubs


def _window_wanted(command: LiveCommand) -> bool:
    if command.window is False or (command.window is None and command.serve is not None):
        return False
    reason = why_no_window()
    if reason and (command.window or command.record is None):
        log.warning("no window: %s; --serve PORT shows it in a browser", reason)
    return not reason


@contextmanager
def _progress(cameras: Sequence[CameraRun], command: LiveCommand) -> Iterator[Callable[[], None]]:
    """Yield what refreshes the progress line, a few times a second and on a terminal only."""
    hidden = command.quiet or not sys.stderr.isatty()
    tqdm.monitor_interval = 0  # no thread of its own
    next_s = 0.0
    with tqdm(bar_format="{desc}", disable=hidden, dynamic_ncols=True) as bar:

        def advance() -> None:
            nonlocal next_s
            if not hidden and time.monotonic() >= next_s:
                next_s = time.monotonic() + _LINE_EVERY_S
                lines = [camera.name and f"{camera.name}: " for camera in cameras]
                bar.set_description_str(
                    "; ".join(name + camera.line for name, camera in zip(lines, cameras))
                )

        yield advance
