"""Writes the poses of every frame in one of the record formats."""

from __future__ import annotations

from pathlib import Path

from rmpe.formats import ClipHeader, NativeWriter, PoseWriter
from rmpe.formats.catalogue import open_writer
from rmpe.formats.clip import PoseRecord
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
        self._writer: PoseWriter = open_writer(format_name, folder, header)

    @classmethod
    def go_on(cls, path: Path, frames: int) -> RecordsWriter:
        """Return a writer that goes on with native records after so many frames.

        Raises:
            OSError: the file cannot be read and written.
            ValueError: it holds fewer frames.
        """
        writer = cls.__new__(cls)
        writer._writer = NativeWriter.resume(path, frames)
        return writer

    def write_record(self, record: PoseRecord) -> None:
        """Write one frame as it was stored."""
        self._writer.write(record.frame_index, record.timestamp_s, record.poses)

    def write(self, frame: Frame, poses: Poses) -> None:
        """Write one frame."""
        self._writer.write(frame.index, frame.timestamp_s, poses)

    def close(self, complete: bool) -> None:
        """Close the file; only a whole run gets the line that says so."""
        self._writer.close(complete)
