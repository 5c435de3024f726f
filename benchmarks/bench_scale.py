"""Throughput of two one-core workers on Ray beside one, and what a clip costs.

    python benchmarks/bench_scale.py [--clip FILE] [--clips 8] [--seconds 8] [--json FILE]

Every worker has one core of its own and one thread in every library. The rate is taken while all
workers are busy: between the moments when a quarter and three quarters of all frames are done,
seen twice a second. Ray's own processes and the driver share the cores with the workers; wall
times need a quiet machine. Also printed: frames a second a core, clips of that length an hour a
core, and the processor time of a frame by stage, which says what saturates first.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from pipeline.clips.jobs import ClipJob
from pipeline.clips.outputs import OutputPlan
from pipeline.fleet.ray_workers import FleetOptions, run_on_ray
from pipeline.options import RunOptions
from pipeline.readers import Span
from rmpe.estimator import PoseEstimator
from rmpe.runtimes import limit_threads

CLIP = Path(__file__).parents[2] / "shared/data/samples/video/street_crossing_720p.avi"


def build(cores: int) -> PoseEstimator:
    """Return the bundled networks, planned for so many cores."""
    threads = limit_threads(cores).openvino
    return PoseEstimator.from_preset("compact", device="cpu", threads=threads)


def rate_of(marks: list[tuple[float, int]], total: int) -> float:
    """Return frames a second between a quarter and three quarters of all.

    Args:
        marks: (seconds, frames done by then), rising.
        total: all frames.
    """
    middle = [mark for mark in marks if total / 4 <= mark[1] <= total * 3 / 4]
    if len(middle) < 2:
        raise SystemExit("the run was over too soon to take a rate; give more --clips")
    (first_s, first), (last_s, last) = middle[0], middle[-1]
    return (last - first) / (last_s - first_s)


def measure(jobs: list[ClipJob], workers: int) -> tuple[float, int]:
    """Return frames a second of so many workers, and the number of all frames."""
    marks = [(time.monotonic(), 0)]

    def count(frames: int) -> None:
        if frames:
            marks.append((time.monotonic(), marks[-1][1] + frames))

    outcomes = run_on_ray(jobs, build, FleetOptions(workers=workers), on_frames=count)
    bad = [outcome for outcome in outcomes if not outcome.succeeded]
    if bad:
        raise SystemExit(f"{bad[0].source}: {bad[0].reason}")
    total = sum(outcome.frames for outcome in outcomes)
    return rate_of(marks, total), total


def stage_times(folder: Path) -> dict[str, float]:
    """Return processor milliseconds a frame of every stage from a run's summary."""
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    stages = summary["timing"]["stages"]
    return {s["stage"]: round(1e3 * s["cpu_s"] / summary["frames"], 2) for s in stages}


def bytes_a_frame(folder: Path, frames: float) -> dict[str, float]:
    """Return the size of every output of a run for each of its frames."""
    return {p.name: round(p.stat().st_size / frames) for p in folder.iterdir() if p.is_file()}


def main() -> None:
    """Run one worker, then two, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", default=str(CLIP))
    parser.add_argument("--clips", type=int, default=8, help="for each worker")
    parser.add_argument("--seconds", type=float, default=8.0, help="of the clip")
    parser.add_argument("--no-video", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    rates: dict[int, float] = {}
    stages: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for workers in (1, 2):
            jobs = [
                ClipJob(
                    given.clip,
                    OutputPlan(Path(scratch) / f"{workers}-{n}", video=not given.no_video),
                    span=Span(0.0, given.seconds),
                    options=RunOptions(),
                )
                for n in range(given.clips * workers)
            ]
            rates[workers], total = measure(jobs, workers)
            frames = total / len(jobs)
            print(
                f"{workers} workers: {rates[workers]:.2f} frames/s, "
                f"{3600 * rates[workers] / workers / frames:.0f} clips of {frames:.0f} frames "
                "an hour a core"
            )
            if workers == 1:
                stages = stage_times(jobs[-1].plan.folder)
                print("ms a frame by stage: " + ", ".join(f"{n} {t}" for n, t in stages.items()))
                print(f"bytes a frame: {bytes_a_frame(jobs[-1].plan.folder, frames)}")
    print(f"ratio {rates[2] / rates[1]:.2f} (bar 1.70)")
    if given.json:
        figures = {"frames_per_s": rates, "ms_per_frame": stages, "ratio": rates[2] / rates[1]}
        given.json.write_text(json.dumps(figures, indent=1), "utf-8")


if __name__ == "__main__":
    main()
