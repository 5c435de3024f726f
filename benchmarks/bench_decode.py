"""Time of heatmap decoding beside straightforward loops written from the descriptions.

Run: python benchmarks/bench_decode.py [--json FILE]

32 x 17 maps of 64 x 48 cells: a Gaussian at a random place, noise, a second lower one. Times are
medians of one thread's processor time; both run in the same process, in turn.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from rmpe.heatmaps import get_codec

Floats = NDArray[np.float64]
Maps = NDArray[np.float32]
Decoded = tuple[Floats, Floats]


def make_maps(
    batch: int, joints: int, height: int, width: int, peak: float = 1.0, seed: int = 0
) -> Maps:
    """Return noisy maps (batch, joints, height, width) with two Gaussians each."""
    random = np.random.default_rng(seed)
    rows, columns = np.arange(height)[:, None], np.arange(width)
    maps = random.normal(0, 0.01, (batch, joints, height, width))
    for share in (1.0, 0.6):
        x = random.uniform(-1, width, (batch, joints, 1, 1))
        y = random.uniform(-1, height, (batch, joints, 1, 1))
        size = random.uniform(0.2, 0.9, x.shape) * share
        maps += size * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 2.0**2))
    return (maps * peak).astype(np.float32)


def loop_quarter(maps: Maps) -> Decoded:
    """Decode AlphaPose's and HRNet's maps, map by map."""
    batch, joints, height, width = maps.shape
    xy, scores = np.zeros((batch, joints, 2)), np.zeros((batch, joints))
    for n in range(batch):
        for k in range(joints):
            heat = maps[n, k]
            y, x = np.unravel_index(heat.argmax(), heat.shape)
            scores[n, k] = heat[y, x]
            if heat[y, x] <= 0:
                continue
            point = np.array([x, y], np.float64)
            if 1 < x < width - 1 and 1 < y < height - 1:
                point[0] += 0.25 * np.sign(heat[y, x + 1] - heat[y, x - 1])
                point[1] += 0.25 * np.sign(heat[y + 1, x] - heat[y - 1, x])
            xy[n, k] = 4 * point
    return xy, scores


def loop_smoothed(maps: Maps, kernel_size: int, divide: bool) -> Decoded:
    """Decode MSPN's and CPN's maps, map by map, in 64 bit."""
    batch, joints, height, width = maps.shape
    xy, scores = np.zeros((batch, joints, 2)), np.zeros((batch, joints))
    for n in range(batch):
        for k in range(joints):
            heat = maps[n, k].astype(np.float64)
            plane = np.zeros((height + 20, width + 20))
            plane[10:-10, 10:-10] = heat / heat.max() if divide and heat.max() != 0 else heat
            plane = cv2.GaussianBlur(plane, (kernel_size, kernel_size), 0)
            y, x = np.unravel_index(plane.argmax(), plane.shape)
            plane[y, x] = 0
            second_y, second_x = np.unravel_index(plane.argmax(), plane.shape)
            way = np.array([float(second_x) - float(x), float(second_y) - float(y)])
            length = np.hypot(*way)
            point = np.array([x - 10.0, y - 10.0])
            if length > 1e-3:
                point += 0.25 * way / length
            point = point.clip(0, [width - 1, height - 1])
            column, row = (round(float(v)) for v in point)
            xy[n, k] = 4 * point + 2
            scores[n, k] = heat[row, column] / 255 + 0.5
    return xy, scores


CASES: tuple[tuple[str, float, Callable[[Maps], Decoded]], ...] = (
    ("alphapose", 1.0, loop_quarter),
    ("hrnet", 1.0, loop_quarter),
    ("mspn", 255.0, partial(loop_smoothed, kernel_size=5, divide=False)),
    ("mspn_mpii", 255.0, partial(loop_smoothed, kernel_size=9, divide=False)),
    ("cpn", 255.0, partial(loop_smoothed, kernel_size=21, divide=True)),
)


def median_ms(call: Callable[[], object], runs: int) -> float:
    """Return the median processor time of this thread in milliseconds, after one warm-up."""
    call()
    times = []
    for _ in range(runs):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return float(np.median(times)) * 1e3


@click.command()
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write as JSON.")
def main(json_path: Path | None) -> None:
    """Print median times and the ratio to the loop."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    click.echo(f"{'codec':>12} {'ours ms':>9} {'loop ms':>9} {'ratio':>7}")
    results = []
    for name, peak, loop in CASES:
        maps = make_maps(32, 17, 64, 48, peak)
        ours = median_ms(partial(get_codec(name).decode, torch.from_numpy(maps)), 41)
        plain = median_ms(partial(loop, maps), 5)
        results.append({"codec": name, "ours_ms": ours, "loop_ms": plain})
        click.echo(f"{name:>12} {ours:>9.2f} {plain:>9.2f} {plain / ours:>6.0f}x")
    if json_path is not None:
        json_path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
