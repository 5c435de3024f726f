"""One clip of a worklist: look at what its folder holds, and begin, go on, or leave it be."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.assemble import RunOptions
from pipeline.clip import SUMMARY_NAME, ClipSummary, process_clip
from pipeline.flow import PosedFrame
from pipeline.folder_lock import FolderLock
from pipeline.journal import SAVE_EVERY_S, Checkpoint, Journal
from pipeline.outputs import RECORDS_NAME, WORK_NAME, OutputPlan
from pipeline.readers.base import ClipInfo
from pipeline.readers.video import Span, VideoReader
from pipeline.stages.track import build_tracker

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

CHECKPOINT_NAME = "checkpoint.json"

Rerun = Literal["go_on", "overwrite"]


@dataclass(frozen=True)
class ClipJob:
    """Everything that is to be done with one clip, apart from the estimator."""

    source: str
    """File or address."""
    plan: OutputPlan
    """What is written, where to."""
    span: Span = field(default_factory=Span)
    """Part of the clip."""
    options: RunOptions = field(default_factory=RunOptions)
    """How the run goes."""
    track: bool = True
    """Give identities."""
    smooth: bool = False
    """Smooth joints over time."""
    described: Mapping[str, Any] = field(default_factory=dict)
    """How the run was asked for, estimator included: what JSON can hold. Runs with equal
    descriptions of the same file are the same run."""
    rerun: Rerun = "go_on"
    """What to do with a folder that holds results: go on, or do nothing where nothing is left; or
    begin again."""
    threads: int = 1
    """Threads of the decoder."""
    save_every_s: float = SAVE_EVERY_S
    """Shortest time between two checkpoints."""
    first: int = 0
    """Frames of the clip to leave out, a multiple of the section: this is a later part of it."""
    end: int | None = None
    """Frames of the clip after which this part ends; None goes on to the end."""

    def asked(self) -> str:
        """Return a digest of what is asked for: description, outputs, and the files it names."""
        files = [self.source, *(v for v in self.described.values() if isinstance(v, str))]
        item = {
            "described": dict(self.described),
            "source": self.source,
            "files": {name: _stamp(name) for name in files},
            "section": self.options.section,
            "part": [self.first, self.end],
            "outputs": [*self.plan.formats, self.plan.video, self.plan.images],
        }
        text = json.dumps(item, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def run_job(
    job: ClipJob,
    get_estimator: Callable[[], PoseEstimator],
    *,
    on_start: Callable[[ClipInfo, int], None] | None = None,
    on_frame: Callable[[PosedFrame], None] | None = None,
) -> ClipSummary:
    """Do what is left to do for one clip and return what came of it.

    A finished clip is left as it is and its stored summary returned, without asking for the
    estimator. An unfinished one goes on from its latest checkpoint.

    Args:
        job: the clip.
        get_estimator: gives the estimator; called at most once.
        on_start: called with the clip and the frames that are already done.
        on_frame: called with every result, for progress.

    Raises:
        OSError: the clip cannot be read, the folder not written or is in use by another run.
        ValueError: the folder holds results of a run that was asked for something else.
        StageError: a stage failed.
    """
    folder = job.plan.folder
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FolderLock(folder):
            return _run_locked(job, get_estimator, on_start, on_frame)
    finally:
        if is_new:
            with suppress(OSError):
                folder.rmdir()  # still empty: the clip could not even be opened


def _run_locked(
    job: ClipJob,
    get_estimator: Callable[[], PoseEstimator],
    on_start: Callable[[ClipInfo, int], None] | None,
    on_frame: Callable[[PosedFrame], None] | None,
) -> ClipSummary:
    folder, asked = job.plan.folder, job.asked()
    work = folder / WORK_NAME
    if job.rerun == "go_on":
        finished = finished_run(folder, asked)
        if finished is not None:
            shutil.rmtree(work, ignore_errors=True)
            return finished
    estimator = get_estimator()
    fresh = Checkpoint(asked, _engine(estimator), 0, 0.0)
    start = fresh if job.rerun == "overwrite" else _latest(work, fresh)
    skip = job.first + start.frames
    reader = VideoReader(job.source, job.span, job.threads, skip=skip, end=job.end)
    try:
        if not start.frames:
            shutil.rmtree(work, ignore_errors=True)
        work.mkdir(exist_ok=True)
        (folder / SUMMARY_NAME).unlink(missing_ok=True)
        tracker = build_tracker(job.track, job.smooth)
        if tracker is not None and start.frames:
            tracker.restore(start.tracker_state)
        journal = Journal(
            work / CHECKPOINT_NAME,
            start,
            job.options.section,
            folder / RECORDS_NAME,
            tracker,
            job.save_every_s,
        )
        if on_start is not None:
            on_start(reader.info, start.frames)
    except BaseException:
        reader.close()
        raise
    summary = process_clip(
        reader,
        estimator,
        job.plan,
        options=job.options,
        described=job.described,
        on_frame=on_frame,
        journal=journal,
    )
    shutil.rmtree(work, ignore_errors=True)
    return summary


def finished_run(folder: Path, asked: str) -> ClipSummary | None:
    """Return the summary of a folder's finished run, None if there is none.

    Raises:
        ValueError: the run was asked for something else.
    """
    try:
        item = json.loads((folder / SUMMARY_NAME).read_text("utf-8"))
        summary = ClipSummary.from_json(item)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    if not summary.complete or not (folder / RECORDS_NAME).exists():
        return None
    if summary.asked != asked:
        raise ValueError(
            f"{folder} holds a finished run of another clip or with other options; "
            "--overwrite replaces it"
        )
    return replace(summary, already_done=True)


def _latest(work: Path, fresh: Checkpoint) -> Checkpoint:
    """Return where to go on: the checkpoint of the folder, or the beginning."""
    saved = Checkpoint.load(work / CHECKPOINT_NAME)
    if saved is None:
        return fresh
    for what, got, needed in [
        ("of another clip or with other options", saved.asked, fresh.asked),
        (f"by another engine ({saved.engine})", saved.engine, fresh.engine),
    ]:
        if got != needed:
            raise ValueError(
                f"{work.parent} holds an unfinished run {what}, {saved.frames} frames long; "
                "--overwrite begins again"
            )
    return saved


def _engine(estimator: PoseEstimator) -> str:
    """Return what computes the poses, in words; a run goes on only with the same."""
    try:
        version = importlib.metadata.version("rmpe")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return f"rmpe {version}, {getattr(estimator.runtime, 'description', '')}"


def _stamp(name: str) -> list[int] | None:
    """Return size and time of change of a file; None for what is no file."""
    with suppress(OSError, ValueError):
        if os.path.isfile(name):
            status = os.stat(name)
            return [status.st_size, status.st_mtime_ns]
    return None
