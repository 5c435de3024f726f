"""How many threads each library may use, so that the stages share the cores instead of fighting."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import cv2


@dataclass(frozen=True)
class ThreadCounts:
    """Threads of each library, as set by :func:`limit_threads`."""

    cores: int
    """Cores this process may run on."""
    torch: int
    """Threads inside one torch operator."""
    opencv: int
    """Threads inside one OpenCV call."""
    openvino: int
    """Threads of one OpenVINO network."""
    video: int
    """Threads of the video decoder and encoder, each."""


def available_cores() -> int:
    """Return the number of cores this process may run on (its affinity, not the machine's)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads(cores: int | None = None, *, networks: int = 2) -> ThreadCounts:
    """Set the thread counts of torch and OpenCV for the whole process and return all counts.

    Stages run beside each other, each on its own thread, so a crop or a drawing uses one core, and
    each of the two networks half of the cores: on two cores a network on both of them took a
    quarter more processor time and made the whole run slower (benchmarks/bench_pipeline.py). A
    network that runs alone has all of them.

    Args:
        cores: cores to plan for; all that the process may use when None.
        networks: networks that run beside each other: 1 where boxes come from a file.
    """
    count = max(cores or available_cores(), 1)
    counts = ThreadCounts(
        cores=count,
        torch=max(1, count // networks),
        opencv=1,
        openvino=max(1, count // networks),
        video=max(1, min(count // 2, 4)),
    )
    # Torch takes long to load and is not always needed; it finds the number when it comes.
    os.environ["OMP_NUM_THREADS"] = str(counts.torch)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(counts.torch)
    cv2.setNumThreads(counts.opencv)
    return counts
