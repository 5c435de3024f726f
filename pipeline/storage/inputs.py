"""Which clips the inputs of a run name, here and in stores, each of them once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.readers.address import is_address
from pipeline.readers.finding import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    LeftOut,
    find_clips,
    output_folders,
)
from pipeline.storage.staging import has_suffix, staging_folder
from pipeline.storage.store import Stored, is_stored
from rmpe.formats.outputs import RECORDS_NAME, RENDERED_NAME, VIDEO_NAME


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

    See :func:`~pipeline.readers.finding.output_folders`; a clip in a store is called like a file.
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
