"""Runs in child processes that can be killed; also for `tests/helpers/kill_runs.py`."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import av


def fork_run(work: Callable[[], bool]) -> int:
    """Do the work in a child, and return its process id.

    The child's exit code is 0 if the work is a success, 3 if it is none, and 1, with the traceback
    on stderr, if it raises.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 3
        finally:
            if code == 1:
                traceback.print_exception(*sys.exc_info())
            os._exit(code)
    return child


def end_of(child: int, patience_s: float, until: Path | None = None) -> int | None:
    """Return the exit status of a child; None if it runs on after the time, or ``until`` exists."""
    deadline = time.monotonic() + patience_s
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if time.monotonic() > deadline or (until is not None and until.exists()):
            return None
        time.sleep(0.0005)


def kill(child: int) -> int | None:
    """Kill a child; return its exit status if it had ended before, None if it was killed."""
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return None if os.WIFSIGNALED(status) else status


def playable_frames(path: Path) -> int:
    """Return the number of frames that play."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
