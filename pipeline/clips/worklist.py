"""Many clips, one after another, with one set of networks; a bad clip does not stop the rest."""

from __future__ import annotations

import csv
import io
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pipeline.clips.clip import ClipSummary
from pipeline.clips.jobs import ClipJob, frames_saved, run_job
from pipeline.clips.journal import write_atomically
from pipeline.engine.stage import StageError
from pipeline.engine.stats import aligned
from pipeline.items import PosedFrame
from pipeline.readers.address import shown_source
from pipeline.readers.base import ClipInfo
from pipeline.sources import NetworkPoses
from pipeline.storage.delivery import put_text
from pipeline.storage.store import Stored
from rmpe.error_words import in_words
from rmpe.formats.outputs import FAILURES_NAME, SUMMARY_NAME

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

State = Literal["done", "already done", "damaged", "failed", "not run"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipOutcome:
    """What came of one clip of a list."""

    source: str
    """The clip."""
    folder: str
    """Its output folder."""
    state: State
    """``damaged``: done to its end, but the source has damaged places."""
    reason: str = ""
    """Why it failed or is damaged."""
    frames: int = 0
    """Frames of the records."""
    most_people: int = 0
    """People in the fullest frame."""
    identities: int = 0
    """Highest identity given."""
    seconds: float = 0.0
    """How long this call worked on it."""

    @property
    def succeeded(self) -> bool:
        """Whether the clip is whole and done."""
        return self.state in ("done", "already done")


class Watcher(Protocol):
    """Is told how a list goes on."""

    def started(self, job: ClipJob, info: ClipInfo, done: int) -> None:
        """A clip begins, ``done`` frames of which an earlier run has done."""

    def advanced(self, result: PosedFrame) -> None:
        """A frame is done."""

    def ended(self, outcome: ClipOutcome, summary: ClipSummary | None) -> None:
        """A clip is over; there is a summary unless it failed."""


def run_worklist(
    jobs: Sequence[ClipJob],
    get_estimator: Callable[[], PoseEstimator],
    watcher: Watcher,
    fail_fast: bool = False,
) -> list[ClipOutcome]:
    """Do what is left of every clip, in order, and return what came of each.

    Args:
        jobs: the clips.
        get_estimator: gives the estimator; called for the first clip that needs it.
        watcher: is told of every step.
        fail_fast: stop at the first clip that is not done to its end in good order.
    """
    kept: list[PoseEstimator] = []

    def estimator() -> PoseEstimator:
        if not kept:
            kept.append(get_estimator())
        return kept[0]

    outcomes: list[ClipOutcome] = []
    for job in jobs:
        outcome, summary = attempt_job(
            job,
            estimator,
            on_start=lambda info, done, job=job: watcher.started(job, info, done),  # type: ignore[misc]
            on_frame=watcher.advanced,
        )
        outcomes.append(outcome)
        watcher.ended(outcome, summary)
        if fail_fast and not outcome.succeeded:
            break
    return [*outcomes, *map(not_run, jobs[len(outcomes) :])]


def attempt_job(
    job: ClipJob,
    get_estimator: Callable[[], PoseEstimator],
    *,
    on_start: Callable[[ClipInfo, int], None] | None = None,
    on_frame: Callable[[PosedFrame], None] | None = None,
) -> tuple[ClipOutcome, ClipSummary | None]:
    """Run one clip and return what came of it, failures of the clip included."""
    began = time.perf_counter()
    building = False

    def source() -> NetworkPoses:
        nonlocal building
        building = True
        built = NetworkPoses(get_estimator())
        building = False
        return built

    try:
        summary = run_job(job, source, on_start=on_start, on_frame=on_frame)
    except (OSError, ValueError, StageError) as error:
        kept = frames_saved(job.plan.folder) if isinstance(error, StageError) else 0
        return failed(job, in_words(error), began, kept), None
    except Exception as error:  # a fault of ours in one clip must not cost the others theirs
        if building:
            raise  # no clip's fault: the caller's estimator cannot be had by any of them
        return failed(job, f"{type(error).__name__}: {error}", began), None
    return summed_up(job, summary, time.perf_counter() - began), summary


def failed(job: ClipJob, reason: str, began: float, kept: int = 0) -> ClipOutcome:
    """Return the outcome of a clip whose run broke off, while its error is being handled.

    Args:
        job: the clip.
        reason: why, in words.
        began: when, by :func:`time.perf_counter`.
        kept: frames after which the same command goes on.
    """
    log.info("the failure in full", exc_info=True)
    if kept:
        reason += f"; its first {kept} frames are kept and the same command goes on after them"
    seconds = round(time.perf_counter() - began, 3)
    return ClipOutcome(
        shown_source(job.source),
        job.plan.shown,
        "failed",
        reason,
        frames=kept,
        seconds=seconds,
    )


def summed_up(job: ClipJob, summary: ClipSummary, seconds: float) -> ClipOutcome:
    """Return the outcome of a clip that was done to its end."""
    state: State = "already done" if summary.already_done else "done"
    reason = ""
    if summary.decoder_errors:
        state = "damaged"
        reason = f"damaged in {summary.decoder_errors} places; {summary.decoder_messages[0]}"
    return ClipOutcome(
        shown_source(job.source),
        job.plan.shown,
        state,
        reason,
        summary.frames,
        summary.most_people,
        summary.identities,
        round(seconds, 3),
    )


def not_run(job: ClipJob) -> ClipOutcome:
    """Return the outcome of a clip that was left out after another one's failure."""
    return ClipOutcome(shown_source(job.source), job.plan.shown, "not run")


def failure_line(outcome: ClipOutcome) -> str:
    """Return in one line which clip is not done in good order, and why."""
    reason = " ".join(outcome.reason.split())
    return reason if outcome.source in reason else f"{outcome.source}: {reason}"


def worklist_table(outcomes: Sequence[ClipOutcome], told: Collection[str] = ()) -> str:
    """Return a table of what came of every clip, below it the reasons that were not told before."""
    rows: list[tuple[str, ...]] = [("clip", "state", "frames", "people", "ids", "s")]
    rows += [
        (o.source, o.state, *map(str, (o.frames, o.most_people, o.identities)), f"{o.seconds:.1f}")
        for o in outcomes
    ]
    lines = aligned(rows, (0, 1))
    counts = Counter(outcome.state for outcome in outcomes)
    lines.append(f"{len(outcomes)} clips: " + ", ".join(f"{n} {s}" for s, n in counts.items()))
    lines += [failure_line(o) for o in outcomes if o.reason and o.reason not in told]
    return "\n".join(lines)


def write_worklist_summary(folder: Path | str, outcomes: Iterable[ClipOutcome]) -> None:
    """Write what came of every clip into a folder, or its address in a store: all, and failures.

    ``summary.json`` has every clip, ``failures.csv`` those that are not done in good order; without
    any there is none.

    Raises:
        OSError: a file cannot be written.
    """
    listed = list(outcomes)
    item = {
        "clips": len(listed),
        "states": dict(Counter(outcome.state for outcome in listed)),
        "frames": sum(outcome.frames for outcome in listed),
        "outcomes": [asdict(outcome) for outcome in listed],
    }
    _write(folder, SUMMARY_NAME, json.dumps(item, indent=2, ensure_ascii=False) + "\n")
    _write(folder, FAILURES_NAME, failures_csv(listed))


def failures_csv(outcomes: Iterable[ClipOutcome]) -> str:
    """Return the clips that are not done in good order as CSV, empty where there are none."""
    failures = [outcome for outcome in outcomes if not outcome.succeeded]
    if not failures:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("clip", "folder", "state", "reason", "frames"))
    writer.writerows((o.source, o.folder, o.state, o.reason, o.frames) for o in failures)
    return text.getvalue()


def _write(folder: Path | str, name: str, text: str) -> None:
    """Write a text into a folder; an empty one removes what was there."""
    if isinstance(folder, str):
        target = Stored.at(folder).child(name)
        put_text(target, text) if text else target.remove()
        return
    folder.mkdir(parents=True, exist_ok=True)
    if text:
        write_atomically(folder / name, text)
    else:
        (folder / name).unlink(missing_ok=True)
