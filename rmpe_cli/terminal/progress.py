"""Tells on a terminal how a run goes on: a bar, a table of stages, a line for each clip."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from pipeline.clips.worklist import failure_line
from pipeline.engine.stats import stage_table

if TYPE_CHECKING:
    from pipeline.clips.clip import ClipSummary
    from pipeline.clips.jobs import ClipJob
    from pipeline.clips.worklist import ClipOutcome
    from pipeline.items import PosedFrame
    from pipeline.readers.base import ClipInfo

Echo = Callable[[str], object]


def frame_bar(expected: int, quiet: bool, done: int = 0) -> tqdm[Any]:
    """Return a bar on stderr for the frames of a clip; hidden if quiet or no terminal.

    Args:
        expected: frames of the clip, 0 where that is not known.
        quiet: hide it.
        done: frames that an earlier run has done.
    """
    tqdm.monitor_interval = 0  # no thread of its own; every frame moves the bar
    return tqdm(
        total=expected or None,
        initial=done,
        unit="frame",
        disable=quiet or not sys.stderr.isatty(),
        dynamic_ncols=True,
    )


def tell_end(summary: ClipSummary, echo_error: Echo, quiet: bool) -> None:
    """Print the stages' times unless quiet, what was odd, and what of the source is damaged."""
    if summary.stats and not quiet:
        echo_error(stage_table(summary.stats))
    for warning in summary.warnings:
        echo_error(f"warning: {summary.source}: {warning}")
    if summary.decoder_errors:
        echo_error(
            f"error: {summary.source} is damaged in {summary.decoder_errors} places, the "
            f"{summary.frames} frames that came are kept; {summary.decoder_messages[0]}"
        )


class TerminalWatcher:
    """A :class:`~pipeline.clips.worklist.Watcher` with a bar for each clip.

    Of a single clip its table of stages and a line of results are printed. Of a list everything is
    told once: failures at once, the rest in the table at the end; in between a terminal has the
    bar, a log a line for each clip.

    Args:
        echo: prints a line of results.
        echo_error: prints a line about the run, and errors.
        quiet: neither bar nor tables.
        single: whether there is one clip only.
    """

    def __init__(
        self, echo: Echo, echo_error: Echo, quiet: bool = False, single: bool = True
    ) -> None:
        self._echo = echo
        self._echo_error = echo_error
        self._quiet = quiet
        self._single = single
        self._bar: tqdm[Any] | None = None
        self.told: set[str] = set()
        """Reasons of failures that were printed."""

    def started(self, job: ClipJob, info: ClipInfo, done: int) -> None:
        """Begin a bar."""
        if done:
            self._echo_error(f"{job.plan.shown}: going on after {done} frames")
        self._bar = frame_bar(info.frames_expected, self._quiet, done)

    def advanced(self, result: PosedFrame) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.set_postfix(people=len(result.poses), refresh=False)
            self._bar.update()

    def ended(self, outcome: ClipOutcome, summary: ClipSummary | None) -> None:
        """Close the bar and say what came of the clip."""
        has_bar = self._bar is not None and not self._bar.disable
        self.close()
        if outcome.reason:
            self.told.add(outcome.reason)
        if summary is None:
            self._echo_error(f"error: {failure_line(outcome)}")
            return
        tell_end(summary, self._echo_error, self._quiet or not self._single)
        already = "already done, " if summary.already_done else ""
        line = (
            f"{outcome.folder}: {already}{summary.frames} frames, "
            f"up to {summary.most_people} people"
        )
        if self._single or self._quiet:
            self._echo(line)
        elif not has_bar:
            self._echo_error(line)

    def close(self) -> None:
        """Close the bar; allowed twice."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class FleetBar:
    """One bar for all clips of a fleet, and a line for each that is over.

    Args:
        echo_error: prints a line.
        quiet: neither bar nor lines, except for what failed; a terminal has the bar in place of
            lines, and the table at the end.
    """

    def __init__(self, echo_error: Echo, quiet: bool = False) -> None:
        self._bar = frame_bar(0, quiet)
        self._echo_error = echo_error
        self._quiet = quiet
        self.told: set[str] = set()
        """Reasons of failures that were printed."""

    def __enter__(self) -> FleetBar:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def advance(self, frames: int) -> None:
        """Count frames."""
        self._bar.update(frames)

    def ended(self, outcome: ClipOutcome) -> None:
        """Say what came of a clip or a part of one."""
        if outcome.reason:
            self.told.add(outcome.reason)
            self._echo_error(f"error: {failure_line(outcome)}")
        elif self._bar.disable and not self._quiet:
            self._echo_error(f"{outcome.folder}: {outcome.state}, {outcome.frames} frames")
