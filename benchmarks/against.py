"""Two states of the program in turn, as their commands run: `bench_pipeline.py --against`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import cv2

from pipeline.readers import VideoReader

ROOT = Path(__file__).resolve().parents[1]
PICTURES = 5


@dataclass(frozen=True)
class Measured:
    """One command's run."""

    wall_s: float
    """From its start to its end."""
    processor_s: float
    """Of all its threads, user and system."""
    frames_per_s: float
    """By its summary: networks are loaded by then."""
    memory_mb: float
    """The most it held, by its summary."""


def compare(ref: str, clip: Path, rounds: int) -> dict[str, Any]:
    """Run this tree and ``ref`` in turn, print medians and return them.

    Args:
        ref: of git.
        clip: a video file.
        rounds: runs of each command and each state.
    """
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, checked_out(ref) as other:
        pictures = _pictures(clip, Path(folder))
        commands = {
            "records and video": ["video", str(clip)],
            "records only": ["video", str(clip), "--no-video"],
            "first frame": ["video", str(clip), "--no-video", "--end", "0.02"],
            f"{PICTURES} pictures": ["images", *pictures],
        }
        click.echo(
            f"{'median of ' + str(rounds):>20} {'':>9} {'frames/s':>9} {'wall s':>8} "
            f"{'processor s':>12} {'cores busy':>11} {'MB':>6}"
        )
        for name, arguments in commands.items():
            runs: dict[str, list[Measured]] = {"here": [], ref: []}
            for _ in range(rounds):
                for label, tree in (("here", ROOT), (ref, other)):
                    runs[label].append(_run(tree, arguments))
            figures[name] = {label: _told(name, label, found) for label, found in runs.items()}
            here, there = figures[name]["here"], figures[name][ref]
            frames = here["frames_per_s"] / there["frames_per_s"]
            processor = here["processor_s"] / there["processor_s"]
            click.echo(
                f"{name:>20}: {frames:.2f} times the frames/s, {processor:.2f} of the processor"
            )
    return figures


@contextmanager
def checked_out(ref: str) -> Iterator[Path]:
    """Give a folder that holds the repository as it was at ``ref``."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), ref], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def _run(tree: Path, arguments: list[str]) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "cli.py", *arguments, "--quiet", "-o", str(out)]
        began_s = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise click.ClickException(f"{' '.join(command)} ended with {process.returncode}")
        summary = json.loads((out / "summary.json").read_text("utf-8"))
    return Measured(
        wall_s,
        used.ru_utime + used.ru_stime,
        float(summary["timing"]["frames_per_s"]),
        float(summary["peak_memory_mb"]),
    )


def _told(name: str, label: str, runs: list[Measured]) -> dict[str, float]:
    """Print the medians of several runs and return them."""
    found = {field: median(getattr(run, field) for run in runs) for field in vars(runs[0])}
    found["cores_busy"] = median(run.processor_s / run.wall_s for run in runs)
    click.echo(
        f"{name:>20} {label[:9]:>9} {found['frames_per_s']:9.1f} {found['wall_s']:8.2f} "
        f"{found['processor_s']:12.2f} {found['cores_busy']:11.2f} {found['memory_mb']:6.0f}"
    )
    return found


def _pictures(clip: Path, folder: Path) -> list[str]:
    """Write the clip's first frames as pictures and return their names."""
    names = []
    for frame in VideoReader(clip, end=PICTURES):
        names.append(str(folder / f"{frame.index}.png"))
        cv2.imwrite(names[-1], frame.image_bgr)
    return names
