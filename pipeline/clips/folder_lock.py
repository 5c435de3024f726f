"""One run at a time in an output folder."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType

if sys.platform != "win32":
    import fcntl

LOCK_NAME = ".rmpe.lock"
_PATIENCE_S = 2.0
_LOOK_EVERY_S = 0.05


class FolderInUseError(OSError):
    """Another process works on the folder."""


class FolderLock:
    """Holds an output folder for this process; the system lets go of it however the process ends.

    The lock is ``flock`` on a file in the folder, so it also holds between machines whose shared
    file system passes such locks on. Systems without ``flock`` get no protection. A run that was
    killed a moment ago may still hold it, so it is tried for two seconds.

    Args:
        folder: an existing folder.

    Raises:
        FolderInUseError: another run holds it; the message names its process.
        OSError: no file can be made there.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._handle = self._acquire(folder)

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
        """Let go; allowed twice."""
        if self._handle >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = -1

    def _acquire(self, folder: Path) -> int:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            if sys.platform == "win32":
                return handle
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_current(handle):
                    os.truncate(handle, 0)
                    os.write(handle, str(os.getpid()).encode())
                    return handle
            except BlockingIOError:
                holder = os.read(handle, 32).decode("ascii", "replace")
                os.close(handle)
                if time.monotonic() < deadline:
                    time.sleep(_LOOK_EVERY_S)
                    continue
                raise FolderInUseError(
                    f"{folder} is in use by another run (process {holder or 'unknown'}); "
                    "wait for it or give another --output"
                ) from None
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _is_current(self, handle: int) -> bool:
        """Whether the file is still the one of that name: its last holder may have removed it."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._path))
        except FileNotFoundError:
            return False
