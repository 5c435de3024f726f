"""One clip of a worklist: look at what its folder holds, and begin, go on, or leave it be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pipeline.clips.claiming import claim_folder, prepare_folder
from pipeline.clips.clip import ClipSummary, process_clip
from pipeline.clips.delivered import run_and_deliver
from pipeline.clips.folder_lock import FolderLock
from pipeline.clips.journal import (
    CHECKPOINT_NAME,
    CHUNKS_NAME,
    SAVE_EVERY_S,
    WORK_NAME,
    Checkpoint,
    Journal,
)
from pipeline.clips.more_formats import add_formats
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.request import differences, plain_request, stamp_of
from pipeline.items import PosedFrame
from pipeline.options import RunOptions
from pipeline.readers.address import shown_source
from pipeline.readers.base import ClipInfo
from pipeline.readers.frames import open_clip
from pipeline.readers.span import Span
from pipeline.sources import PoseSource
from pipeline.stages.track import build_tracker
from pipeline.storage.staging import fetch_source
from pipeline.storage.store import Stored, is_stored
from rmpe.drawing import Look
from rmpe.formats.outputs import RECORDS_NAME, SUMMARY_NAME

SOURCE_NAME = "source"
"""Folder of a copy of the clip, in that of what a run needs only while it is unfinished."""

Rerun = Literal["go_on", "overwrite"]


@dataclass(frozen=True)
class ClipJob:
    """Everything that is to be done with one clip, apart from the estimator."""

    source: str
    """File or address."""
    local: str = field(default="", kw_only=True)
    """Copy of the source on this disk, of one that lies in a store."""
    plan: OutputPlan
    """What is written, where to."""
    fps: float = 0.0
    """Frames a second of a clip that lies in pictures; 0: the source is a video."""
    span: Span = field(default_factory=Span)
    """Part of the clip."""
    options: RunOptions = field(default_factory=RunOptions)
    """How the run goes."""
    track: bool = True
    """Give identities."""
    smooth: bool = False
    """Smooth joints over time."""
    propagate: bool = False
    """With identities, look for people whom the detector missed where they should be; not where
    boxes come from a file."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """What decides the poses, estimator included: what JSON can hold. Runs of the same clip with
    equal requests, files and outputs are the same run."""
    files: tuple[Path, ...] = ()
    """Files whose content decides the poses: boxes, weights."""
    header_options: Mapping[str, Any] = field(default_factory=dict)
    """How the run was asked for in all, for the records' header and the summary."""
    rerun: Rerun = "go_on"
    """What to do with a folder that holds results: go on, or do nothing where nothing is left; or
    begin again."""
    threads: int = 1
    """Threads of the decoder."""
    save_every_s: float = SAVE_EVERY_S
    """Shortest time between two checkpoints."""
    first: int = 0
    """Frames of the clip before this part of it, a multiple of the chunk."""
    end: int | None = None
    """Frames of the clip after which this part ends; None goes on to the end."""

    def inputs(self) -> list[str]:
        """Return the files and addresses that are read."""
        return [self.source, *map(str, self.files)]

    def whole_request(self) -> dict[str, Any]:
        """Return all that is asked for: request, outputs, and the state of its files."""
        item = {
            **self.request,
            "source": shown_source(self.source),
            "files": {shown_source(name): stamp_of(name) for name in self.inputs()},
            "chunk": self.options.chunk,
            "part": [self.first, self.end],
            "outputs": [*self.plan.formats, *self.plan.flags],
        }
        if self.plan.look != Look():
            item["look"] = asdict(self.plan.look)
        request: dict[str, Any] = json.loads(json.dumps(item, sort_keys=True, default=str))
        return plain_request(request)


def run_job(
    job: ClipJob,
    get_poses: Callable[[], PoseSource],
    *,
    on_start: Callable[[ClipInfo, int], None] | None = None,
    on_frame: Callable[[PosedFrame], None] | None = None,
) -> ClipSummary:
    """Do what is left to do for one clip and return what came of it.

    A finished clip is left as it is and its stored summary returned, without asking for
    poses. An unfinished one goes on from its latest checkpoint.

    Args:
        job: the clip.
        get_poses: gives what finds people and joints, or has them stored; called at most once.
        on_start: called with the clip and the frames that are already done.
        on_frame: called with every result, for progress.

    Raises:
        OSError: the clip cannot be read, the folder not written or is in use by another run.
        ValueError: the folder holds results of a run that was asked for something else.
        StageError: a stage failed.
    """
    folder = job.plan.folder
    is_new = claim_folder(folder)
    try:
        with FolderLock(folder):
            if not job.plan.address:
                return _run_locked(job, get_poses, on_start, on_frame)
            return run_and_deliver(
                job.plan,
                job.inputs(),
                lambda: _run_locked(job, get_poses, on_start, on_frame),
                go_on=job.rerun == "go_on",
            )
    finally:
        if is_new or job.plan.address:
            with suppress(OSError):
                folder.rmdir()  # empty: the clip could not even be opened, or all is uploaded


