"""Throughput of two one-core workers on Ray beside one, and what a clip costs.

    OMP_NUM_THREADS=1 python benchmarks/bench_scale.py [--clip FILE] [--clips 3] [--write]

Every worker has one core of its own and one thread in every library. The rate is taken while all
workers are busy: between the moments when a quarter and three quarters of all frames are done,
seen twice a second. Ray's own processes and the driver share the cores with the workers; wall
times need a quiet machine. Also printed: clips of that length an hour a core, bytes of every output
a frame, and the processor time of a frame by stage, which says what saturates first. ``--write``
puts the table into docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from tables import DOCS, Table, as_table, markdown, write

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


def scaling(clip: Path, clips: int, seconds: float, scratch: Path) -> Table:
    """Run one worker, then two, print what they did and return it."""
    rates: dict[int, float] = {}
    rows, load = [], os.getloadavg()[0]
    for workers in (1, 2):
        jobs = [
            ClipJob(
                str(clip),
                OutputPlan(scratch / f"{workers}-{n}"),
                span=Span(0.0, seconds),
                options=RunOptions(),
            )
            for n in range(clips * workers)
        ]
        rates[workers], total = measure(jobs, workers)
        frames = total / len(jobs)
        times = f"{rates[workers] / rates[1]:.2f}"
        hourly = f"{3600 * rates[workers] / workers / frames:.0f}"
        rows.append((str(workers), f"{total}", f"{rates[workers]:.1f}", times, hourly))
        if workers == 1:
            stages = stage_times(jobs[-1].plan.folder)
            print("ms a frame by stage: " + ", ".join(f"{n} {t}" for n, t in stages.items()))
            print(f"bytes a frame: {bytes_a_frame(jobs[-1].plan.folder, frames)}")
    return as_table(
        f"Ray's workers of one core each on {clip.name}, compact preset, records and video (load "
        f"before: {load:.1f})",
        ("workers", "frames", "frames/s", "times one", f"clips of {frames:.0f} an hour a core"),
        rows,
    )


def main() -> None:
    """Run one worker, then two, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--clips", type=int, default=3, help="for each worker")
    parser.add_argument("--seconds", type=float, default=8.0, help="of the clip")
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        table = scaling(given.clip, given.clips, given.seconds, Path(scratch))
    print(markdown([table]))
    if given.write:
        write("bench_scale.py", DOCS / "scale.md", {"workers": table})


if __name__ == "__main__":
    main()
