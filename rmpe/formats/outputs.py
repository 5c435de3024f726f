"""What outputs are called, and the one rule on what may be written over.

An output that is an input is refused always; one that is there already is refused unless it was
said to be replaced. The rule is asked before anything is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST_NAME = 255
"""Bytes of a file's name that file systems allow."""

RECORDS_NAME = "poses.ndjson"
"""The native records of a run."""
VIDEO_NAME = "annotated.mp4"
"""The annotated clip of a run."""
PICTURES_NAME = "annotated"
"""Folder of the annotated pictures of a run."""
SUMMARY_NAME = "summary.json"
"""What came of a run, or of a list of them."""
FAILURES_NAME = "failures.csv"
"""The clips of a list that are not done in good order."""
TRACKED_NAME = "tracked.ndjson"
"""What ``track`` writes."""
RENDERED_NAME = "rendered.mp4"
"""What ``render`` writes of a clip; of pictures the folder of this name without ending."""


def check_outputs(
    outputs: Iterable[str | Path], inputs: Iterable[str | Path], *, overwrite: bool = False
) -> None:
    """Raise if an output would destroy something that this run did not make.

    Files are compared by what they are, so a link or another spelling does not hide one. Devices
    and pipes, as ``/dev/stdout``, may always be written.

    Args:
        outputs: files or folders that are going to be written.
        inputs: files, folders (with all that lies in them, of a run's folder its records alone) or
            addresses that are going to be read.
        overwrite: outputs that are there already may be replaced; inputs never.

    Raises:
        ValueError: an output is an input, or is there already, or is a folder with something in it.
    """
    read = {key: path for given in inputs for path in _files_of(given) if (key := _identity(path))}
    for output in map(Path, outputs):
        identity = _identity(output)
        if identity is None or not (output.is_file() or output.is_dir()):
            continue
        if identity in read:
            raise ValueError(f"{output} is the file to read; give another output")
        if not overwrite and (output.is_file() or any(output.iterdir())):
            kind = "is there already" if output.is_file() else "is a folder with something in it"
            raise ValueError(f"{output} {kind}; --overwrite replaces it, or give another output")


def is_own_output(path: Path) -> bool:
    """Whether a file is what a run or a recording made, by its name and the records beside it."""
    if path.name in (VIDEO_NAME, RENDERED_NAME) and _has_records(path.parent):
        return True
    made = (PICTURES_NAME, Path(RENDERED_NAME).stem)
    return any(folder.name in made and _has_records(folder.parent) for folder in path.parents)


def shortened(name: str, room: int) -> str:
    """Return a file's name, cut where it would leave less than ``room`` bytes for what follows."""
    size, encoded = LONGEST_NAME - room, os.fsencode(name)
    return name if len(encoded) <= size else encoded[:size].decode(errors="ignore")


def unfinished(path: Path) -> Path:
    """Return the name beside ``path`` under which it is written until it is whole."""
    return path.with_name(f".{shortened(path.name, len('..part'))}.part")


def _has_records(folder: Path) -> bool:
    try:
        with open(folder / RECORDS_NAME, "rb") as file:
            return b'"rmpe/' in file.read(64)
    except OSError:
        return False


def _files_of(given: str | Path) -> Iterator[Path]:
    """Yield a file, or a folder and what is read of it; nothing for an address."""
    if "://" in str(given):
        return
    path = Path(given)
    yield path
    if (path / RECORDS_NAME).is_file():
        yield path / RECORDS_NAME
    elif path.is_dir():
        yield from (entry for entry in path.rglob("*") if entry.is_file())


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what a path leads to, the same for every spelling of it; None if nothing is there."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
