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

import numpy as np
from numpy.typing import NDArray

from rmpe.formats._json import short_xywh, shortest_decimals
from rmpe.formats._loaded import as_float32, finite, numbers_of
from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord, ReadHints, check_joint_count
from rmpe.formats.pictures import PlacedReader
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.json_files import parse_json
from rmpe.records import Poses
from rmpe.skeletons import Skeleton, skeleton_from_names

SCHEMA = "rmpe/1"

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
        self.next_frame_index = 0
        self._file: IO[str] = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115
        try:
            self._write_line(header_to_json(header))
        except OSError:
            self.close(complete=False)
            raise

    @classmethod
    def resume(cls, path: str | Path, frames: int | None = None) -> NativeWriter:
        """Go on with a file that a killed run left: cut after its last whole line, then append.

        ``frames_written`` and ``next_frame_index`` tell where the run stopped; an end line is
        taken off.

        Args:
            path: the file.
            frames: keep this many frames; None keeps all that are whole.

        Raises:
            ValueError: the file has no readable header, or fewer frames than asked for.
        """
        reader = NativeReader(path)
        writer = cls.__new__(cls)
        writer.header = reader.header
        writer.frames_written, writer.next_frame_index = 0, 0
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
                    writer.next_frame_index = int(item["frame"]) + 1
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
        self.next_frame_index = frame_index + 1

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
            return PoseRecord(_whole(item["frame"]), finite(item["time_s"], "time_s"), poses)
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


def people_to_json(poses: Poses) -> list[dict[str, Any]]:
    """Return the people of one frame as the native format's objects."""
    boxes = short_xywh(poses.boxes_xyxy).tolist()
    joints = np.concatenate([poses.keypoints_xy, poses.keypoint_scores[..., None]], -1)
    keypoints = shortest_decimals(joints).tolist()
    scores = shortest_decimals(poses.scores).tolist()
    box_scores = shortest_decimals(poses.box_scores).tolist()
    return [
        {
            "id": identity if identity > 0 else None,
            "score": scores[person],
            "box": boxes[person],
            "box_score": box_scores[person],
            "keypoints": keypoints[person],
        }
        for person, identity in enumerate(poses.ids.tolist())
    ]


def people_from_json(people: list[dict[str, Any]], joint_count: int) -> Poses:
    """Return the poses that the native format's objects hold; ``box_score`` may be missing."""
    if not people:
        return Poses.empty(joint_count)
    joints = _numbers([person["keypoints"] for person in people], "keypoints")
    if joints.shape[1:] != (joint_count, 3):
        raise ValueError(f"keypoints have shape {joints.shape[1:]}, not ({joint_count}, 3)")
    boxes = numbers_of([person["box"] for person in people], "boxes")
    if boxes.shape[1:] != (4,):
        raise ValueError("a box is x, y, width, height")
    as_float32(boxes, "boxes")
    return Poses(
        boxes_xyxy=box_xywh_to_xyxy(boxes),
        box_scores=_numbers([p.get("box_score", p["score"]) for p in people], "box scores"),
        keypoints_xy=joints[..., :2],
        keypoint_scores=joints[..., 2],
        scores=_numbers([person["score"] for person in people], "scores"),
        ids=np.array([_whole(person.get("id") or 0) for person in people], np.int64),
    )


def _numbers(values: Any, what: str) -> NDArray[np.float32]:
    """Return lists of finite numbers in 32 bit; ``ValueError`` for anything else."""
    return as_float32(numbers_of(values, what), what)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"got {value!r}, needed is a whole number from 0")
    return value


def header_to_json(header: ClipHeader) -> dict[str, Any]:
    """Return the object of the first line."""
    skeleton = header.skeleton
    item: dict[str, Any] = {
        "schema": SCHEMA,
        "skeleton": {
            "name": skeleton.name,
            "joints": list(skeleton.joints),
            "limbs": [list(limb) for limb in skeleton.limbs],
            **({} if skeleton.mirror is None else {"mirror": [list(p) for p in skeleton.mirror]}),
        },
        "source": header.source,
        "width": header.width,
        "height": header.height,
        "fps": header.fps,
        "options": dict(header.options),
    }
    if header.pixel_aspect != (1, 1):
        item["pixel_aspect"] = list(header.pixel_aspect)
    if header.image_names:
        item["images"] = list(header.image_names)
    return item


def header_from_json(item: dict[str, Any] | None, path: Path) -> ClipHeader:
    """Return the header that a first line holds; ``ValueError`` if it is none of this schema."""
    if item is None or item.get("schema") != SCHEMA:
        got = None if item is None else item.get("schema")
        raise ValueError(f'{path}: the first line has schema {got!r}, supported is "{SCHEMA}"')
    try:
        return ClipHeader(
            skeleton=_skeleton_from_json(item["skeleton"]),
            source=str(item.get("source", "")),
            width=_whole(item.get("width") or 0),
            height=_whole(item.get("height") or 0),
            fps=max(finite(item.get("fps") or 0, "fps"), 0.0),
            options=dict(item.get("options") or {}),
            image_names=_names(item.get("images") or (), "images"),
            pixel_aspect=_aspect(item.get("pixel_aspect") or (1, 1)),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path}: the header line cannot be read: {reason}") from error


def _names(values: Any, what: str) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
        raise ValueError(f"{what} are no list of names")
    return tuple(values)


def _skeleton_from_json(item: dict[str, Any]) -> Skeleton:
    limbs = tuple((_whole(first), _whole(second)) for first, second in item.get("limbs") or ())
    mirror = item.get("mirror")
    return skeleton_from_names(
        str(item["name"]),
        _names(item["joints"], "joints"),
        limbs,
        None if mirror is None else tuple((_whole(a), _whole(b)) for a, b in mirror),
    )


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the object of a whole line, or None for a torn or foreign one."""
    try:
        item = parse_json(line)
    except ValueError:
        return None
    return item if isinstance(item, dict) else None


def _aspect(value: Any) -> tuple[int, int]:
    """Return a pixel aspect, two whole numbers above 0."""
    width, height = map(_whole, value)
    if width < 1 or height < 1:
        raise ValueError(f"got pixel_aspect {width}:{height}, allowed is 1 or more each")
    return width, height
