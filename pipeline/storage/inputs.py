"""Which clips the inputs of a run name, here and in stores, each once, and where results go."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.readers.address import is_address, shown_source
from pipeline.readers.finding import (
    IMAGE_SUFFIXES,
    NUMBERED,
    VIDEO_SUFFIXES,
    LeftOut,
    find_clips,
    is_pattern,
)
from pipeline.storage.staging import has_suffix, staging_folder
from pipeline.storage.store import Stored, is_stored
from rmpe.formats.outputs import RECORDS_NAME, RENDERED_NAME, VIDEO_NAME, shortened

_ROOM = len("_rmpe_99999")


def find_sources(
    inputs: Sequence[str],
    recursive: bool = False,
    *,
    frames: bool = False,
    left_out: LeftOut | None = None,
) -> list[str]:
    """Return the clips that ``inputs`` name, as :func:`~pipeline.readers.finding.find_clips` does.

    Folders and patterns in stores give their clips like those of this disk.

    Raises:
        OSError: there is no such clip, or a store cannot be asked.
        ValueError: the library of a store is missing.
    """
    found: list[str] = []
    for given in inputs:
        if is_stored(given):
            found += _clips_at(Stored.at(given), recursive, frames)
        else:
            found += find_clips([given], recursive, frames=frames, left_out=left_out)
    return found


def unique_sources(sources: Sequence[str]) -> list[str]:
    """Return sources without those that name the same file, folder or address once more."""
    found: dict[str, str] = {}
    for source in sources:
        if is_stored(source):
            key = Stored.at(source).identity
        else:
            key = source if is_address(source) else os.path.realpath(source)
        found.setdefault(key, source)
    return list(found.values())


def output_places(sources: Sequence[str], output: str | Path | None) -> list[tuple[Path, str]]:
    """Return one output folder for each source, and its address if it is in a store.

    See :func:`output_folders`; a clip in a store is called like a file.
    The folder of an address lies among those of results on their way.

    Raises:
        ValueError: the library of the store is missing.
        OSError: the address makes no sense to it.
    """
    names = [Stored.at(source).name if is_stored(source) else source for source in sources]
    if output is None or not is_stored(output):
        return [(folder, "") for folder in output_folders(names, output)]
    base = str(output).rstrip("/")
    addresses = [f"{base}/{folder.name}" for folder in output_folders(names, None)]
    if len(sources) == 1:
        addresses = [base]
    return [(staging_folder(Stored.at(address)), address) for address in addresses]


def output_folders(sources: Sequence[str], output: str | Path | None) -> list[Path]:
    """Return one output folder for each source.

    ``output`` itself serves a single source; several get ``STEM_rmpe`` inside it, or inside the
    working folder when it is None. Sources of the same name are numbered.
    """
    if output is not None and len(sources) == 1:
        return [Path(output)]
    base = Path(output) if output is not None else Path()
    taken: dict[str, int] = {}
    folders = []
    for source in sources:
        name = f"{shortened(_stem(source), _ROOM)}_rmpe"
        taken[name] = taken.get(name, 0) + 1
        folders.append(base / (name if taken[name] == 1 else f"{name}_{taken[name]}"))
    return folders


def _clips_at(place: Stored, recursive: bool, frames: bool) -> list[str]:
    kind = place.kind()
    if kind == "file":
        return [place.address]
    from fsspec.core import has_magic  # takes long to load; runs on this disk do without

    if kind == "folder":
        files = place.files(recursive)
    elif has_magic(place.path):
        files = place.matching()
    else:
        raise FileNotFoundError(f"{place.shown} does not exist")
    records = {file.path for file in files if file.name == RECORDS_NAME}
    clips = [file for file in files if has_suffix(file, VIDEO_SUFFIXES)]
    clips = [file for file in clips if not _is_own(file, records)]
    if clips:
        return [clip.address for clip in clips]
    pictures = sum(has_suffix(file, IMAGE_SUFFIXES) for file in files)
    if pictures and frames:
        return [place.address]
    if pictures:
        raise FileNotFoundError(
            f"{place.shown} holds {pictures} pictures and no video: --fps N reads them as one "
            "clip, the command images one by one"
        )
    raise FileNotFoundError(f"{place.shown} holds no video")


def _is_own(file: Stored, records: set[str]) -> bool:
    """Whether a run made a film, by its name and the records beside it."""
    folder = file.path.rpartition("/")[0]
    return file.name in (VIDEO_NAME, RENDERED_NAME) and f"{folder}/{RECORDS_NAME}" in records


def _stem(source: str) -> str:
    shown = shown_source(source)
    if is_address(source):
        name = re.sub(r"\W+", "_", shown.partition("://")[2]).strip("_")
        return name or "stream"
    if is_pattern(source):
        name = re.sub(r"\W+", "_", NUMBERED.sub("", Path(shown).stem)).strip("_")
        return name or Path(shown).absolute().parent.name or "clip"
    path = Path(os.path.abspath(shown))
    return (path.name if path.is_dir() else path.stem) or "clip"
