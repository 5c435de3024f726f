"""One file or folder behind an address of a store, with errors in one sentence.

Credentials are those that the store's own library finds (environment, its configuration files); an
address is written and shown without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pipeline.readers.address import is_address, shown_source, without_secrets
from rmpe.error_words import in_words

_NOT_STORES = frozenset({"data", "file", "ftp", "http", "https", "local"})
"""Schemes of fsspec that FFmpeg reads as they are, and those of this disk."""
_EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "adl", "az"), "adlfs"),
}
_WITH_REMOTE = ("s3fs", "gcsfs")
"""What the extra ``[remote]`` installs."""
_WHOLE = frozenset({"abfs", "abfss", "az", "gcs", "gs", "memory", "s3", "s3a"})
"""Stores in which a file is there whole or not at all, however its upload ends."""


def is_stored(text: str | Path) -> bool:
    """Whether ``text`` is an address of a store that fsspec knows, not a path and no stream."""
    text = str(text)
    scheme, found, _ = text.partition("://")
    return bool(found) and "::" not in text and scheme in _schemes() and is_address(text)


@cache
def _schemes() -> frozenset[str]:
    from fsspec import available_protocols

    return frozenset(available_protocols()) - _NOT_STORES


@dataclass(frozen=True)
class Stored:
    """A file or folder in a store, which need not be there; see :meth:`at`."""

    address: str
    """Where it is."""
    path: str
    """The same as its file system calls it."""
    fs: Any = field(repr=False, compare=False)
    """The file system of fsspec."""

    @classmethod
    def at(cls, address: str) -> Stored:
        """Return what an address names; the store is not asked yet.

        Raises:
            ValueError: the library of the store is missing.
            OSError: the address makes no sense to it.
        """
        from fsspec.core import url_to_fs

        try:
            with _in_words(address):
                fs, path = url_to_fs(address)
        except ImportError as error:
            library = _EXTRAS.get(address.partition("://")[0], "")
            wanted = "'rmpe[remote]'" if library in _WITH_REMOTE else library
            advice = f"pip install {wanted}" if wanted else str(error)
            raise ValueError(f"{shown_source(address)} cannot be opened: {advice}") from error
        fs.invalidate_cache()  # others write there too
        return cls(address.rstrip("/"), path.rstrip("/"), fs)

    @property
    def shown(self) -> str:
        """The address as it may be written and shown."""
        return shown_source(self.address)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def identity(self) -> str:
        """The same for every spelling of the same place in the same store."""
        options = sorted(self.fs.storage_options.items())
        return repr((type(self.fs).__qualname__, self.fs.storage_args, options, self.path))

    def child(self, name: str) -> Stored:
        """Return a file or folder inside this one."""
        return Stored(f"{self.address}/{name}", f"{self.path}/{name}", self.fs)

    def kind(self) -> Literal["file", "folder", ""]:
        """Return what is there; nothing is ``""``.

        Raises:
            OSError: the store cannot be asked.
        """
        try:
            with _in_words(self.address):
                kind = self.fs.info(self.path)["type"]
        except FileNotFoundError:
            return ""
        return "folder" if kind == "directory" else "file"

    def stamp(self) -> list[Any] | None:
        """Return what changes with a file's content: size, and tag or time; None without one.

        Of a folder the same of every file in it.

        Raises:
            OSError: the store cannot be asked.
        """
        kind = self.kind()
        if not kind:
            return None
        with _in_words(self.address):
            if kind == "file":
                return _state(self.fs.info(self.path))
            found = self.fs.ls(self.path, detail=True)
            return [[i["name"], *_state(i)] for i in found if i["type"] == "file"]

    def files(self, recursive: bool = False) -> list[Stored]:
        """Return the files of a folder, by name.

        Raises:
            OSError: the store cannot be asked, or there is no such folder.
        """
        with _in_words(self.address):
            if recursive:
                paths = self.fs.find(self.path)
            else:
                listed = self.fs.ls(self.path, detail=True)
                paths = [item["name"] for item in listed if item["type"] == "file"]
        inside = (path for path in paths if path.rstrip("/") != self.path)
        return [self.child(path[len(self.path) :].lstrip("/")) for path in sorted(inside)]

    def matching(self) -> list[Stored]:
        """Return the files that this address, a pattern, fits, by name.

        Raises:
            OSError: the store cannot be asked.
        """
        with _in_words(self.address):
            found = self.fs.glob(self.path, detail=True)
        before = self.address[: len(self.address) - len(self.path.lstrip("/"))]
        paths = sorted(path for path, item in found.items() if item["type"] == "file")
        return [Stored(before + path.lstrip("/"), path, self.fs) for path in paths]

    def fetch(self, target: Path) -> None:
        """Copy the file to a path of this disk, which holds the whole of it or nothing.

        Raises:
            OSError: it is not there or cannot be copied.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        try:
            with _in_words(self.address):
                self.fs.get_file(self.path, str(part))
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)

    def put(self, source: Path) -> None:
        """Copy a file of this disk here; readers see the whole of it or nothing.

        Raises:
            OSError: it cannot be written.
        """
        with _in_words(self.address):
            if self.address.partition("://")[0] in _WHOLE:  # and has no folders to be made
                self.fs.put_file(str(source), self.path)
                return
            self.fs.makedirs(self.path.rpartition("/")[0], exist_ok=True)
            part = f"{self.path}.part"
            try:
                self.fs.put_file(str(source), part)
                self.fs.mv(part, self.path)
            except BaseException:
                with suppress(Exception):
                    self.fs.rm_file(part)
                raise

    def read(self) -> bytes:
        """Return a small file's content; empty where there is none.

        Raises:
            OSError: it cannot be read.
        """
        try:
            with _in_words(self.address):
                content: bytes = self.fs.cat_file(self.path)
        except FileNotFoundError:
            return b""
        return content

    def remove(self) -> None:
        """Remove the file; one that is not there is no mistake.

        Raises:
            OSError: it cannot be removed.
        """
        with suppress(FileNotFoundError), _in_words(self.address):
            self.fs.rm_file(self.path)


def _state(item: dict[str, Any]) -> list[Any]:
    """Return a file's size, and what else tells one content from another."""
    tags = (item.get(key) for key in ("ETag", "etag", "md5Hash", "LastModified", "mtime"))
    tag = next((tag for tag in (*tags, item.get("created")) if tag), "")
    return [item.get("size"), str(tag)]


@contextmanager
def _in_words(address: str) -> Iterator[None]:
    """Turn what a store's library raises into an OSError of one sentence without secrets."""
    shown = shown_source(address)
    try:
        yield
    except ImportError:
        raise
    except FileNotFoundError as error:
        reason = in_words(error)
        there = "bucket" in reason.lower() and " " in reason
        words = f"{shown}: {reason}" if there else f"{shown} does not exist"
        raise FileNotFoundError(words) from error
    except Exception as error:  # each store's library has its own kinds
        reason = without_secrets(in_words(error), address).strip().partition("\n")[0]
        refused = "may not be used" if isinstance(error, PermissionError) else "cannot be used"
        raise OSError(f"{shown} {refused}: {reason or type(error).__name__}") from error
