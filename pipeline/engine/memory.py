"""What the process holds of the machine's memory, and giving back what it does not use."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_MOST_ARENAS = -8
"""glibc's M_ARENA_MAX."""


def peak_memory_bytes() -> int:
    """Return the most memory that this process ever held, in bytes; 0 where that is not told."""
    if sys.platform == "win32":
        return 0
    # What getrusage tells on Linux begins with the size of the process that started this one.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def share_heaps(cores: int) -> None:
    """Have the threads that start from now on share a heap for each core, where the C library is
    glibc.

    It would make up to eight, and each keeps the holes that a stage's pictures leave: on two cores
    a clip of 1280x720 took 471 MB in place of 444, and 1 % less processor time.
    """
    if (choose := _of_glibc("mallopt")) is not None:
        choose(_MOST_ARENAS, max(cores, 1))


def give_back_memory() -> None:
    """Return freed memory to the machine, where the C library is glibc.

    Its heaps keep the holes that pictures leave; they would grow for hundreds of frames.
    """
    if (trim := _of_glibc("malloc_trim")) is not None:
        trim(0)


@cache
def _of_glibc(name: str) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return getattr(library, name, None) if hasattr(library, "malloc_trim") else None
