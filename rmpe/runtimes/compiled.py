"""Compiled networks kept on this disk, so that a start need not compile them again.

A file is named by everything that it depends on and written whole before it has that name, so any
number of processes may share the folder. What cannot be read or written is as if it were not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
from pathlib import Path

from rmpe.runtimes._processor import processor_identity

SUFFIX = ".compiled"
MOST_FILES = 24
"""The files used last that are kept; each has 5 to 30 MB."""
_DIGEST_BYTES = 32

log = logging.getLogger(__name__)


def cache_folder(name: str) -> Path:
    """Return ``rmpe/name`` in the user's cache folder; it need not be there."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rmpe" / name


def compiled_folder() -> Path:
    """``$RMPE_CACHE_DIR/compiled``, else ``rmpe/compiled`` in the user's cache folder."""
    named = os.environ.get("RMPE_CACHE_DIR")
    return Path(named) / "compiled" if named else cache_folder("compiled")


def key_of(*parts: bytes | str) -> str:
    """Return the name of what is made of these parts on this processor."""
    total = hashlib.sha256(processor_identity().encode())
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "little") + content)
    return total.hexdigest()[:24]


def are_there(key: str) -> bool:
    """Tell whether something is kept under a name that begins with ``key``."""
    return any(compiled_folder().glob(f"{key}*{SUFFIX}"))


def load(key: str) -> bytes | None:
    """Return what was kept under a name, None where there is nothing whole."""
    path = compiled_folder() / (key + SUFFIX)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, kept = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(kept).digest() != digest:
        log.info("%s is damaged, the network is compiled anew", path)
        return None
    with contextlib.suppress(OSError):
        path.touch()
    return kept


def keep(key: str, content: bytes) -> None:
    """Write what is to be found under a name, and drop what was not used for longest."""
    folder = compiled_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(name, folder / (key + SUFFIX))
        except BaseException:
            os.unlink(name)
            raise
        _drop_oldest(folder)
    except OSError as error:
        log.info("%s: compiled networks are not kept: %s", folder, error)


def _drop_oldest(folder: Path) -> None:
    dated = []
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):  # another process may have dropped it
            dated.append((path.stat().st_mtime, path))
    for _, path in sorted(dated, reverse=True)[MOST_FILES:]:
        path.unlink(missing_ok=True)
