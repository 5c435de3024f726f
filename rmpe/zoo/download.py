"""Fetch published files: resumed, checked, and never half there under the final name."""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from filelock import FileLock

from rmpe.runtimes.compiled import cache_folder

CHUNK_BYTES = 1 << 20
MAX_BYTES = 8 << 30
"""More than any published network has."""

Progress = Callable[[int, int], None]
"""Called with the bytes there are and the bytes there will be (0: unknown)."""


def default_cache_dir() -> Path:
    """``$RMPE_CACHE_DIR``, else ``rmpe/weights`` in the user's cache folder."""
    named = os.environ.get("RMPE_CACHE_DIR")
    if named:
        return Path(named)
    return cache_folder("weights")


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

    patience_s: float = 30.0
    """Seconds without an answer, or of too low a speed, after which a fetch is given up."""
    least_bytes_per_s: float = 1024.0
    """Below this mean speed over ``patience_s`` a fetch is given up; it can be continued."""

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
    *,
    max_bytes: int = MAX_BYTES,
) -> Path:
    """The local path of a published file, fetched if it is not in the cache.

    An interrupted fetch leaves ``NAME.part``, which the next one continues. The file gets its name
    only after its SHA-256 has been checked, and a cached file is checked again before it is used; a
    damaged one stays until the new one is there. Of several processes one fetches, the others wait.

    Args:
        published: address of the file.
        sha256_prefix: first hex digits of its SHA-256; empty where none was published, and any file
            of that name is taken.
        options: cache folder, offline, mirror, least speed.
        progress: told of every chunk.
        max_bytes: more than this is not written.

    Raises:
        OSError: it cannot be fetched or written.
        ValueError: what came is not the published file.
    """
    options = options or FetchOptions()
    target = options.cache_dir / published.rsplit("/", 1)[-1]
    if target.is_file() and matches(target, sha256_prefix):
        return target
    if options.offline and target.is_file():
        raise ValueError(
            f"{target} is damaged: its SHA-256 does not start with {sha256_prefix}; delete it "
            "and fetch it again without the offline flag"
        )
    if options.offline:
        raise FileNotFoundError(
            f"{target.name} is not in {options.cache_dir} and the offline flag is set; put the "
            f"file there (from {published}) or fetch it without the flag"
        )
    address = options.address(published)
    locks = options.cache_dir / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{target.name}.lock"):
        # Whoever had the lock before may have fetched it.
        if not (target.is_file() and matches(target, sha256_prefix)):
            _fetch_checked(_Transfer(address, options, max_bytes, progress), target, sha256_prefix)
    return target


def _fetch_checked(transfer: _Transfer, target: Path, sha256_prefix: str) -> None:
    """Put the published file at ``target``, or leave what is there as it is."""
    part = target.with_name(target.name + ".part")
    was_there = part.is_file() and part.stat().st_size > 0
    transfer.to(part)
    if was_there and not matches(part, sha256_prefix):
        # The old part may have been of another file: once more from the start.
        part.unlink()
        transfer.to(part)
    if not matches(part, sha256_prefix):
        digest = file_sha256(part)
        part.unlink()
        raise ValueError(
            f"what {transfer.address} sent is not the published file: its SHA-256 starts with "
            f"{digest[: len(sha256_prefix)]}, expected is {sha256_prefix}; nothing was kept, try "
            "again or another mirror"
        )
    os.replace(part, target)


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


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https only, and not from https to http: a name may not lead elsewhere."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (req.type == "https" and scheme != "https"):
            raise urllib.error.URLError(f"it leads on to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass(frozen=True)
class _Transfer:
    """How one file is brought here."""

    address: str
    options: FetchOptions
    max_bytes: int
    progress: Progress | None

    def to(self, part: Path) -> None:
        """Append what is missing to ``part``, or start over if the server must."""
        start = part.stat().st_size if part.is_file() else 0
        request = urllib.request.Request(self.address, headers={"User-Agent": "rmpe"})
        if start:
            request.add_header("Range", f"bytes={start}-")
        opener = urllib.request.build_opener(_WebRedirects)
        try:
            with opener.open(request, timeout=self.options.patience_s) as response:
                self._save(response, part, start if response.status == 206 else 0)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:
                return  # The part is already as long as the file; the hash tells whether it is it.
            raise OSError(
                f"{self.address} answered {error.code} {error.reason}; try a mirror"
            ) from error
        except (TimeoutError, urllib.error.URLError, http.client.HTTPException) as error:
            raise self._unreachable(error, part) from error
        except ConnectionError as error:
            if isinstance(error, _CutShortError):
                raise
            raise self._unreachable(error, part) from error

    def _unreachable(self, error: Exception, part: Path) -> ConnectionError:
        reason = getattr(error, "reason", None) or error
        return ConnectionError(
            f"could not fetch {self.address} ({reason}): check the network and run again to "
            f"continue, or download it elsewhere and put it into {part.parent}"
        )

    def _save(self, response: http.client.HTTPResponse, part: Path, start: int) -> None:
        """Write what comes behind the first ``start`` bytes."""
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else 0
        self._check_size(total, part)
        done, window_start, window_bytes = start, time.monotonic(), 0
        with part.open("ab" if start else "wb") as file:
            while chunk := response.read1(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                window_bytes += len(chunk)
                self._check_size(done, part)
                if self.progress is not None:
                    self.progress(done, total)
                elapsed = time.monotonic() - window_start
                if elapsed < self.options.patience_s:
                    continue
                if window_bytes < self.options.least_bytes_per_s * elapsed:
                    raise _CutShortError(
                        f"{self._host} sent {window_bytes} bytes of {part.stem} in {elapsed:.0f} "
                        "seconds, too little to wait for; run again to continue, or try a mirror"
                    )
                window_start, window_bytes = time.monotonic(), 0
        if total and done < total:
            raise _CutShortError(
                f"the connection to {self._host} ended after {done} of {total} bytes of "
                f"{part.stem}; run again to continue"
            )

    def _check_size(self, size: int, part: Path) -> None:
        if size > self.max_bytes:
            part.unlink(missing_ok=True)
            raise ValueError(
                f"{self.address} sends at least {size} bytes, at most {self.max_bytes} are "
                "expected of this file; nothing was kept, try another mirror"
            )

    @property
    def _host(self) -> str:
        return urlsplit(self.address).netloc


class _CutShortError(ConnectionError):
    """The part that came is kept and can be continued."""
