"""Stored poses put to the pictures or the clip that they are wanted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord, ReadHints
from rmpe.formats.pictures._matching import match_pictures
from rmpe.formats.pictures._placing import frames_of_clip


class PlacedReader:
    """A reader's records by the indices of known pictures, or of a clip's frames.

    Records that name their pictures are matched by these names (see this room's page), others keep
    their places. Records of pictures that are not known, with nobody in them, are passed over.

    Args:
        reader: records by their own indices.
        hints: the pictures, or that it is a clip.
        file: what to call the records in messages.

    Raises:
        ValueError: names fit several pictures, or have no numbers for a clip's frames.
    """

    def __init__(self, reader: PoseReader, hints: ReadHints, file: str) -> None:
        self._reader, self._file, self._hints = reader, file, hints
        names = reader.header.image_names
        self._indices: dict[int, int] | None = None
        self.notes: tuple[str, ...] = ()
        if names and (hints.image_names or hints.is_of_clip):
            placed, self.notes = (
                match_pictures(names, hints.image_names)
                if hints.image_names
                else frames_of_clip(names, hints, file)
            )
            self._indices = {
                place: placed[name] for place, name in enumerate(names) if name in placed
            }
        elif hints.image_names:
            self.notes = ("the records name no pictures: frame 0 is taken as the first of them",)
        self._gives_times = hints.fps > 0 and not reader.header.fps
        if hints.fps > 0 and reader.header.fps not in (0, hints.fps):
            told = (
                f"the records say {reader.header.fps:g} frames a second, {hints.fps:g} is not used"
            )
            self.notes = (*self.notes, told)
        self._header = replace(
            reader.header,
            image_names=hints.image_names or (() if hints.is_of_clip else names),
            fps=hints.fps if self._gives_times else reader.header.fps,
        )

    @property
    def header(self) -> ClipHeader:
        """The records' header with the names of the known pictures."""
        return self._header

    @property
    def complete(self) -> bool:
        """Whether the records are whole."""
        return self._reader.complete

    def __iter__(self) -> Iterator[PoseRecord]:
        """Yield the records in the order of their pictures.

        Raises:
            ValueError: there are poses for a picture that is not known.
        """
        if self._indices is None:
            yield from map(self._timed, map(self._known, self._reader))
            return
        placed = [record for record in map(self._moved, self._reader) if record is not None]
        yield from map(self._timed, sorted(placed, key=lambda record: record.frame_index))

    def _timed(self, record: PoseRecord) -> PoseRecord:
        """Return a record with its time by the given rate, where the records have none."""
        if not self._gives_times:
            return record
        return replace(record, timestamp_s=self._header.time_of(record.frame_index))

    def _known(self, record: PoseRecord) -> PoseRecord:
        if self._hints.image_names and record.frame_index >= len(self._hints.image_names):
            raise ValueError(
                f"{self._file} has frame {record.frame_index}, there are "
                f"{len(self._hints.image_names)} pictures"
            )
        return record

    def _moved(self, record: PoseRecord) -> PoseRecord | None:
        assert self._indices is not None
        if record.frame_index in self._indices:
            return replace(record, frame_index=self._indices[record.frame_index])
        if not len(record.poses):
            return None
        raise ValueError(
            f"{self._file} has poses for {self._reader.header.image_name(record.frame_index)}, "
            "which is not among the pictures"
        )
