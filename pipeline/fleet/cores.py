"""Cores of a machine for one process alone, so that workers beside each other do not share them."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

if sys.platform == "linux":
    import fcntl


class CoreClaim:
    """Some of the cores that this process may use, which no other claim on the machine has.

    A claimed core is a file that is locked; the system lets go of it however the process ends.
    Where there are not enough free cores, or the system has no affinity or no such locks (other
    than Linux), nothing is claimed and the process stays where it was.

    Args:
        count: cores wanted.
        folder: of the files; the same for all processes that shall know of each other.
    """

    def __init__(self, count: int, folder: Path | None = None) -> None:
        self.cores: frozenset[int] = frozenset()
        self._handles: list[int] = []
        if sys.platform != "linux":
            return
        allowed = os.sched_getaffinity(0)
        if count >= len(allowed):
            return
        with suppress(OSError):
            self._claim(sorted(allowed), count, folder or _shared_folder())

    def release(self) -> None:
        """Let go of the cores; the process stays on them. Allowed twice."""
        while self._handles:
            os.close(self._handles.pop())

    def _claim(self, allowed: list[int], count: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        claimed = []
        for core in allowed:
            handle = os.open(folder / f"core{core}", os.O_RDWR | os.O_CREAT, 0o600)
            if not _lock(handle):
                os.close(handle)
                continue
            self._handles.append(handle)
            claimed.append(core)
            if len(claimed) == count:
                self.cores = frozenset(claimed)
                _stay_on(self.cores)
                return
        self.release()


def _lock(handle: int) -> bool:
    """Lock an open file if nobody else has; False elsewhere than on Linux."""
    if sys.platform == "linux":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    return False


def _stay_on(cores: frozenset[int]) -> None:
    """Keep every thread of this process on some cores, those that are there already too."""
    if sys.platform == "linux":
        for thread in os.listdir("/proc/self/task"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread), cores)


def _shared_folder() -> Path:
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / "rmpe-cores"  # the folder is the user's own
    return Path(tempfile.gettempdir()) / f"rmpe-cores-{os.getuid()}"
