"""Parts of `bench_pipeline.py` that run the whole pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from bundled_times import pose_call, processor_ms
from measuring import Settings, StoredBoxes, run_pipeline
from safetensors.torch import save_file
from tables import Table, as_table

from rmpe.estimator import PoseEstimator
from rmpe.networks.variants import build_network
from rmpe.runtimes import limit_threads
from rmpe.runtimes.base import CPU_BATCH

PEOPLE = (1, 8, 20, 40, 60)
FASTPOSE = "fastpose_res50"
LENGTHS = (200, 2000)
CLIP_FRAMES = 200
HOURS, FRAMES_AN_HOUR = 10_000, 25 * 3600
NETWORK_STAGES = frozenset({"detect", "estimate"})


def part_people(settings: Settings) -> Table:
    """Stored boxes: what a frame costs by its people, and whether all cores are busy."""
    threads = limit_threads(networks=1).openvino
    rows = []
    for people in PEOPLE:
        estimator = PoseEstimator.build(detector=StoredBoxes(people), threads=threads)
        timed = replace(settings, frames=max(20, 120 // people))
        runs = [run_pipeline(timed, estimator, video=False) for _ in range(settings.rounds + 1)][1:]
        cost_ms = median(run.processor_ms_a_frame for run in runs)
        busy = median(run.cores_busy for run in runs)
        rows.append((str(people), f"{cost_ms:.0f} ms", f"{cost_ms / people:.1f} ms", f"{busy:.2f}"))
    return as_table(
        "Stored boxes, records only, processor time a frame",
        ("people", "a frame", "a frame and person", "cores busy"),
        rows,
    )


def part_alphapose(settings: Settings) -> Table:
    """FastPose-50 with random weights on eight stored boxes a frame, two ways in turn."""
    threads = limit_threads(networks=1).openvino
    timed = replace(settings, frames=24)
    walls: dict[str, list[float]] = {"auto": [], "torch fp32": []}
    with tempfile.TemporaryDirectory() as folder:
        weights = str(Path(folder) / "fastpose.safetensors")
        torch.manual_seed(0)
        save_file(build_network(FASTPOSE, 17).state_dict(), weights)
        choices: dict[str, dict[str, Any]] = {
            "auto": {},
            "torch fp32": {"runtime": "torch", "precision": "fp32"},
        }
        common: dict[str, Any] = {"detector": StoredBoxes(8), "weights": weights}
        estimators = {
            name: PoseEstimator.build(**common, threads=threads, **choice)
            for name, choice in choices.items()
        }
        # The first round compiles.
        for round_ in range(settings.rounds + 1):
            for name, estimator in estimators.items():
                run = run_pipeline(timed, estimator, video=False)
                if round_:
                    walls[name].append(run.stats.wall_s / run.stats.results)
    ours, plain = median(walls["auto"]), median(walls["torch fp32"])
    rows = [
        ("torch fp32", f"{1000 * plain:.0f} ms", "1"),
        ("as the program chooses", f"{1000 * ours:.0f} ms", f"{plain / ours:.2f}"),
    ]
    return as_table(
        "FastPose-50 (random weights), eight stored boxes a frame, all cores",
        ("runtime", "wall a frame", "times as fast"),
        rows,
    )


def part_length(settings: Settings) -> Table:
    """Memory and processor time of two lengths of clip, each in its own process."""
    script = str(Path(__file__).with_name("measuring.py"))
    rows = []
    for frames in LENGTHS:
        command = [sys.executable, script, str(settings.clip), str(frames)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        memory_mb, processor_s = json.loads(done.stdout)
        cost = f"{1000 * processor_s / frames:.0f} ms"
        rows.append((str(frames), f"{memory_mb:.0f} MB", f"{processor_s:.1f} s", cost))
    return as_table(
        "Length of the clip, records and video",
        ("frames", "most memory", "processor time", "a frame"),
        rows,
    )


def part_stages(settings: Settings) -> Table:
    """Processor time a frame of every stage that runs no network."""
    estimator = PoseEstimator.from_preset("compact")
    timed = replace(settings, frames=min(settings.frames, 100))
    runs = [run_pipeline(timed, estimator, video=True) for _ in range(settings.rounds + 1)][1:]
    costs: dict[str, list[float]] = {}
    for run in runs:
        for stage in run.stats.stages:
            cost_ms = 1000 * stage.cpu_s / run.stats.results
            costs.setdefault(stage.name, []).append(cost_ms)
    people = runs[0].people / timed.frames
    own = [(name, median(found)) for name, found in costs.items() if name not in NETWORK_STAGES]
    rows = [(name, f"{cost_ms:.1f} ms") for name, cost_ms in own]
    rows.append(("together", f"{sum(cost_ms for _, cost_ms in own):.1f} ms"))
    return as_table(
        f"Stages without a network, processor time of their threads a frame of {people:.1f} people",
        ("stage", "a frame"),
        rows,
    )


def part_cost(settings: Settings) -> Table:
    """What a frame costs where every library has one thread, and what follows for many clips."""
    threads = limit_threads(1)
    estimator = PoseEstimator.from_preset("compact", threads=threads.openvino)
    timed = replace(settings, frames=min(settings.frames, 70), video_threads=threads.video)
    runs = [
        run_pipeline(timed, estimator, video=True, propagate=True)
        for _ in range(settings.rounds + 1)
    ][1:]
    rows = []
    for place, stage in enumerate(runs[0].stats.stages):
        cost_ms = median(1000 * run.stats.stages[place].cpu_s for run in runs) / timed.frames
        rows.append((stage.name, f"{cost_ms:.1f} ms"))
    all_ms = median(run.processor_ms_a_frame for run in runs)
    hours = HOURS * FRAMES_AN_HOUR * all_ms / 1000 / 3600
    rows += [
        ("all, with what is between the stages", f"{all_ms:.1f} ms"),
        ("frames a second of a core", f"{1000 / all_ms:.1f}"),
        (f"clips of {CLIP_FRAMES} frames an hour of a core", f"{3.6e6 / all_ms / CLIP_FRAMES:.0f}"),
        (f"core-hours for {HOURS:,} hours of 25 frames a second", f"{hours:,.0f}"),
    ]
    for name, count in sorted(runs[0].written_bytes.items()):
        if name != "summary.json":
            rows.append((f"{name}, a frame", f"{count / timed.frames / 1000:.1f} kB"))
    people = runs[0].people / timed.frames
    return as_table(
        f"One core, records and video, processor time a frame of {people:.1f} people",
        ("what", "figure"),
        rows,
    )


def part_presets(settings: Settings) -> Table:
    """Both bundled pairs, with and without propagation; records only."""
    rows = []
    for name in ("compact", "compact-accurate"):
        estimator = PoseEstimator.from_preset(name)
        run_pipeline(replace(settings, frames=10), estimator, video=False)
        crop = f"{processor_ms(pose_call(name, 'auto', CPU_BATCH), CPU_BATCH):.1f} ms"
        for propagate in (False, True):
            run = run_pipeline(settings, estimator, video=False, propagate=propagate)
            speed, people = f"{run.stats.results_per_s:.1f}", f"{run.people / settings.frames:.1f}"
            cost = f"{run.processor_ms_a_frame:.1f} ms"
            label = f"{name}, {'with' if propagate else 'without'} propagation"
            rows.append((label, speed, cost, people, str(run.identities), crop))
    return as_table(
        f"Presets, records only, {settings.frames} frames",
        ("preset", "frames/s", "processor a frame", "people", "identities", "a crop, one thread"),
        rows,
    )
