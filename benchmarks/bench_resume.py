"""Kill runs with the bundled networks at random moments, and compare what is left in the end.

Every run is killed with SIGKILL, resumed, killed again … until it ends; its records and annotated
clip must then have the bytes of an uninterrupted run. Two kills of three come at any time, while
the networks are loaded included, the third while the annotated clip's pieces are joined. Children
are forked from a process that has imported the libraries and computed nothing.

    python benchmarks/bench_resume.py CLIP [--kills 100] [--seconds 6] [--precision fp32]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import tempfile
import time
import traceback
from pathlib import Path

import av

from pipeline.assemble import RunOptions
from pipeline.jobs import ClipJob, run_job
from pipeline.outputs import OutputPlan
from pipeline.readers import Span
from rmpe.estimator import PoseEstimator

FILES = ("poses.ndjson", "annotated.mp4")


def fork_run(job: ClipJob, precision: str) -> int:
    """Start the run in a child and return its process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            build = lambda: PoseEstimator.from_preset(  # noqa: E731
                "compact", device="cpu", precision=precision, threads=1
            )
            code = 0 if run_job(job, build).succeeded else 3
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def wait_for(child: int, patience_s: float, until: Path | None = None) -> int | None:
    """Return the exit status of a child; None if it runs on after the time, or ``until`` exists."""
    deadline = time.monotonic() + patience_s
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if time.monotonic() > deadline or (until is not None and until.exists()):
            return None
        time.sleep(0.001)


def frames_of(path: Path) -> int:
    """Return the number of frames that play."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def main() -> None:
    """Kill, resume, compare, and print one line for every run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--section", type=int, default=32)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as scratch:

        def job(name: str) -> ClipJob:
            return ClipJob(
                given.clip,
                OutputPlan(Path(scratch) / name),
                span=Span(0.0, given.seconds),
                options=RunOptions(section_frames=given.section),
                save_every_s=0.0,
            )

        began = time.monotonic()
        if wait_for(fork_run(job("whole"), given.precision), 600) != 0:
            raise SystemExit("the uninterrupted run failed")
        lasts_s = time.monotonic() - began
        expected = {name: (Path(scratch) / "whole" / name).read_bytes() for name in FILES}
        count = frames_of(Path(scratch) / "whole" / FILES[1])
        print(f"uninterrupted: {count} frames in {lasts_s:.1f} s, {given.precision}")
        killed = differing = runs = 0
        while killed < given.kills:
            runs += 1
            trial = job(f"trial{runs}")
            here = 0
            while True:
                began = time.monotonic()
                child = fork_run(trial, given.precision)
                if killed >= given.kills:
                    status = wait_for(child, 600)
                elif killed % 3 == 2:
                    status = wait_for(child, 600, trial.plan.folder / f".{FILES[1]}.new")
                else:
                    status = wait_for(child, chance.uniform(0, 1.2 * lasts_s))
                if status is not None:
                    break
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                killed, here = killed + 1, here + 1
            if not here:
                lasts_s = time.monotonic() - began
            folder = trial.plan.folder
            same = status == 0 and all(
                (folder / name).read_bytes() == expected[name] for name in FILES
            )
            playable = status == 0 and frames_of(folder / FILES[1]) == count
            differing += not (same and playable)
            print(
                f"run {runs}: {here} kills, bytes {'equal' if same else 'DIFFER'}, {playable=}",
                flush=True,
            )
        print(f"{killed} kills in {runs} runs, {differing} runs differ")


if __name__ == "__main__":
    main()
