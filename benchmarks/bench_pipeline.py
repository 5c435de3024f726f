"""Speed and memory of the whole run, beside a plain loop and with every engine.

Run: python benchmarks/bench_pipeline.py [--clip FILE] [--part run --part memory --part engines]

- ``run``: frames a second end to end, with and without the annotated video, busy time of every
  stage; then the same work in a plain loop without threads, over the same estimator.
- ``presets``: both bundled pairs with and without looking for people whom the detector missed.
- ``memory``: most memory held over 200 and over 2,000 frames (the clip looped), each in a process
  of its own.
- ``batches``: processor milliseconds a crop in batches of 1 to 16, both bundled pose networks.
- ``engines``: both networks under torch and OpenVINO, fp32 and bf16, alone and while another thread
  decodes and encodes video as the other stages do.

With ``--against REF`` this tree and another state of the repository are run in turn instead, as
their commands: frames a second with and without video, first frame, five pictures; medians of
interleaved runs.

Wall times need a quiet machine; processor times are given beside them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from against import compare

from pipeline.assemble import run_plain
from pipeline.clips.clip import OutputPlan, process_clip
from pipeline.engine.memory import peak_memory_bytes
from pipeline.engine.stats import stage_table
from pipeline.options import RunOptions
from pipeline.readers import ClipInfo, ReadReport, VideoReader
from pipeline.sources import NetworkPoses
from pipeline.stages.track import build_tracker
from pipeline.writers import RecordsWriter, VideoWriter
from rmpe.detectors import build_detector
from rmpe.estimator import PoseEstimator
from rmpe.formats import ClipHeader
from rmpe.records import Frame
from rmpe.runtimes import limit_threads

CLIP = Path(__file__).parents[2] / "shared/data/samples/video/street_crossing_720p.avi"
BATCHES = (1, 2, 4, 8, 16)
ENGINES = [(engine, kind) for engine in ("torch", "openvino") for kind in ("fp32", "bf16")]


class LoopedReader:
    """A clip played again and again until ``count`` frames have come."""

    def __init__(self, path: Path, count: int, threads: int) -> None:
        self._path, self._count, self._threads = path, count, threads
        self._reader = VideoReader(path, threads=threads)
        self.report = ReadReport()

    @property
    def info(self) -> ClipInfo:
        """The clip's own, but for the number of frames."""
        return replace(self._reader.info, frames_expected=self._count)

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames numbered on over the repetitions."""
        step_s = 1 / (self._reader.info.fps or 25)
        while True:
            for frame in self._reader:
                if self.report.frames == self._count:
                    return
                index = self.report.frames
                self.report.frames += 1
                yield Frame(index, index * step_s, frame.image_bgr)
            self._reader.close()
            self._reader = VideoReader(self._path, threads=self._threads)

    def close(self) -> None:
        """Close the clip."""
        self._reader.close()


def run_pipeline(
    clip: Path,
    frames: int,
    estimator: PoseEstimator,
    threads: int,
    *,
    video: bool,
    table: bool,
    propagate: bool = False,
) -> dict[str, Any]:
    """Time one run of the pipeline."""
    tracker = build_tracker(look=estimator if propagate else None)
    with tempfile.TemporaryDirectory() as folder:
        plan = OutputPlan(Path(folder), video=video, video_threads=threads)
        reader = LoopedReader(clip, frames, threads)
        before = time.process_time()
        summary = process_clip(reader, NetworkPoses(estimator), plan, tracker=tracker)
        cpu = time.process_time() - before
    assert summary.stats is not None
    if table:
        click.echo(stage_table(summary.stats))
    return {
        "frames_per_s": summary.stats.results_per_s,
        "cpu_ms_per_frame": 1000 * cpu / frames,
        "people_per_frame": summary.people / frames,
        "identities": summary.identities,
        "stages": summary.stats.to_json()["stages"],
    }


def run_loop(
    clip: Path, frames: int, estimator: PoseEstimator, threads: int, *, video: bool
) -> dict[str, Any]:
    """Time the same work without the pipeline's threads."""
    reader = LoopedReader(clip, frames, threads)
    tracker = build_tracker()
    with tempfile.TemporaryDirectory() as folder:
        skeleton, fps = estimator.skeleton, reader.info.fps
        records = RecordsWriter("native", folder, ClipHeader(skeleton))
        picture = VideoWriter(f"{folder}/a.mp4", skeleton, fps, threads=threads) if video else None
        before, started = time.process_time(), time.perf_counter()
        for frame, poses in run_plain(reader, estimator, RunOptions(), tracker):
            records.write(frame, poses)
            if picture is not None:
                picture.write(frame, poses)
        records.close(True)
        if picture is not None:
            picture.close(True)
        wall = time.perf_counter() - started
        cpu = time.process_time() - before
    reader.close()
    return {"frames_per_s": frames / wall, "cpu_ms_per_frame": 1000 * cpu / frames}


