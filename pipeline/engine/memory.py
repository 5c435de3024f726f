"""What the process holds of the machine's memory, and giving back what it does not use."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path


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


def give_back_memory() -> None:
    """Return freed memory to the machine, where the C library is glibc.

    Its heaps, one a thread, keep the holes that pictures leave; they would grow for hundreds of
    frames.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
