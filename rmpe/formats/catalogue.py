"""Every format by name: its writer, its reader and the name its output gets."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rmpe.formats.alphapose import (
    MAIN_FILE,
    SEPARATE,
    AlphaPoseCmuWriter,
    AlphaPoseOpenWriter,
    AlphaPoseWriter,
    read_alphapose,
    read_alphapose_cmu,
    read_alphapose_open,
)
from rmpe.formats.clip import ClipHeader, PoseReader, PoseWriter, ReadHints
from rmpe.formats.coco_results import CocoResultsWriter, are_coco_results, read_coco
from rmpe.formats.motchallenge import MotWriter, looks_like_mot, read_mot
from rmpe.formats.native import NativeWriter, read_native
from rmpe.formats.openpose import SUFFIX, OpenPose18Writer, OpenPoseWriter, read_openpose
from rmpe.formats.outputs import RECORDS_NAME, check_outputs, unfinished
from rmpe.formats.pictures import unique_stems
from rmpe.formats.posetrack.document import boxes_alone, named_joints
from rmpe.formats.posetrack.records import PoseTrack17Writer, PoseTrackWriter, read_posetrack
from rmpe.json_files import files_in, load_json

NATIVE = "native"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PoseFormat:
    """One format."""

    writer: Callable[[Path, ClipHeader], PoseWriter]
    """Makes a writer of one clip."""
    reader: Callable[[Path, ReadHints], PoseReader]
    """Opens a file, or a folder, of the format."""
    output_name: str
    """File or folder, relative to the output folder, that ``--format`` writes."""
    is_folder: bool = False
    """Whether the output is a folder of files."""
    beside: str = ""
    """Folder of further files that the writer makes beside its output."""
    pattern: str = ""
    """Files that it makes in a folder."""

    @property
    def file_name(self) -> str:
        """Name of the file, or of the folder, without folders before it."""
        return Path(self.output_name).name

    def outputs(self, path: Path) -> list[Path]:
        """Return the files or folders that writing to ``path`` makes."""
        return [path, *([path.parent / self.beside] if self.beside else [])]

    def check_names(self, image_names: Sequence[str]) -> None:
        """Raise ``ValueError`` if the file of a picture would have a name too long to be one."""
        if self.pattern:
            unique_stems(image_names, self.pattern.removeprefix("*"))

    def remove_stale(self, path: Path) -> None:
        """Remove the files of many that an earlier writing to ``path`` left."""
        folder = path if self.is_folder else path.parent / self.beside
        if self.pattern and folder.is_dir():
            for file in folder.rglob(self.pattern):
                file.unlink()


FORMATS: dict[str, PoseFormat] = {
    NATIVE: PoseFormat(NativeWriter, read_native, RECORDS_NAME),
    "alphapose": PoseFormat(AlphaPoseWriter, read_alphapose, MAIN_FILE),
    "alphapose-cmu": PoseFormat(
        AlphaPoseCmuWriter,
        read_alphapose_cmu,
        f"alphapose-cmu/{MAIN_FILE}",
        beside=SEPARATE,
        pattern="*.json",
    ),
    "alphapose-open": PoseFormat(
        AlphaPoseOpenWriter,
        read_alphapose_open,
        f"alphapose-open/{MAIN_FILE}",
        beside=SEPARATE,
        pattern="*.json",
    ),
    "openpose": PoseFormat(
        OpenPoseWriter, read_openpose, "openpose", is_folder=True, pattern=f"*{SUFFIX}"
    ),
    "openpose18": PoseFormat(
        OpenPose18Writer, read_openpose, "openpose18", is_folder=True, pattern=f"*{SUFFIX}"
    ),
    "coco": PoseFormat(CocoResultsWriter, read_coco, "coco-results.json"),
    "posetrack": PoseFormat(PoseTrackWriter, read_posetrack, "posetrack.json"),
    "posetrack17": PoseFormat(PoseTrack17Writer, read_posetrack, "posetrack17.json"),
    "mot": PoseFormat(MotWriter, read_mot, "mot.txt"),
}


def get_format(name: str) -> PoseFormat:
    """Return a format by its name; ``ValueError`` lists the names there are."""
    if name not in FORMATS:
        raise ValueError(f"unknown format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def open_writer(name: str, output_folder: str | Path, header: ClipHeader) -> PoseWriter:
    """Return a writer of the format into its own place in a folder, made if it is missing."""
    chosen = get_format(name)
    path = Path(output_folder) / chosen.output_name
    path.parent.mkdir(parents=True, exist_ok=True)
    return chosen.writer(path, header)


def read_records(
    path: str | Path, format_name: str | None = None, hints: ReadHints | None = None
) -> PoseReader:
    """Return an iterable over the frames of a file or folder in any format, with its ``header``.

    Args:
        path: what to read.
        format_name: a name in :data:`FORMATS`; None recognises it from the content.
        hints: what the file may not say itself.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the format is unknown, or the file is not in it.
    """
    path, hints = Path(path), hints or ReadHints()
    if path.is_dir() and format_name in (None, NATIVE) and (path / RECORDS_NAME).is_file():
        path = path / RECORDS_NAME  # the folder of a run
    name = detect_format(path) if format_name is None else format_name
    chosen = get_format(name)
    if path.is_dir() and not chosen.is_folder and (path / chosen.file_name).is_file():
        path = path / chosen.file_name
    try:
        return chosen.reader(path, hints)
    except KeyError as error:
        raise ValueError(f"{path} is no valid {name} file: it has no {error}") from error
    except (AttributeError, IndexError, OverflowError, TypeError) as error:
        raise ValueError(f"{path} is no valid {name} file: {error!r}") from error


def convert_records(
    path: str | Path,
    output: str | Path,
    to_format: str,
    from_format: str | None = None,
    hints: ReadHints | None = None,
    overwrite: bool = False,
    on_note: Callable[[str], object] | None = None,
) -> int:
    """Write a file of poses in another format and return the number of frames.

    Args:
        path: what to read.
        output: file, or folder for formats of many files, to write.
        to_format: a name in :data:`FORMATS`.
        from_format: the same of ``path``; None recognises it.
        hints: what the file may not say itself.
        overwrite: replace an output that is there already.
        on_note: called with every guess that was made in reading, one line each; they stand in the
            native header's options too.

    Raises:
        OSError, ValueError: as :func:`read_records`; ``to_format`` is unknown; output is input, or
            is there already.
    """
    target = get_format(to_format)
    output = Path(output)
    check_outputs(target.outputs(output), [path], overwrite=overwrite)
    reader = read_records(path, from_format, hints)
    notes = notes_of(reader)
    header = reader.header
    if notes:
        for note in notes:
            (on_note or log.warning)(note)
        header = replace(header, options={**header.options, "notes": list(notes)})
    output.parent.mkdir(parents=True, exist_ok=True)
    target.remove_stale(output)
    # One file comes into its place when it is whole; several are written where they belong.
    apart = not (target.is_folder or target.beside or (output.exists() and not output.is_file()))
    written = unfinished(output) if apart else output
    try:
        count = _copy(reader, target.writer(written, header))
        if apart:
            os.replace(written, output)
    finally:
        if apart:
            written.unlink(missing_ok=True)
    return count


def _copy(reader: PoseReader, writer: PoseWriter) -> int:
    """Write every record and return their number."""
    count, complete = 0, False
    try:
        for record in reader:
            writer.write(record.frame_index, record.timestamp_s, record.poses)
            count += 1
        complete = reader.complete
    finally:
        writer.close(complete)
    return count


def notes_of(reader: PoseReader) -> tuple[str, ...]:
    """Return what was guessed in opening stored poses: one line each."""
    return tuple(getattr(reader, "notes", ()))


def detect_format(path: str | Path) -> str:
    """Return the name of the format that a file or folder is in.

    Raises:
        OSError: it cannot be opened.
        ValueError: no format is recognised.
    """
    path = Path(path)
    if path.is_dir():
        if (path / RECORDS_NAME).is_file():
            return NATIVE
        main = path / MAIN_FILE
        files = [main] if main.is_file() else files_in(path, "*.json", deep=True)
        if any(file.name.endswith(SUFFIX) for file in files):
            return "openpose"
        document: Any = {file.name: load_json(file) for file in files[:1]}
        if main.is_file():
            document = document[MAIN_FILE]
    else:
        with open(path, "rb") as file:
            first = file.readline(1000)
        if b'"schema"' in first:
            return NATIVE
        if looks_like_mot(first.decode("utf-8-sig", "replace")):
            return "mot"
        document = load_json(path) if _may_be_json(first) else None
        if isinstance(document, dict) and isinstance(document.get("people"), list):
            raise ValueError(f"{path} is one of OpenPose's files: give the folder that it is in")
    if boxes_alone(document):
        raise ValueError(f"{path} annotates boxes without joints; --boxes takes it instead")
    name = _format_of(document)
    if name is None:
        if runs := sorted(path.glob(f"*/{RECORDS_NAME}")):
            raise ValueError(f"{path} holds several runs: name one, such as {runs[0].parent}")
        raise ValueError(f"{path} is in no format known here; there are {', '.join(FORMATS)}")
    return name


def _may_be_json(first_line: bytes) -> bool:
    """Return whether a file that begins so may be JSON, or no text at all, which is told apart."""
    text = first_line.decode(json.detect_encoding(first_line), "replace")
    return text.lstrip("\ufeff \t\r\n")[:1] in ("", "[", "{", "\ufffd")


def _format_of(document: object) -> str | None:
    """Return the format of a JSON document by its characteristic keys."""
    if isinstance(document, list):
        if not all(isinstance(item, dict) for item in document):
            return None
        if document and document[0].get("image_id") is None:
            return None
        return "coco" if document and are_coco_results(document) else "alphapose"
    if not isinstance(document, dict):
        return None
    if "annolist" in document:
        return "posetrack17"
    if "images" in document and "annotations" in document:
        return _kind_of_annotation(document)
    first = next(iter(document.values()), None)
    if isinstance(first, dict) and "bodies" in first:
        return "alphapose-cmu"
    if isinstance(first, dict) and isinstance(first.get("people"), list):
        return "alphapose-open"
    people = [one for rows in document.values() if isinstance(rows, list) for one in rows]
    has_joints = not people or (isinstance(people[0], dict) and "keypoints" in people[0])
    return "alphapose" if isinstance(first, list) and has_joints else None


def _kind_of_annotation(document: Mapping[str, Any]) -> str:
    """Return which COCO-like document it is: by the joints that its category names, if it does."""
    joints = named_joints(document)
    return "posetrack" if joints is None or "head_bottom" in joints else "coco"
