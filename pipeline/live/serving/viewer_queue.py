"""What one reader of records has not fetched yet."""

from __future__ import annotations

import asyncio
import json
from collections import deque

_RECORDS_KEPT = 256
"""Lines for a viewer who reads slowly; older ones are dropped."""


class ViewerQueue:
    """What one viewer has not fetched yet; used in the server's event loop only.

    Args:
        keep: most lines kept; older ones go and are counted.
    """

    def __init__(self, keep: int = _RECORDS_KEPT) -> None:
        self._lines: deque[str] = deque()
        self._keep = keep
        self._skipped = 0
        self.changed = asyncio.Event()

    def put(self, line: str) -> None:
        """Add a line; the oldest goes when the viewer is slow."""
        if len(self._lines) == self._keep:
            self._lines.popleft()
            self._skipped += 1
        self._lines.append(line)
        self.changed.set()

    def drain(self) -> list[str]:
        """Return what came, after a line that says how many were skipped."""
        lines = list(self._lines)
        self._lines.clear()
        self.changed.clear()
        if self._skipped:
            lines.insert(0, json.dumps({"event": "skipped", "lines": self._skipped}))
            self._skipped = 0
        return lines
