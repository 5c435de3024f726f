"""Copies on this disk of what lies in a store, and where they are kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pipeline.readers.finding import IMAGE_SUFFIXES, STILL_SUFFIXES, VIDEO_SUFFIXES
from pipeline.storage.store import Stored
from rmpe.formats.outputs import RECORDS_NAME

_STAMP_NAME = "stamp.json"


def staging_folder(output: Stored | None = None) -> Path:
    """Return the folder of results on their way, or that of one output folder in a store.

    ``$RMPE_STAGING_DIR``, else ``rmpe/staging`` in the user's cache folder.
    """
    named = os.environ.get("RMPE_STAGING_DIR")
    base = os.environ.get("XDG_CACHE_HOME")
    cache = (Path(base) if base else Path.home() / ".cache") / "rmpe" / "staging"
    folder = Path(named).absolute() if named else cache
    if output is None:
        return folder
    return folder / hashlib.sha256(output.identity.encode()).hexdigest()[:16]


def fetch_source(source: Stored, folder: Path) -> Path:
    """Return a copy of a clip, or of the folder or pattern of its pictures, that is up to date.

    Args:
        source: the clip.
        folder: where copies lie; what is there of an earlier state goes.

    Raises:
        OSError: the clip is not there or cannot be copied.
    """
    pictures = [] if source.kind() == "file" else pictures_in(source)
    state = [[part.address, part.stamp()] for part in pictures or [source]]
    stamp = json.dumps(state)
    target = folder if pictures else folder / source.name
    noted = folder / _STAMP_NAME
    with suppress(OSError):
        if noted.read_text("utf-8") == stamp:
            return target
    shutil.rmtree(folder, ignore_errors=True)
    for part in pictures or [source]:
        part.fetch(folder / part.name)
    noted.write_text(stamp, "utf-8")
    return target


def pictures_in(place: Stored, recursive: bool = False, *, stills: bool = False) -> list[Stored]:
    """Return the pictures of a folder, or those that a pattern fits.

    Args:
        place: folder or pattern.
        recursive: look into folders of folders.
        stills: GIF counts too.

    Raises:
        OSError: there is none.
    """
    suffixes = STILL_SUFFIXES if stills else IMAGE_SUFFIXES
    files = place.files(recursive) if place.kind() == "folder" else place.matching()
    found = [file for file in files if has_suffix(file, suffixes)]
    if not found:
        raise FileNotFoundError(f"{place.shown} holds no picture")
    return found


def has_suffix(file: Stored, suffixes: Iterable[str]) -> bool:
    """Whether a visible file has one of some endings."""
    return not file.name.startswith(".") and Path(file.name).suffix.lower() in suffixes


def fetch_pictures(place: Stored, folder: Path, recursive: bool = False) -> Path:
    """Copy a picture, or those of a folder or pattern, and return the copy or its folder.

    Raises:
        OSError: there is none, or it cannot be copied.
    """
    kind = place.kind()
    if kind == "file":
        place.fetch(folder / place.name)
        return folder / place.name
    for picture in pictures_in(place, recursive, stills=True):
        inside = picture.path[len(place.path) :].lstrip("/") if kind == "folder" else picture.name
        picture.fetch(folder / inside)
    return folder


def fetch_records(place: Stored, folder: Path) -> Path:
    """Copy a file of records, or the records of a folder, and return the copy.

    Of a run's folder the native records are copied, of another every file that is no film.

    Raises:
        OSError: it is not there or cannot be copied.
    """
    target = folder / (place.name or "records")
    if place.kind() != "folder":
        place.fetch(target)
        return target
    records = place.child(RECORDS_NAME)
    files = [records] if records.kind() == "file" else place.files(recursive=True)
    for file in files:
        if not has_suffix(file, VIDEO_SUFFIXES):
            file.fetch(target / file.path[len(place.path) :].lstrip("/"))
    return target
