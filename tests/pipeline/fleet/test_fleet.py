"""Clips on Ray's workers: the same results as one process gives, also when a worker dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch._tensor import Tensor

from pipeline.clips.jobs import ClipJob
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.worklist import attempt_job
from pipeline.fleet.ray_workers import FleetOptions, run_on_ray
from pipeline.options import RunOptions
from tests.helpers import squares as squares_module
from tests.helpers.kill_runs import write_clip
from tests.helpers.squares import SquaresEstimator, make_squares


@pytest.fixture(autouse=True)
def squares_by_value() -> Iterator[None]:
    """Send the squares to workers by value: they do not have the tests' folder."""
    cloudpickle = pytest.importorskip("ray").cloudpickle
    cloudpickle.register_pickle_by_value(squares_module)
    yield
    cloudpickle.unregister_pickle_by_value(squares_module)


@pytest.fixture
def clips(tmp_path: Path) -> Callable[..., list[ClipJob]]:
    """A function that returns jobs of clips into a folder; the third one is no clip."""

    def make(output: str, count: int) -> list[ClipJob]:
        jobs = []
        for number in range(count):
            path = tmp_path / f"clip{number}.mp4"
            if number == 2:
                path.write_text("no clip")
            elif not path.exists():
                people = [1 + (number + index) % 3 for index in range(48)]
                write_clip(path, make_squares(people, step=0))
            jobs.append(
                ClipJob(
                    str(path),
                    OutputPlan(tmp_path / output / f"clip{number}"),
                    options=RunOptions(chunk_frames=8),
                    save_every_s=0.0,
                )
            )
        return jobs

    return make


def deadly_estimator(marker: Path) -> Any:
    """What builds an estimator that kills its process once, in the middle of a clip."""

    class Deadly(SquaresEstimator):
        def infer(self, crops_bgr: np.ndarray) -> Tensor:
            if len(self.batches) == 20 and not marker.exists():
                marker.touch()
                time.sleep(5)  # what went before is written and saved meanwhile
                os.kill(os.getpid(), signal.SIGKILL)
            return super().infer(crops_bgr)

    return lambda cores: Deadly(infer_pause_s=0.01)


def check(
    clips: Callable[..., list[ClipJob]], tmp_path: Path, options: FleetOptions, count: int
) -> None:
    pytest.importorskip("ray")
    frames, ended = [], []
    outcomes = run_on_ray(
        clips("fleet", count),
        deadly_estimator(tmp_path / "died"),
        options,
        on_frames=frames.append,
        on_end=ended.append,
    )
    assert (tmp_path / "died").exists()
    resumed = []
    assert len(ended) == count
    assert [o.state for o in outcomes] == ["done", "done", "failed"] + ["done"] * (count - 3)
    assert "cannot be opened" in outcomes[2].reason
    assert sum(frames) > 40 * (count - 1)
    estimator: Any = SquaresEstimator()
    for job in clips("local", count):
        outcome, _ = attempt_job(job, lambda: estimator)
        folder = job.plan.folder
        if outcome.succeeded:
            for name in ("poses.ndjson", "annotated.mp4"):
                there = folder.parent.parent / "fleet" / folder.name / name
                assert there.read_bytes() == (folder / name).read_bytes()
            summary = json.loads((there.parent / "summary.json").read_text())
            resumed.append(summary["resumed_at"])
    assert len(resumed) == count - 1
    assert sum(place > 0 for place in resumed) == 1


@pytest.fixture
def worker_path(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    """Workers find the project where this test found it; a busy machine may start Ray slowly."""
    monkeypatch.setenv("PYTHONPATH", str(repository))
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "60")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_two_workers_one_of_which_dies_give_what_one_process_gives(
    worker_path: None, clips: Callable[..., list[ClipJob]], tmp_path: Path
) -> None:
    check(clips, tmp_path, FleetOptions(workers=2), 20)


QUIET = """
import os, signal, sys, threading, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from pipeline.clips.jobs import ClipJob
from pipeline.clips.outputs import OutputPlan
from pipeline.fleet.ray_workers import FleetOptions, run_on_ray
from tests.helpers.squares import SquaresEstimator

class Slow(SquaresEstimator):
    def infer(self, crops_bgr):
        time.sleep(0.1)
        (folder / f"began-{os.getpid()}").touch()
        return super().infer(crops_bgr)

folder = Path(sys.argv[1])
jobs = [
    ClipJob(sys.argv[2], OutputPlan(folder / str(n), video=False), save_every_s=0.0)
    for n in range(2)
]
address = None
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
node = cluster.add_node(num_cpus=1)
sys.stderr.flush()
quiet = os.dup(2)
os.dup2(os.open(folder / "noise", os.O_WRONLY | os.O_CREAT), 1)
os.dup2(os.open(folder / "noise", os.O_WRONLY | os.O_APPEND), 2)

def end_a_node():
    while len(list(folder.glob("began-*"))) < 2:
        time.sleep(0.1)
    cluster.remove_node(node, allow_graceful=False)

threading.Thread(target=end_a_node, daemon=True).start()
outcomes = run_on_ray(
    jobs, lambda cores: Slow(), FleetOptions(address=cluster.address, workers=2, retries=3)
)
sys.stderr.flush()
os.write(quiet, repr([(o.state, o.reason) for o in outcomes]).encode())
os.dup2(quiet, 2)
cluster.shutdown()
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_ray_says_nothing_also_when_a_node_is_killed(
    worker_path: None, clips: Callable[..., list[ClipJob]], tmp_path: Path, repository: Path
) -> None:
    clip = clips("unused", 1)[0].source
    ended = subprocess.run(
        [sys.executable, "-c", QUIET, str(tmp_path), clip],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert (tmp_path / "noise").read_text() == ""
    assert "[('done', ''), ('done', '')]" in ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_two_nodes_made_on_one_machine(
    worker_path: None, clips: Callable[..., list[ClipJob]], tmp_path: Path
) -> None:
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        check(clips, tmp_path, FleetOptions(address=cluster.address, workers=2), 20)
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_settings_that_cannot_be_are_refused_and_nothing_starts_nothing() -> None:
    for settings in ({"workers": -1}, {"cpus_per_worker": 0}, {"gpus_per_worker": -1}):
        with pytest.raises(ValueError, match="allowed is"):
            FleetOptions(**settings)
    assert run_on_ray([], pytest.fail) == []


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    job = ClipJob("a.mp4", OutputPlan(tmp_path))
    with pytest.raises(ValueError, match=r"rmpe\[ray\]"):
        run_on_ray([replace(job)], pytest.fail)
