"""The most memory of this process, not of the one that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.engine.memory import peak_memory_bytes

PRINT_PEAK = "from pipeline.engine.memory import peak_memory_bytes; print(peak_memory_bytes())"


def test_the_peak_is_not_that_of_whoever_started_the_process(repository: Path) -> None:
    held = np.ones(2**28, np.uint8)
    child = subprocess.run(
        [sys.executable, "-c", PRINT_PEAK], cwd=repository, check=True, capture_output=True
    )
    assert peak_memory_bytes() >= len(held)
    assert 0 < int(child.stdout) < len(held)


COUNT_HEAPS = """
import ctypes, sys, threading
from pipeline.engine.memory import share_heaps

share_heaps(2)
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
together = threading.Barrier(6)

def allocate():
    together.wait()  # all are there, and none takes the heap of one that has ended
    library.malloc(5000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library.fdopen.restype = ctypes.c_void_p
library.malloc_info(0, ctypes.c_void_p(library.fdopen(1, b"w")))
library.fflush(None)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="heaps are glibc's")
def test_six_threads_share_the_heaps_of_two_cores(repository: Path) -> None:
    command = [sys.executable, "-c", COUNT_HEAPS]
    told = subprocess.run(
        command, cwd=repository, check=True, capture_output=True, text=True
    ).stdout
    assert 1 <= told.count("<heap nr=") <= 2
