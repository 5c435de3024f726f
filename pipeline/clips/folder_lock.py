"""One run at a time in an output folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

LOCK_NAME = ".rmpe.lock"
_PATIENCE_S = 2.0
"""A killed process may take a moment to let go of its lock."""


class FolderInUseError(OSError):
    """Another process works on the folder."""


class FolderLock:
    """Holds an output folder for this process; the system lets go of it however the process ends.

    The lock is the system's own on a file in the folder, so it also holds between machines whose
    shared file system passes such locks on. A run that was killed a moment ago may still hold it,
    so it is tried for two seconds.

    Args:
        folder: an existing folder.

    Raises:
        FolderInUseError: another run holds it.
        OSError: no file can be made there.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        # One thread may take it and another let go: a live run ends on its writer's.
        self._lock = FileLock(self._path, poll_interval=0.05, thread_local=False)
        try:
            self._lock.acquire(timeout=_PATIENCE_S)
        except Timeout:
            raise FolderInUseError(
                f"{folder} is in use by another run; wait for it or give another --output"
            ) from None

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let go, the file with it; allowed twice."""
        if self._lock.is_locked:
            with suppress(OSError):  # Windows keeps a file that is open; it does no harm
                os.unlink(self._path)
            self._lock.release()
