"""The most memory of this process, not of the one that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from pipeline.engine.memory import peak_memory_bytes

PRINT_PEAK = "from pipeline.engine.memory import peak_memory_bytes; print(peak_memory_bytes())"


def test_the_peak_is_not_that_of_whoever_started_the_process(repository: Path) -> None:
    held = np.ones(2**28, np.uint8)
    child = subprocess.run(
        [sys.executable, "-c", PRINT_PEAK], cwd=repository, check=True, capture_output=True
    )
    assert peak_memory_bytes() >= len(held)
    assert 0 < int(child.stdout) < len(held)