def part_run(clip: Path, frames: int, estimator: PoseEstimator, threads: int) -> dict[str, Any]:
    """Pipeline and plain loop, with and without video output."""
    figures: dict[str, Any] = {}
    run_pipeline(clip, 20, estimator, threads, video=True, table=False)  # compiles the networks
    for video in (True, False):
        name = "with video" if video else "without video"
        click.echo(f"\n{name} output, pipeline")
        piped = run_pipeline(clip, frames, estimator, threads, video=video, table=True)
        plain = run_loop(clip, frames, estimator, threads, video=video)
        ratio = piped["frames_per_s"] / plain["frames_per_s"]
        figures[name] = {"pipeline": piped, "plain_loop": plain, "ratio": ratio}
        click.echo(
            f"{piped['frames_per_s']:.1f} frames/s ({piped['cpu_ms_per_frame']:.0f} ms of "
            f"processor, {piped['people_per_frame']:.1f} people a frame); plain loop "
            f"{plain['frames_per_s']:.1f} frames/s ({plain['cpu_ms_per_frame']:.0f} ms); "
            f"{ratio:.2f} times as fast"
        )
    return figures


def part_presets(clip: Path, frames: int, network_threads: int, threads: int) -> dict[str, Any]:
    """Both bundled pairs, with and without propagation; records only."""
    figures: dict[str, Any] = {}
    click.echo(
        f"{'':>34} {'frames/s':>9} {'ms a frame':>11} {'people':>7} {'ids':>4} {'ms a crop':>10}"
    )
    for name in ("compact", "compact-accurate"):
        estimator = PoseEstimator.from_preset(name, threads=network_threads)
        run_pipeline(clip, 10, estimator, threads, video=False, table=False)
        rules = estimator.conventions
        shape = (12, rules.input_height, rules.input_width, 3)
        crops = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
        crop_ms = _times(lambda e=estimator, c=crops: e.infer(c), len(crops))["wall_ms"]
        for propagate in (False, True):
            run = run_pipeline(
                clip, frames, estimator, threads, video=False, table=False, propagate=propagate
            )
            label = f"{name}, {'with' if propagate else 'without'} propagation"
            figures[label] = {**run, "ms_a_crop": crop_ms}
            click.echo(
                f"{label:>34} {run['frames_per_s']:9.1f} {run['cpu_ms_per_frame']:11.1f} "
                f"{run['people_per_frame']:7.2f} {run['identities']:4d} {crop_ms:10.1f}"
            )
    return figures


def part_memory(clip: Path, arguments: list[str]) -> dict[str, Any]:
    """Most memory held by runs of two lengths, each in its own process."""
    figures: dict[str, Any] = {}
    for frames in (200, 2000):
        command = [sys.executable, __file__, "--clip", str(clip), "--frames", str(frames)]
        output = subprocess.run(
            [*command, "--part", "peak", *arguments], check=True, capture_output=True, text=True
        )
        figures[str(frames)] = float(output.stdout.split()[-1])
        click.echo(f"{frames} frames: at most {figures[str(frames)]:.0f} MB")
    figures["ratio"] = figures["2000"] / figures["200"]
    click.echo(f"ratio {figures['ratio']:.3f}")
    return figures


def part_batches() -> dict[str, Any]:
    """Processor milliseconds a crop on one thread, by the size of the batch."""
    figures: dict[str, Any] = {}
    click.echo(f"{'':>22}" + "".join(f"{size:7d}" for size in BATCHES))
    for name in ("compact", "compact-accurate"):
        for precision in ("fp32", "bf16"):
            estimator = PoseEstimator.from_preset(
                name, precision=precision, runtime="openvino", threads=1
            )
            rules = estimator.conventions
            shape = (max(BATCHES), rules.input_height, rules.input_width, 3)
            crops = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
            row = {size: _times(partial(estimator.runtime, crops[:size]), size) for size in BATCHES}
            figures[f"{name} {precision}"] = {size: times["cpu_ms"] for size, times in row.items()}
            cells = "".join(f"{times['cpu_ms']:7.2f}" for times in row.values())
            click.echo(f"{name + ' ' + precision:>22}{cells}")
    return figures


@contextmanager
def other_stages(clip: Path, busy: bool) -> Iterator[None]:
    """Keep a thread decoding, drawing nothing and encoding while the block runs."""
    stop = threading.Event()

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            from rmpe.records import Poses
            from rmpe.skeletons import get_skeleton

            writer = VideoWriter(f"{folder}/a.mp4", get_skeleton("coco17"), 25.0)
            for frame in LoopedReader(clip, 10**9, 1):
                if stop.is_set():
                    break
                writer.write(frame, Poses.empty(17))
            writer.close(False)

    thread = threading.Thread(target=work)
    if busy:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if busy:
            thread.join()