def with_source_here(job: ClipJob) -> ClipJob:
    """Return the job with a copy of its source on this disk, if that lies in a store.

    The copy lies in the folder's hidden one, so that a run that goes on finds it and the end of
    the run removes it.

    Raises:
        OSError: it cannot be fetched.
    """
    if job.local or not is_stored(job.source):
        return job
    folder = job.plan.folder / WORK_NAME / SOURCE_NAME
    return replace(job, local=str(fetch_source(Stored.at(job.source), folder)))


def _run_locked(
    job: ClipJob,
    get_poses: Callable[[], PoseSource],
    on_start: Callable[[ClipInfo, int], None] | None,
    on_frame: Callable[[PosedFrame], None] | None,
) -> ClipSummary:
    folder, request = job.plan.folder, job.whole_request()
    work = folder / WORK_NAME
    if job.rerun == "go_on":
        add_formats(job.plan, request)
        finished = finished_run(folder, request)
        if finished is not None:
            shutil.rmtree(work, ignore_errors=True)
            return finished
    overwrite = job.rerun == "overwrite"
    if overwrite or Checkpoint.load(work / CHECKPOINT_NAME) is None:
        prepare_folder(job.plan, job.inputs(), overwrite=overwrite)
    poses = get_poses()
    fresh = Checkpoint(request, poses.engine, 0, 0.0)
    start = fresh if overwrite else _latest(work, fresh)
    job = with_source_here(job)
    reader = open_clip(
        job.local or job.source,
        job.span,
        job.threads,
        fps=job.fps,
        first=job.first,
        skip=start.frames,
        end=job.end,
        called=job.source,
    )
    try:
        if not start.frames:
            shutil.rmtree(work / CHUNKS_NAME, ignore_errors=True)
            (work / CHECKPOINT_NAME).unlink(missing_ok=True)
        work.mkdir(exist_ok=True)
        (folder / SUMMARY_NAME).unlink(missing_ok=True)
        journal = Journal(
            work / CHECKPOINT_NAME,
            start,
            job.options.chunk,
            folder / RECORDS_NAME,
            job.save_every_s,
        )
        looks = job.propagate and job.options.boxes is None
        tracker = build_tracker(job.track, job.smooth, poses.looker() if looks else None)
        if tracker is not None:
            if start.frames:
                tracker.restore(start.tracker_state)
            tracker = journal.watch(tracker)
        if on_start is not None:
            on_start(reader.info, start.frames)
    except BaseException:
        reader.close()
        raise
    summary = process_clip(
        reader,
        poses,
        job.plan,
        options=job.options,
        tracker=tracker,
        request=job.header_options,
        on_frame=on_frame,
        sound_of="" if job.fps > 0 else job.local or job.source,
        start=start,
        journal=journal,
    )
    shutil.rmtree(work, ignore_errors=True)
    return summary


def finished_run(folder: Path, request: Mapping[str, Any]) -> ClipSummary | None:
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
    before = plain_request(summary.request)
    if before != request:
        raise ValueError(
            f"{folder} holds a finished run that was asked for otherwise "
            f"({differences(before, request)}); --overwrite replaces it"
        )
    return replace(summary, already_done=True)


def frames_saved(folder: Path) -> int:
    """Return the frames of a folder's unfinished run after which it would go on."""
    saved = Checkpoint.load(folder / WORK_NAME / CHECKPOINT_NAME)
    return saved.frames if saved else 0


def _latest(work: Path, fresh: Checkpoint) -> Checkpoint:
    """Return where to go on: the checkpoint of the folder, or the beginning."""
    saved = Checkpoint.load(work / CHECKPOINT_NAME)
    if saved is None:
        return fresh
    otherwise = ""
    before = plain_request(saved.request)
    if before != fresh.request:
        otherwise = f"asked for otherwise ({differences(before, fresh.request)})"
    elif saved.engine != fresh.engine:
        otherwise = f"by another engine or with other weights ({saved.engine}; now {fresh.engine})"
    if otherwise:
        raise ValueError(
            f"{work.parent} holds an unfinished run of {saved.frames} frames, {otherwise}; "
            "--overwrite begins again"
        )
    return saved
