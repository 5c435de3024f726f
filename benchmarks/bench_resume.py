"""Kill runs with the bundled networks at random moments, and compare what is left in the end.

Every run is killed with SIGKILL, resumed, killed again … until it ends; its records and annotated
clip must then have the bytes of an uninterrupted run. Two kills of three come at any time, while
the networks are loaded included, the third while the annotated clip's chunks are joined. Children
are forked from a process that has imported the libraries and computed nothing.

    python benchmarks/bench_resume.py CLIP [--kills 100] [--seconds 6] [--precision fp32]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from functools import partial
from pathlib import Path

from killing import end_of, fork_run, kill, playable_frames

from pipeline.clips.jobs import ClipJob, run_job
from pipeline.clips.outputs import OutputPlan
from pipeline.options import RunOptions
from pipeline.readers import Span
from pipeline.sources import NetworkPoses
from rmpe.estimator import PoseEstimator

FILES = ("poses.ndjson", "annotated.mp4")


def run(job: ClipJob, precision: str) -> bool:
    """Do what is left of the job with the bundled networks, and tell whether all is well."""

    def build() -> NetworkPoses:
        return NetworkPoses(
            PoseEstimator.from_preset("compact", device="cpu", precision=precision, threads=1)
        )

    return run_job(job, build).succeeded


def main() -> None:
    """Kill, resume, compare, and print one line for every run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--chunk", type=int, default=32)
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
                options=RunOptions(chunk_frames=given.chunk),
                save_every_s=0.0,
            )

        began = time.monotonic()
        if end_of(fork_run(partial(run, job("whole"), given.precision)), 600) != 0:
            raise SystemExit("the uninterrupted run failed")
        lasts_s = time.monotonic() - began
        expected = {name: (Path(scratch) / "whole" / name).read_bytes() for name in FILES}
        count = playable_frames(Path(scratch) / "whole" / FILES[1])
        print(f"uninterrupted: {count} frames in {lasts_s:.1f} s, {given.precision}")
        killed = differing = runs = 0
        while killed < given.kills:
            runs += 1
            trial = job(f"trial{runs}")
            here = 0
            while True:
                began = time.monotonic()
                child = fork_run(partial(run, trial, given.precision))
                if killed >= given.kills:
                    status = end_of(child, 600)
                elif killed % 3 == 2:
                    status = end_of(child, 600, trial.plan.folder / f".{FILES[1]}.new")
                else:
                    status = end_of(child, chance.uniform(0, 1.2 * lasts_s))
                if status is None:
                    status = kill(child)
                if status is not None:
                    break
                killed, here = killed + 1, here + 1
            if not here:
                lasts_s = time.monotonic() - began
            folder = trial.plan.folder
            same = status == 0 and all(
                (folder / name).read_bytes() == expected[name] for name in FILES
            )
            playable = status == 0 and playable_frames(folder / FILES[1]) == count
            differing += not (same and playable)
            print(
                f"run {runs}: {here} kills, bytes {'equal' if same else 'DIFFER'}, {playable=}",
                flush=True,
            )
        print(f"{killed} kills in {runs} runs, {differing} runs differ")


if __name__ == "__main__":
    main()