def part_engines(clip: Path, threads: int) -> dict[str, Any]:
    """Milliseconds of both networks under every engine, alone and beside busy stages."""
    picture = next(iter(VideoReader(clip))).image_bgr
    figures: dict[str, Any] = {}
    click.echo(f"{'wall (processor)':>16} {'pose, ms a crop':>34} {'detector, ms a frame':>34}")
    click.echo(f"{'':>16} {'alone':>16} {'busy':>16}  {'alone':>16} {'busy':>16}")
    for engine, precision in ENGINES:
        choice: dict[str, Any] = {"runtime": engine, "precision": precision, "threads": threads}
        try:
            detector = build_detector("compact", **choice)
            estimator = PoseEstimator.build(detector=detector, **choice)
        except ValueError as error:
            click.echo(f"{engine} {precision}: {error}")
            continue
        rules = estimator.conventions
        crops = np.random.default_rng(0).integers(
            0, 255, (12, rules.input_height, rules.input_width, 3), np.uint8
        )
        row: dict[str, Any] = {}
        for name, call, share in (
            ("pose", lambda e=estimator, c=crops: e.infer(c), len(crops)),
            ("detector", lambda d=detector: d([picture]), 1),
        ):
            for busy in (False, True):
                with other_stages(clip, busy):
                    row[f"{name} {'busy' if busy else 'alone'}"] = _times(call, share)
        figures[f"{engine} {precision}"] = row
        cells = "  ".join(f"{t['wall_ms']:7.1f} ({t['cpu_ms']:6.1f})" for t in row.values())
        click.echo(f"{engine + ' ' + precision:>16} {cells}")
    return figures


def _times(call: Any, share: int, rounds: int = 12) -> dict[str, float]:
    """Return medians of wall and of this process's other-than-background time, ms for each."""
    call()
    walls, processors = [], []
    for _ in range(rounds):
        wall, processor = time.perf_counter(), time.thread_time()
        call()
        walls.append(time.perf_counter() - wall)
        processors.append(time.thread_time() - processor)
    return {
        "wall_ms": 1000 * float(np.median(walls)) / share,
        "cpu_ms": 1000 * float(np.median(processors)) / share,
    }


@click.command()
@click.option("--clip", type=click.Path(exists=True, dir_okay=False), default=str(CLIP))
@click.option("--frames", default=205, show_default=True, help="Frames of the timed runs.")
@click.option("--threads", default=0, help="Threads of one network; 0: as the program does.")
@click.option("--detector", default="compact", show_default=True)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(["run", "presets", "memory", "batches", "engines", "peak"]),
    default=("run", "presets", "memory", "batches", "engines"),
)
@click.option("--against", help="Compare with this state of the repository, a ref of git.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each, with --against.")
@click.option("--json", "json_path", type=click.Path(), help="Write the figures here.")
def main(
    clip: str,
    frames: int,
    threads: int,
    detector: str,
    parts: tuple[str, ...],
    against: str | None,
    rounds: int,
    json_path: str | None,
) -> None:
    """Print the figures."""
    path = Path(clip)
    counts = limit_threads()
    threads = threads or counts.openvino
    figures: dict[str, Any] = {"cores": counts.cores, "load": os.getloadavg()[0], "clip": path.name}
    if against is not None:
        figures["against"] = compare(against, path.resolve(), rounds)
        parts = ()
    if "run" in parts or "peak" in parts:
        estimator = PoseEstimator.build(detector=detector, threads=threads)
        click.echo(f"{path.name}, {estimator.runtime.description}, {threads} threads a network")
    if "run" in parts:
        figures["run"] = part_run(path, frames, estimator, counts.video)
    if "peak" in parts:
        run_pipeline(path, frames, estimator, counts.video, video=True, table=False)
        click.echo(f"{peak_memory_bytes() / 2**20:.1f}")
    if "presets" in parts:
        click.echo("\npresets, milliseconds of processor")
        figures["presets"] = part_presets(path, frames, threads, counts.video)
    if "memory" in parts:
        click.echo("\nmemory")
        arguments = ["--threads", str(threads), "--detector", detector]
        figures["memory_mb"] = part_memory(path, arguments)
    if "batches" in parts:
        click.echo("\nbatches, milliseconds of processor a crop")
        figures["batches"] = part_batches()
    if "engines" in parts:
        click.echo("\nengines")
        figures["engines"] = part_engines(path, threads)
    if json_path:
        Path(json_path).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
