"""JSON documents written piece by piece, so that no clip is held in memory."""

from __future__ import annotations

from pathlib import Path
from typing import IO


class ItemStream:
    """A text file of ``before``, items separated by ``", "``, and ``after``.

    Closed at any moment the document is valid JSON.
    """

    def __init__(self, path: str | Path, before: str, after: str) -> None:
        self._after = after
        self._empty = True
        self._file: IO[str] = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115
        self._file.write(before)

    def add(self, text: str) -> None:
        """Append one item, already JSON."""
        self._file.write(text if self._empty else ", " + text)
        self._empty = False

    def close(self, after: str | None = None) -> None:
        """Write the end, ``after`` if given, and close the file; closing twice is allowed."""
        if self._file.closed:
            return
        self._file.write(self._after if after is None else after)
        self._file.close()
