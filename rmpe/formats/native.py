"""The native record: one JSON object a line, written as the frames are made.

The first line is the header, then one line for every frame, people or none, then an end line.
Every line is flushed, so that a killed run leaves whole lines and at most one torn one. Objects
that are neither of these (``{"event": …}``) may stand between frames; readers skip them.

    {"schema": "rmpe/1", "skeleton": {"name", "joints", "limbs"}, "source", "width", "height", …}
    {"frame": 0, "time_s": 0.0, "people": [{"id": 1, "score": 0.9, "box": [x, y, w, h],
                                            "box_score": 0.8, "keypoints": [[x, y, score], …]}]}
    {"end": true, "frames": 1}

A person without identity has ``"id": null``. Numbers are float32 in as few digits as keep them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from rmpe.formats._loaded import finite
from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord, ReadHints, check_joint_count
from rmpe.formats.native_lines import (
    header_from_json,
    header_to_json,
    people_from_json,
    people_to_json,
    whole_number,
)
from rmpe.formats.pictures import PlacedReader
from rmpe.json_files import parse_json
from rmpe.records import Poses

log = logging.getLogger(__name__)


class NativeWriter:
    """Writes ``poses.ndjson``, a line a frame.

    Args:
        path: file to create; an existing one is replaced.
        header: what the first line says.
    """

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self.header = header
        self.frames_written = 0
        self._file: IO[str] = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115
        try:
            self._write_line(header_to_json(header))
        except OSError:
            self.close(complete=False)
            raise

    @classmethod
    def resume(cls, path: str | Path, frames: int | None = None) -> NativeWriter:
        """Go on with a file that a killed run left: cut after its last whole line, then append.

        ``frames_written`` tells where the run stopped; an end line is taken off.

        Args:
            path: the file.
            frames: keep this many frames; None keeps all that are whole.

        Raises:
            ValueError: the file has no readable header, or fewer frames than asked for.
        """
        reader = NativeReader(path)
        writer = cls.__new__(cls)
        writer.header = reader.header
        writer.frames_written = 0
        keep = 0
        with open(path, "rb") as file:
            for line in file:
                item = _parsed(line)
                if item is None or "end" in item or not line.endswith(b"\n"):
                    break
                if "frame" in item and writer.frames_written == frames:
                    break
                keep += len(line)
                if "frame" in item:
                    writer.frames_written += 1
        if frames is not None and writer.frames_written < frames:
            raise ValueError(f"{path} has {writer.frames_written} whole frames, needed {frames}")
        with open(path, "r+b") as file:
            file.truncate(keep)
        writer._file = open(path, "a", encoding="utf-8", newline="\n")  # noqa: SIM115
        return writer

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Write the line of one frame and flush it.

        Raises:
            ValueError: the poses have another number of joints, or a number is not finite.
        """
        check_joint_count(poses, self.header.skeleton, frame_index)
        try:
            people = people_to_json(poses)
        except ValueError as error:
            raise ValueError(f"frame {frame_index}: {error}") from error
        self._write_line(
            {"frame": frame_index, "time_s": round(float(timestamp_s), 6), "people": people}
        )
        self.frames_written += 1

    def write_event(self, event: Mapping[str, Any]) -> None:
        """Write a line that is no frame, for instance ``{"event": "identity_joined", …}``."""
        if {"frame", "end", "schema"} & set(event):
            raise ValueError(f"an event may not have the keys frame, end or schema: {dict(event)}")
        self._write_line(event)

    def close(self, complete: bool = True) -> None:
        """Write the end line, unless the run failed, and close the file, also on a full disk."""
        if self._file.closed:
            return
        with self._file:
            if complete:
                self._write_line({"end": True, "frames": self.frames_written})

    def _write_line(self, item: Mapping[str, Any]) -> None:
        text = json.dumps(item, allow_nan=False, ensure_ascii=False, separators=(", ", ": "))
        self._file.write(text + "\n")
        self._file.flush()


class NativeReader:
    """Reads a native file line by line; may be iterated more than once.

    A file of a killed run (no end line, last line torn) gives its whole lines; after the iteration
    ``complete`` is False and a warning was logged.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the first line is no header of this schema, or a line before the last is broken.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.frames_read = 0
        self._complete = False
        with open(self.path, "rb") as file:
            self._header = header_from_json(_parsed(file.readline()), self.path)

    @property
    def header(self) -> ClipHeader:
        """The first line."""
        return self._header

    @property
    def complete(self) -> bool:
        """Whether the last iteration met the end line, with the right number of frames."""
        return self._complete

    def __iter__(self) -> Iterator[PoseRecord]:
        """Yield every whole frame line in order."""
        self.frames_read, self._complete = 0, False
        torn: int | None = None
        last = -1
        with open(self.path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1 or not line.strip():
                    continue
                if torn is not None:
                    raise ValueError(f"{self.path}, line {torn}: not a JSON object")
                item = _parsed(line)
                if item is None:
                    torn = number
                elif "frame" in item:
                    record = self._record(item, number)
                    if record.frame_index <= last:
                        raise ValueError(
                            f"{self.path}, line {number}: frame {record.frame_index} comes after "
                            f"frame {last}; frames rise, from 0 on"
                        )
                    last = record.frame_index
                    self.frames_read += 1
                    yield record
                elif item.get("end"):
                    self._check_end(item, number)
        if not self._complete:
            log.warning(
                "%s has no end line: the run that wrote it was cut off after %d frames%s",
                self.path,
                self.frames_read,
                "" if torn is None else f" (line {torn} is torn)",
            )

    def _record(self, item: dict[str, Any], number: int) -> PoseRecord:
        try:
            poses = people_from_json(item["people"], self._header.skeleton.joint_count)
            return PoseRecord(whole_number(item["frame"]), finite(item["time_s"], "time_s"), poses)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"{self.path}, line {number}: not a frame line: {reason}") from error

    def _check_end(self, item: dict[str, Any], number: int) -> None:
        if item.get("frames") != self.frames_read:
            raise ValueError(
                f"{self.path}, line {number}: the end line counts {item.get('frames')} frames, "
                f"the file has {self.frames_read}"
            )
        self._complete = True


def read_native(path: str | Path, hints: ReadHints | None = None) -> PoseReader:
    """Return the frames of a native file; with hints on pictures or a clip, by their indices.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is none of this schema, or its pictures are not those of the hints.
    """
    reader, hints = NativeReader(path), hints or ReadHints()
    header = reader.header
    named = hints.is_of_clip and header.image_names
    if not (hints.image_names or named or (hints.fps > 0 and header.fps != hints.fps)):
        return reader
    return PlacedReader(reader, hints, str(path))


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the object of a whole line, or None for a torn or foreign one."""
    try:
        item = parse_json(line)
    except ValueError:
        return None
    return item if isinstance(item, dict) else None
