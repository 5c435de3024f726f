"""Lists of clips on one process or on Ray's workers, long clips in parts if that is wanted."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

from pipeline.clips.claiming import claim_folder
from pipeline.clips.clip import ClipSummary
from pipeline.clips.folder_lock import FolderLock
from pipeline.clips.jobs import ClipJob, finished_run, with_source_here
from pipeline.clips.journal import WORK_NAME
from pipeline.clips.more_formats import add_formats
from pipeline.clips.parts import join_parts, part_jobs
from pipeline.clips.worklist import ClipOutcome, attempt_job, failed, run_worklist, summed_up
from pipeline.engine.stage import StageError
from pipeline.fleet.ray_workers import BuildEstimator, FleetOptions, run_on_ray
from pipeline.items import PosedFrame
from pipeline.readers.address import shown_source
from pipeline.readers.base import ClipInfo
from pipeline.stages.stored import OtherFramesError
from pipeline.storage.delivery import StoredFolder
from rmpe.error_words import in_words
from rmpe.runtimes.threads import available_cores

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

RunJobs = Callable[[Sequence[ClipJob]], "list[ClipOutcome]"]
"""Runs jobs and returns what came of each, in order."""

log = logging.getLogger(__name__)


def run_fleet(
    jobs: Sequence[ClipJob],
    build: BuildEstimator,
    workers: FleetOptions | None,
    *,
    parts: int = 1,
    fail_fast: bool = False,
    on_frames: Callable[[int], object] = lambda count: None,
    on_end: Callable[[ClipOutcome], None] = lambda outcome: None,
) -> list[ClipOutcome]:
    """Do what is left of every clip, and return what came of each, in order.

    Args:
        jobs: the clips.
        build: gives an estimator for a number of cores; for Ray it must be picklable.
        workers: Ray's workers; None runs in this process.
        parts: parts that every clip is worked on in.
        fail_fast: begin no more clips after the first that is not done in good order.
        on_frames: told of the frames that were done since the last call.
        on_end: told of every clip, or part of one, that is over.

    Raises:
        ValueError: Ray is not installed, or the cluster has no room for a worker.
        ConnectionError: there is no cluster at the address.
    """

    def run_jobs(chosen: Sequence[ClipJob]) -> list[ClipOutcome]:
        if workers is not None:
            return run_on_ray(
                chosen, build, workers, on_frames=on_frames, on_end=on_end, fail_fast=fail_fast
            )
        watcher = _CountingWatcher(on_frames, on_end)
        return run_worklist(chosen, lambda: build(available_cores()), watcher, fail_fast)

    if parts == 1:
        return run_jobs(jobs)
    estimator = cache(lambda: build(available_cores()))
    return run_in_parts(jobs, parts, run_jobs, get_estimator=estimator)


class _CountingWatcher:
    """Counts frames and tells of clips that are over."""

    def __init__(
        self, count: Callable[[int], object], on_end: Callable[[ClipOutcome], None]
    ) -> None:
        self._count = count
        self._on_end = on_end

    def started(self, job: ClipJob, info: ClipInfo, done: int) -> None:
        """Nothing to tell."""

    def advanced(self, result: PosedFrame) -> None:
        """Count a frame."""
        self._count(1)

    def ended(self, outcome: ClipOutcome, summary: ClipSummary | None) -> None:
        """Tell of a clip."""
        self._on_end(outcome)


def run_in_parts(
    jobs: Sequence[ClipJob],
    count: int,
    run_jobs: RunJobs,
    on_frame: Callable[[PosedFrame], None] | None = None,
    get_estimator: Callable[[], PoseEstimator] | None = None,
) -> list[ClipOutcome]:
    """Do what is left of every clip in ``count`` parts each, and return what came of each clip.

    A clip whose parts do not have the frames of the whole, because it is damaged or its packets
    are not its frames, is run again in one go.

    Args:
        jobs: the clips.
        count: parts of a clip; short clips get fewer.
        run_jobs: runs the parts of all clips together.
        on_frame: called with every frame that is put together.
        get_estimator: gives the estimator that looks for people who are missing, see
            :func:`~pipeline.clips.parts.join_parts`.
    """
    jobs = list(jobs)
    outcomes: dict[int, ClipOutcome] = {}
    parts: dict[int, list[ClipJob]] = {}
    with ExitStack() as stack:
        for place, job in enumerate(jobs):
            try:
                finished = _finished(job)
                if finished is not None:
                    outcomes[place] = finished
                    continue
                jobs[place], parts[place] = _begin(job, count, stack)
            except (OSError, ValueError) as error:
                outcomes[place] = failed(job, in_words(error), time.perf_counter())
        every = [(place, part) for place, its_parts in parts.items() for part in its_parts]
        came_of = run_jobs([part for _, part in every])
    in_one_go: list[int] = []
    for place, its_parts in parts.items():
        its_outcomes = [outcome for (at, _), outcome in zip(every, came_of) if at == place]
        joined = _joined(jobs[place], its_parts, its_outcomes, on_frame, get_estimator)
        if joined is None:
            in_one_go.append(place)
        else:
            outcomes[place] = joined
    if in_one_go:
        outcomes |= zip(in_one_go, run_jobs([jobs[place] for place in in_one_go]))
    return [outcomes[place] for place in range(len(jobs))]


def _begin(job: ClipJob, count: int, stack: ExitStack) -> tuple[ClipJob, list[ClipJob]]:
    """Return a clip with its parts, its folder locked and a source of a store copied there."""
    folder = job.plan.folder
    is_new = claim_folder(folder)
    stack.enter_context(FolderLock(folder))
    try:
        job = with_source_here(job)
        return job, part_jobs(job, count)
    except BaseException:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _finished(job: ClipJob) -> ClipOutcome | None:
    """Return the outcome of a clip that an earlier call has finished, or uploads now."""
    if job.rerun != "go_on":
        return None
    folder = job.plan.folder
    if job.plan.address:
        if not StoredFolder.of(folder, job.plan.address).is_finished():
            return None
        return attempt_job(job, _no_estimator)[0]
    if not folder.is_dir():
        return None
    with FolderLock(folder):
        add_formats(job.plan, job.whole_request())
        summary = finished_run(folder, job.whole_request())
        if summary is None:
            return None
        # The run may have been killed while it tidied up.
        shutil.rmtree(folder / WORK_NAME, ignore_errors=True)
    return summed_up(job, summary, 0.0)


def _no_estimator() -> PoseEstimator:
    raise ValueError("the finished run is no longer there")


def _joined(
    job: ClipJob,
    parts: Sequence[ClipJob],
    came_of: Sequence[ClipOutcome],
    on_frame: Callable[[PosedFrame], None] | None,
    get_estimator: Callable[[], PoseEstimator] | None,
) -> ClipOutcome | None:
    """Return the outcome of a clip in parts, None where the parts are not those of the clip."""
    began = time.perf_counter()
    states = {outcome.state for outcome in came_of}
    if states & {"failed", "not run"}:
        reasons = [outcome.reason for outcome in came_of if outcome.state == "failed"]
        return failed(job, reasons[0] if reasons else "left out", began)
    if "damaged" in states:
        log.info("%s is damaged: it is run in one go", shown_source(job.source))
        return None
    try:
        summary = join_parts(job, parts, on_frame, get_estimator)
    except StageError as error:
        if isinstance(error.__cause__, OtherFramesError):
            log.info("%s: %s: it is run in one go", shown_source(job.source), error)
            return None
        return failed(job, in_words(error), began)
    except (OSError, ValueError) as error:
        return failed(job, in_words(error), began)
    return summed_up(job, summary, time.perf_counter() - began)
