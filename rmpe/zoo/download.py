"""Fetch published files: resumed, checked, and never half there under the final name."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30.0

Progress = Callable[[int, int], None]
"""Called with the bytes there are and the bytes there will be (0: unknown)."""


def default_cache_dir() -> Path:
    """``$RMPE_CACHE_DIR``, else ``rmpe/weights`` in the user's cache folder."""
    named = os.environ.get("RMPE_CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rmpe" / "weights"


@dataclass(frozen=True)
class FetchOptions:
    """Where fetched files come from and go to; the defaults follow the environment."""

    cache_dir: Path = field(default_factory=default_cache_dir)
    """Folder of the fetched files (``RMPE_CACHE_DIR``)."""
    offline: bool = field(
        default_factory=lambda: os.environ.get("RMPE_OFFLINE", "") not in ("", "0")
    )
    """Take files from the cache only (``RMPE_OFFLINE``)."""
    mirror: str = field(default_factory=lambda: os.environ.get("RMPE_MIRROR", ""))
    """Address that replaces ``https://host`` of every file, its path kept (``RMPE_MIRROR``)."""

    def address(self, published: str) -> str:
        """The address to fetch a published file from.

        Raises:
            ValueError: it is no http or https address.
        """
        address = self.mirror.rstrip("/") + urlsplit(published).path if self.mirror else published
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError(f"got address {address!r}, supported are http:// and https://")
        return address


def fetch(
    published: str,
    sha256_prefix: str,
    options: FetchOptions | None = None,
    progress: Progress | None = None,
) -> Path:
    """The local path of a published file, fetched if it is not in the cache.

    An interrupted fetch leaves ``NAME.part``, which the next one continues. The file gets its name
    only after its SHA-256 has been checked, and a cached file is checked again before it is used.

    Args:
        published: address of the file.
        sha256_prefix: first hex digits of its SHA-256.
        options: cache folder, offline, mirror.
        progress: told of every chunk.

    Raises:
        OSError: it cannot be fetched or written.
        ValueError: what came is not the published file.
    """
    options = options or FetchOptions()
    target = options.cache_dir / published.rsplit("/", 1)[-1]
    part = target.with_name(target.name + ".part")
    if target.is_file():
        if matches(target, sha256_prefix):
            return target
        if options.offline:
            raise ValueError(
                f"{target} is damaged: its SHA-256 does not start with {sha256_prefix}; delete it "
                "and fetch it again without the offline flag"
            )
        target.unlink()
    if options.offline:
        raise FileNotFoundError(
            f"{target.name} is not in {options.cache_dir} and the offline flag is set; put the "
            f"file there (from {published}) or fetch it without the flag"
        )
    address = options.address(published)
    options.cache_dir.mkdir(parents=True, exist_ok=True)
    was_there = part.is_file() and part.stat().st_size > 0
    _transfer(address, part, progress)
    if was_there and not matches(part, sha256_prefix):
        # The old part may have been of another file: once more from the start.
        part.unlink()
        _transfer(address, part, progress)
    if not matches(part, sha256_prefix):
        digest = file_sha256(part)
        part.unlink()
        raise ValueError(
            f"what {address} sent is not the published file: its SHA-256 starts with "
            f"{digest[: len(sha256_prefix)]}, expected is {sha256_prefix}; nothing was kept, try "
            "again or another mirror"
        )
    os.replace(part, target)
    return target


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def matches(path: Path, sha256_prefix: str) -> bool:
    """Whether a file's SHA-256 starts with the given hex digits."""
    return file_sha256(path).startswith(sha256_prefix.lower())


def _transfer(address: str, part: Path, progress: Progress | None) -> None:
    """Append what is missing of ``address`` to ``part``, or start over if the server must."""
    start = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "rmpe"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            resumed = response.status == 206
            done = start if resumed else 0
            length = response.headers.get("Content-Length")
            total = done + int(length) if length else 0
            with part.open("ab" if resumed else "wb") as file:
                while chunk := response.read(CHUNK_BYTES):
                    file.write(chunk)
                    done += len(chunk)
                    if progress is not None:
                        progress(done, total)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            return  # The part is already as long as the file; the hash tells whether it is it.
        raise OSError(f"{address} answered {error.code} {error.reason}; try a mirror") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(
            f"could not fetch {address} ({reason}): check the network and run again to continue, "
            f"or download it elsewhere and put it into {part.parent}"
        ) from error
    if total and done < total:
        raise ConnectionError(
            f"the connection to {urlsplit(address).netloc} ended after {done} of {total} bytes of "
            f"{part.stem}; run again to continue"
        )
