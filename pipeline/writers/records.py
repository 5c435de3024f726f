"""Writes the poses of every frame in one of the record formats."""

from __future__ import annotations

from pathlib import Path

from rmpe.formats import ClipHeader, open_writer
from rmpe.records import Frame, Poses


class RecordsWriter:
    """One file, or folder, of poses.

    Args:
        format_name: name in :data:`rmpe.formats.FORMATS`; ``native`` is ``poses.ndjson``.
        folder: output folder; it is made if missing.
        header: what is true for the whole clip.

    Raises:
        OSError: nothing can be written there.
        ValueError: the format is unknown.
    """

    def __init__(self, format_name: str, folder: str | Path, header: ClipHeader) -> None:
        self._writer = open_writer(format_name, folder, header)

    def write(self, frame: Frame, poses: Poses) -> None:
        """Write one frame."""
        self._writer.write(frame.index, frame.timestamp_s, poses)

    def close(self, complete: bool) -> None:
        """Close the file; only a whole run gets the line that says so."""
        self._writer.close(complete)
