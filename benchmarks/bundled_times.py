"""Parts of `bench_pipeline.py` that time the bundled networks alone, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from measuring import Settings, in_turn
from tables import Table, as_table

from pipeline.readers import VideoReader
from rmpe.detectors import build_detector
from rmpe.runtimes.base import CPU_BATCH, Precision
from rmpe.zoo.bundled import BUNDLED, ready_pose

BATCHES = (1, 2, 4, 8, 16)
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")
PARTS = ("pose", "pose, narrow people", "detector")
CALLS = 8


def processor_ms(call: Callable[[], Any], share: int) -> float:
    """Return processor milliseconds of this process for each of ``share`` things of a call."""
    before_s = time.process_time()
    for _ in range(CALLS):
        call()
    return 1000 * (time.process_time() - before_s) / CALLS / share


def pose_call(
    name: str, precision: Precision, batch: int, is_narrow: bool = False
) -> Callable[[], Any]:
    """Return a call of a bundled pose network, which has been called before."""
    ready = ready_pose(name, device="cpu", runtime="openvino", precision=precision, threads=1)
    assert ready is not None
    runtime, conventions = ready
    width = conventions.narrow_width if is_narrow else conventions.input_width
    shape = (batch, conventions.input_height, width, 3)
    call = partial(runtime, np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    call()
    return call


def detector_call(name: str, precision: Precision, images: Sequence[Any]) -> Callable[[], Any]:
    """Return a call of a bundled detector, which has been called before."""
    choice: dict[str, Any] = {"runtime": "openvino", "precision": precision, "threads": 1}
    call = partial(build_detector(name, device="cpu", **choice), images)
    call()
    return call


def part_networks(settings: Settings) -> Table:
    """Processor time of every bundled network in each precision."""
    picture = next(iter(VideoReader(settings.clip))).image_bgr
    calls: dict[str, Callable[[], float]] = {}
    for precision in PRECISIONS:
        for name in BUNDLED:
            # In int8 a network is refused whose ranges were measured with other weights.
            with suppress(ValueError):
                for part, is_narrow in (("pose", False), ("pose, narrow people", True)):
                    pose = pose_call(name, precision, CPU_BATCH, is_narrow)
                    calls[f"{name} {part} {precision}"] = partial(processor_ms, pose, CPU_BATCH)
            with suppress(ValueError):
                found = detector_call(name, precision, [picture])
                calls[f"{name} detector {precision}"] = partial(processor_ms, found, 1)
    medians = in_turn(calls, settings.rounds)
    what = [f"{name} {part}" for name in BUNDLED for part in PARTS]
    rows = [
        (row, *(_cell(medians.get(f"{row} {precision}")) for precision in PRECISIONS))
        for row in what
    ]
    return as_table(
        f"One thread, processor time a crop in batches of {CPU_BATCH}, or a frame at the "
        "detector's sides",
        ("network", *PRECISIONS),
        rows,
    )


def _cell(time_ms: float | None) -> str:
    return "refused" if time_ms is None else f"{time_ms:.1f} ms"


def part_batches(settings: Settings) -> Table:
    """Processor time a crop by the size of the batch."""
    rows = []
    for name in BUNDLED:
        for precision in PRECISIONS[:2]:
            calls = {
                str(size): partial(processor_ms, pose_call(name, precision, size), size)
                for size in BATCHES
            }
            medians = in_turn(calls, settings.rounds)
            rows.append((f"{name} {precision}", *(f"{ms:.2f} ms" for ms in medians.values())))
    return as_table(
        "One thread, processor time a crop by batch", ("network", *map(str, BATCHES)), rows
    )
