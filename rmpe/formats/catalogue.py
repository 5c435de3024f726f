"""Every format by name: its writer, its reader and the name its output gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rmpe.formats.alphapose import (
    AlphaPoseCmuWriter,
    AlphaPoseOpenWriter,
    AlphaPoseWriter,
    read_alphapose,
    read_alphapose_cmu,
    read_alphapose_open,
)
from rmpe.formats.clip import ClipHeader, PoseReader, PoseWriter, ReadHints
from rmpe.formats.coco_results import CocoResultsWriter, read_coco_results
from rmpe.formats.motchallenge import MotWriter, looks_like_mot, read_mot
from rmpe.formats.native import NativeReader, NativeWriter
from rmpe.formats.openpose import OpenPose18Writer, OpenPoseWriter, read_openpose
from rmpe.formats.outputs import RECORDS_NAME
from rmpe.formats.posetrack import PoseTrack17Writer, PoseTrackWriter, read_posetrack
from rmpe.json_files import load_json


@dataclass(frozen=True)
class PoseFormat:
    """One format."""

    writer: Callable[[Path, ClipHeader], PoseWriter]
    """Makes a writer of one clip."""
    reader: Callable[[Path, ReadHints], PoseReader]
    """Opens a file, or a folder, of the format."""
    output_name: str
    """File or folder, relative to the output folder, that ``--format`` writes."""


FORMATS: dict[str, PoseFormat] = {
    "native": PoseFormat(NativeWriter, lambda path, hints: NativeReader(path), RECORDS_NAME),
    "alphapose": PoseFormat(AlphaPoseWriter, read_alphapose, "alphapose-results.json"),
    "alphapose-cmu": PoseFormat(
        AlphaPoseCmuWriter, read_alphapose_cmu, "alphapose-cmu/alphapose-results.json"
    ),
    "alphapose-open": PoseFormat(
        AlphaPoseOpenWriter, read_alphapose_open, "alphapose-open/alphapose-results.json"
    ),
    "openpose": PoseFormat(OpenPoseWriter, read_openpose, "openpose"),
    "openpose18": PoseFormat(OpenPose18Writer, read_openpose, "openpose18"),
    "coco": PoseFormat(CocoResultsWriter, read_coco_results, "coco-results.json"),
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
    name = detect_format(path) if format_name is None else format_name
    chosen = get_format(name)
    try:
        return chosen.reader(Path(path), hints or ReadHints())
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no valid {name} file: {error!r}") from error


def convert_records(
    path: str | Path,
    output: str | Path,
    to_format: str,
    from_format: str | None = None,
    hints: ReadHints | None = None,
) -> int:
    """Write a file of poses in another format and return the number of frames.

    Raises:
        OSError, ValueError: as :func:`read_records`; ``to_format`` is unknown; output is input.
    """
    target = get_format(to_format)
    reader = read_records(path, from_format, hints)
    if Path(output).exists() and Path(output).samefile(path):
        raise ValueError(f"{output} is the file to read; give another output")
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    writer = target.writer(Path(output), reader.header)
    count, complete = 0, False
    try:
        for record in reader:
            writer.write(record.frame_index, record.timestamp_s, record.poses)
            count += 1
        complete = reader.complete
    finally:
        writer.close(complete)
    return count


def detect_format(path: str | Path) -> str:
    """Return the name of the format that a file or folder is in.

    Raises:
        OSError: it cannot be opened.
        ValueError: no format is recognised.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if files and files[0].name.endswith("_keypoints.json"):
            return "openpose"
        document = {file.name: load_json(file) for file in files[:1]}
    else:
        with open(path, "rb") as file:
            first = file.readline(1000)
        if b'"schema"' in first:
            return "native"
        if looks_like_mot(first.decode("utf-8", "replace")):
            return "mot"
        document = load_json(path)
    name = _format_of(document)
    if name is None:
        raise ValueError(f"{path} is in no format known here; there are {', '.join(FORMATS)}")
    return name


def _format_of(document: object) -> str | None:
    """Return the format of a JSON document by its characteristic keys."""
    if isinstance(document, list):
        if not all(isinstance(item, dict) for item in document):
            return None
        picture = document[0].get("image_id") if document else ""
        return "coco" if isinstance(picture, int) else "alphapose"
    if not isinstance(document, dict):
        return None
    if "annolist" in document:
        return "posetrack17"
    if "images" in document and "annotations" in document:
        return "posetrack"
    first = next(iter(document.values()), None)
    if isinstance(first, dict) and "bodies" in first:
        return "alphapose-cmu"
    if isinstance(first, dict) and "people" in first:
        return "alphapose-open"
    return "alphapose" if isinstance(first, list) else None
