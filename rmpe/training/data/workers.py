"""How the processes that make crops are started."""

from __future__ import annotations

import multiprocessing


def start_method() -> str:
    """Return ``forkserver``, which copies no process that has threads, or ``spawn`` on Windows."""
    methods = multiprocessing.get_all_start_methods()
    return "forkserver" if "forkserver" in methods else "spawn"
