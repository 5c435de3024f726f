"""The most memory of this process, not of the one that started it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from pipeline.engine.memory import give_back_memory, peak_memory_bytes

PRINT_PEAK = "from pipeline.engine.memory import peak_memory_bytes; print(peak_memory_bytes())"


def test_the_peak_stays_when_the_memory_is_given_back(repository):
    held = np.ones(2**28, np.uint8)
    with_it = peak_memory_bytes()
    child = subprocess.run(
        [sys.executable, "-c", PRINT_PEAK], cwd=repository, check=True, capture_output=True
    )
    assert with_it >= len(held)
    assert 0 < int(child.stdout) < len(held)
    del held
    give_back_memory()
    assert peak_memory_bytes() >= with_it
