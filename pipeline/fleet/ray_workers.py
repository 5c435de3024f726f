"""Many clips on many workers with Ray: each worker is one process with its own networks.

Ray starts the workers, hands out clips, and starts a worker again when one dies; the clip that it
had goes on from its checkpoint where the output folder is on storage that the workers share. Each
worker runs the same code as a single process does, so results are the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.clips.jobs import ClipJob
from pipeline.clips.worklist import ClipOutcome, attempt_job, not_run
from pipeline.fleet.cores import CoreClaim
from pipeline.items import PosedFrame
from pipeline.readers.address import shown_source

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

BuildEstimator = Callable[[int], "PoseEstimator"]
"""Gives the estimator for a number of CPU cores; must be picklable."""

_LOOK_EVERY_S = 0.5
_TELL_EVERY_FRAMES = 16
"""A message for every frame would cost the driver more than its progress bar is worth."""


@dataclass(frozen=True)
class FleetOptions:
    """How many workers there are and what each may use."""

    address: str | None = None
    """A running cluster, ``auto`` or ``ray://HOST:PORT``; None starts Ray on this machine."""
    workers: int = 0
    """Workers; 0: as many as the cluster's cores, or GPUs, allow."""
    cpus_per_worker: int = 1
    """Cores of each."""
    gpus_per_worker: float = 0.0
    """GPUs of each; a part of one lets workers share it."""
    retries: int = 2
    """How often a clip is tried again when its worker died."""
    pin: bool = True
    """Keep every worker on as many cores as it may use, different ones (Linux)."""

    def __post_init__(self) -> None:
        for name in ("workers", "gpus_per_worker", "retries"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, allowed is 0 or more")
        if self.cpus_per_worker < 1:
            raise ValueError(f"cpus_per_worker is {self.cpus_per_worker}, allowed is 1 or more")


def run_on_ray(
    jobs: Sequence[ClipJob],
    build: BuildEstimator,
    options: FleetOptions | None = None,
    *,
    on_frames: Callable[[int], object] | None = None,
    on_end: Callable[[ClipOutcome], None] | None = None,
    fail_fast: bool = False,
) -> list[ClipOutcome]:
    """Do what is left of every clip on the workers, and return what came of each, in order.

    Args:
        jobs: the clips; paths must mean the same on every machine of the cluster.
        build: gives a worker its estimator, for its number of cores.
        options: the workers.
        on_frames: told of the frames that the workers did since the last call.
        on_end: told of each clip when it is over.
        fail_fast: hand out no more clips after the first that is not done in good order.

    Raises:
        ValueError: Ray is not installed, the cluster has no room for a worker, or an address is of
            this process's memory.
        ConnectionError: there is no cluster at the address.
    """
    options = options or FleetOptions()
    if not jobs:
        return []
    for address in (place for job in jobs for place in (job.source, job.plan.address)):
        if address.startswith("memory://"):
            raise ValueError(f"{address} is in this process alone: no worker sees it")
    ray = _import_ray()
    with _cluster(ray, options):
        fleet = _Fleet(ray, build, options, len(jobs))
        return fleet.run(jobs, on_frames, on_end, fail_fast)


class _Fleet:
    """The workers of one call, and which clip each of them has."""

    def __init__(self, ray: Any, build: BuildEstimator, options: FleetOptions, jobs: int) -> None:
        self._ray = ray
        count = min(options.workers or _room(ray, options), jobs)
        self._counter = ray.remote(num_cpus=0)(_FrameCounter).remote()
        worker = ray.remote(
            num_cpus=options.cpus_per_worker,
            num_gpus=options.gpus_per_worker,
            max_restarts=-1,
            max_task_retries=options.retries,
        )(_ClipWorker)
        self._idle = [
            worker.remote(build, options.cpus_per_worker, options.pin) for _ in range(count)
        ]

    def run(
        self,
        jobs: Sequence[ClipJob],
        on_frames: Callable[[int], object] | None,
        on_end: Callable[[ClipOutcome], None] | None,
        fail_fast: bool,
    ) -> list[ClipOutcome]:
        """See :func:`run_on_ray`."""
        ray = self._ray
        outcomes = [not_run(job) for job in jobs]
        waiting = list(range(len(jobs)))
        running: dict[Any, tuple[int, Any]] = {}
        moved: set[int] = set()
        while waiting or running:
            while waiting and self._idle:
                place, worker = waiting.pop(0), self._idle.pop()
                running[worker.run.remote(jobs[place], self._counter)] = place, worker
            ready, _ = ray.wait(list(running), timeout=_LOOK_EVERY_S)
            self._tell(on_frames)
            for reference in ready:
                place, worker = running.pop(reference)
                outcome = self._outcome(jobs[place], reference)
                if outcome is None and (running or self._idle) and place not in moved:
                    moved.add(place)  # its worker's machine may be gone for good
                    waiting.append(place)
                    continue
                self._idle.append(worker)
                outcomes[place] = outcome or _died(jobs[place])
                if on_end is not None:
                    on_end(outcomes[place])
                if fail_fast and not outcomes[place].succeeded:
                    waiting.clear()
        self._tell(on_frames)
        return outcomes

    def _tell(self, on_frames: Callable[[int], object] | None) -> None:
        if on_frames is not None:
            on_frames(self._ray.get(self._counter.take.remote()))

    def _outcome(self, job: ClipJob, reference: Any) -> ClipOutcome | None:
        """Return what a worker answered, None where it died every time."""
        errors = self._ray.exceptions
        try:
            outcome: ClipOutcome = self._ray.get(reference)
            return outcome
        except (errors.RayActorError, errors.WorkerCrashedError):
            return None
        except errors.RayTaskError as error:
            reason = f"{type(error.cause).__name__}: {error.cause}"
        return ClipOutcome(shown_source(job.source), job.plan.shown, "failed", reason)


def _died(job: ClipJob) -> ClipOutcome:
    reason = "its worker died, also when the clip was tried again"
    return ClipOutcome(shown_source(job.source), job.plan.shown, "failed", reason)


class _FrameCounter:
    """Counts the frames of all workers."""

    def __init__(self) -> None:
        self._frames = 0

    def add(self, frames: int) -> None:
        """Count frames."""
        self._frames += frames

    def take(self) -> int:
        """Return the frames counted since the last call."""
        frames, self._frames = self._frames, 0
        return frames


class _ClipWorker:
    """One process of the cluster: a whole pipeline, its networks kept from clip to clip."""

    def __init__(self, build: BuildEstimator, cores: int, pin: bool) -> None:
        self._claim = CoreClaim(cores) if pin else None
        self._build = build
        self._cores = cores
        self._counter: Any = None
        self._estimator: PoseEstimator | None = None
        self._untold = 0

    def run(self, job: ClipJob, counter: Any) -> ClipOutcome:
        """Do what is left of one clip, and have its frames counted."""
        # Not given to the constructor: Ray warns of what it would have to keep for a restart.
        self._counter = counter
        outcome, _ = attempt_job(job, self._get_estimator, on_frame=self._count)
        self._tell()
        return outcome

    def _get_estimator(self) -> PoseEstimator:
        if self._estimator is None:
            self._estimator = self._build(self._cores)
        return self._estimator

    def _count(self, result: PosedFrame) -> None:
        self._untold += 1
        if self._untold == _TELL_EVERY_FRAMES:
            self._tell()

    def _tell(self) -> None:
        self._counter.add.remote(self._untold)
        self._untold = 0


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ValueError("--engine ray needs Ray: pip install 'rmpe[ray]'") from error
    return ray


@contextmanager
def _cluster(ray: Any, options: FleetOptions) -> Iterator[None]:
    """Join the cluster, or start one on this machine; leave it as it was."""
    if ray.is_initialized():
        yield
        return
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if options.address is None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray's makers get reports
        settings |= {"include_dashboard": False}
        if options.workers:
            settings["num_cpus"] = options.workers * options.cpus_per_worker
    # What nodes report, a node's death above all, Ray prints into stdout, among results. There is
    # no public switch; its own debugger silences it by this one.
    said = vars(ray._private.worker)
    before = said.get("_worker_logs_enabled", True)
    said["_worker_logs_enabled"] = False
    try:
        ray.init(address=options.address or "local", **settings)
        yield
    finally:
        ray.shutdown()
        said["_worker_logs_enabled"] = before


def _room(ray: Any, options: FleetOptions) -> int:
    """Return how many workers the cluster has room for."""
    deadline = time.monotonic() + 30
    while True:
        there = ray.cluster_resources()
        fitting = int(there.get("CPU", 0) // options.cpus_per_worker)
        if options.gpus_per_worker:
            fitting = min(fitting, int(there.get("GPU", 0) // options.gpus_per_worker))
        if fitting:
            return fitting
        if time.monotonic() > deadline:
            raise ValueError(
                f"the cluster has {there.get('CPU', 0):.0f} cores and {there.get('GPU', 0):.0f} "
                f"GPUs, a worker needs {options.cpus_per_worker} and {options.gpus_per_worker}"
            )
        time.sleep(0.5)
