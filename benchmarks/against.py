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

import click
import cv2
import numpy as np
from measuring import Settings
from tables import Table, as_table

from pipeline.readers import VideoReader
from rmpe.detectors import build_detector

ROOT = Path(__file__).resolve().parents[1]
PICTURES = 5
CLIP_FRAMES = 205


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


def compare(settings: Settings) -> Table:
    """Run this tree and the settings' ``ref`` in turn and return medians."""
    clip, ref, rows = settings.clip, settings.ref, []
    with tempfile.TemporaryDirectory() as folder, checked_out(ref) as other:
        pictures = _pictures(clip, Path(folder))
        boxes = _boxes(clip, Path(folder) / "boxes.ndjson")
        whole = [] if settings.frames >= CLIP_FRAMES else ["--end", f"{settings.frames / 25:.2f}"]
        commands = {
            "records and video": ["video", str(clip), *whole],
            "records only": ["video", str(clip), "--no-video", *whole],
            "the same boxes": ["video", str(clip), "--no-video", "--boxes", boxes, *whole],
            "first frame": ["video", str(clip), "--no-video", "--end", "0.02"],
            f"{PICTURES} pictures": ["images", *pictures],
        }
        for name, arguments in commands.items():
            runs: dict[str, list[Measured]] = {"here": [], ref: []}
            for round_ in range(settings.rounds + (name == "first frame")):
                for label, tree in (("here", ROOT), (ref, other)):
                    found = _run(tree, arguments, Path(folder) / "bytecode" / label)
                    # The first of all starts compiles: bytecode and networks.
                    if name != "first frame" or round_:
                        runs[label].append(found)
            rows += [(f"{name}, {label}", *_told(found)) for label, found in runs.items()]
            here, there = (median(run.frames_per_s for run in found) for found in runs.values())
            rows[-2] = (*rows[-2][:-1], f"{here / there:.2f}")
    return as_table(
        f"{clip.name} as the commands run, `here` and at {ref}",
        ("command", "frames/s", "wall", "processor", "cores busy", "memory", "times the frames/s"),
        rows,
    )


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


def _run(tree: Path, arguments: list[str], bytecode: Path) -> Measured:
    """Run a command of a tree as of an installed program, whose bytecode is there."""
    own = {"PYTHONPATH": str(tree), "PYTHONPYCACHEPREFIX": str(bytecode)}
    environment = {**os.environ, **own}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "cli.py", *arguments, "--quiet", "-o", str(out)]
        began_s = time.perf_counter()
        process = subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL)
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


def _told(runs: list[Measured]) -> tuple[str, ...]:
    """Return the medians of several runs in words, and an empty cell."""
    found = {field: median(getattr(run, field) for run in runs) for field in vars(runs[0])}
    busy = median(run.processor_s / run.wall_s for run in runs)
    return (
        f"{found['frames_per_s']:.1f}",
        f"{found['wall_s']:.2f} s",
        f"{found['processor_s']:.2f} s",
        f"{busy:.2f}",
        f"{found['memory_mb']:.0f} MB",
        "",
    )


def _boxes(clip: Path, path: Path) -> str:
    """Write what this tree's detector finds in the clip, a frame a line, and return the name."""
    detector = build_detector("compact", device="cpu")
    with path.open("w", encoding="utf-8") as file:
        for frame in VideoReader(clip):
            found = detector([frame.image_bgr])[0]
            sides = found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]
            rows = np.c_[found.boxes_xyxy[:, :2], sides, found.scores].tolist()
            file.write(json.dumps({"frame": frame.index, "boxes": rows}) + "\n")
    return str(path)


def _pictures(clip: Path, folder: Path) -> list[str]:
    """Write the clip's first frames as pictures and return their names."""
    names = []
    for frame in VideoReader(clip, end=PICTURES):
        names.append(str(folder / f"{frame.index}.png"))
        cv2.imwrite(names[-1], frame.image_bgr)
    return names
