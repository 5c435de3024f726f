"""The ONNX file inside a published archive, unpacked into the cache and nowhere else.

mmdeploy's ``onnx_sdk`` archives hold ``end2end.onnx`` in nested folders beside json files of its
own. The archives' hashes were not published, so the zip's own checksums are all that is verified.
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from rmpe.zoo.catalogue import CatalogueEntry
from rmpe.zoo.download import FetchOptions, Progress, fetch

ONNX_NAME = "end2end.onnx"
KEPT = (ONNX_NAME, "pipeline.json")
"""What is taken out of an archive, under these names."""
_CHUNK_BYTES = 1 << 20


def fetch_onnx(
    entry: CatalogueEntry, options: FetchOptions | None = None, progress: Progress | None = None
) -> Path:
    """Return the ONNX file of a catalogue entry, fetched and unpacked if it is not in the cache.

    It gets the entry's name and stands in a folder of that name in the cache.

    Raises:
        OSError: it cannot be fetched or written.
        ValueError: what came is not a whole archive with one ONNX file.
    """
    options = options or FetchOptions()
    archive = fetch(
        entry.address, entry.sha256_prefix, options, progress, max_bytes=entry.max_bytes
    )
    if archive.suffix != ".zip":
        return archive
    folder = options.cache_dir / entry.name
    target = folder / f"{entry.name}.onnx"
    if not target.is_file() or target.stat().st_mtime < archive.stat().st_mtime:
        unpack_onnx(archive, target, entry.max_bytes)
    return target


def fetch_entry(
    entry: CatalogueEntry, options: FetchOptions | None = None, progress: Progress | None = None
) -> Path:
    """Return the local file of a catalogue entry: a checkpoint, or the ONNX file of an archive.

    Raises: as :func:`fetch_onnx`.
    """
    if entry.is_onnx:
        return fetch_onnx(entry, options, progress)
    return fetch(entry.address, entry.sha256_prefix, options, progress, max_bytes=entry.max_bytes)


def unpack_onnx(archive: Path, target: Path, max_bytes: int) -> None:
    """Take the ONNX file out of an archive, and mmdeploy's description of its preprocessing.

    Names inside the archive decide nothing about where a file is put.

    Args:
        archive: a zip file.
        target: where the ONNX file goes; its folder is made, ``pipeline.json`` goes beside it.
        max_bytes: a file that unpacks to more is refused.

    Raises:
        OSError: it cannot be written.
        ValueError: it is no whole zip archive, holds names that lead out of it, not exactly one
            ONNX file, or one that is too large.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _chosen(opened, archive.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            for name, member in members.items():
                place = target if name == ONNX_NAME else target.with_name(name)
                _extract(opened, member, place, max_bytes)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(
            f"the archive {archive.name} is damaged or cut short ({error}); delete it and fetch it "
            "again"
        ) from error


def check_archive(archive: Path) -> str:
    """Return what an archive holds in a few words, after all its checksums were right.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no whole zip archive with one ONNX file.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            member = _chosen(opened, archive.name)[ONNX_NAME]
            wrong = opened.testzip()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"the archive {archive.name} is damaged or cut short ({error})") from error
    if wrong is not None:
        raise ValueError(f"the archive {archive.name} is damaged: {wrong!r} has a wrong checksum")
    return f"an ONNX file of {member.file_size >> 20} MB, checksums right"


def _chosen(opened: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for member in opened.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise ValueError(
                f"the archive {name} is refused: {member.filename!r} in it leads out of its folder"
            )
        if member.is_dir():
            continue
        wanted = ONNX_NAME if path.suffix == ".onnx" else path.name
        if wanted in KEPT:
            if wanted == ONNX_NAME and wanted in found:
                raise ValueError(f"the archive {name} holds several ONNX files, needed is one")
            found.setdefault(wanted, member)
    if ONNX_NAME not in found:
        raise ValueError(f"the archive {name} holds no ONNX file")
    return dict(sorted(found.items(), reverse=True))


def _extract(
    opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, max_bytes: int
) -> None:
    """Write one file under its final name only when it is whole."""
    if member.file_size > max_bytes:
        raise ValueError(
            f"{member.filename!r} unpacks to {member.file_size} bytes, at most {max_bytes} are "
            "expected"
        )
    part = target.with_name(target.name + ".part")
    try:
        with opened.open(member) as source, part.open("wb") as file:
            # zipfile stops at the size that the archive states and checks the CRC at the end.
            shutil.copyfileobj(source, file, _CHUNK_BYTES)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
