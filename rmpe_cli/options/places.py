"""Paths of the command line that may be addresses of a store, as ``s3://BUCKET/NAME``.

What is read is copied into a folder of this call; what is made is uploaded when all went well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rmpe_cli.terminal.wrong_use import WrongUseError, wrong_use

_KEY = "rmpe.places"


class OutputPlace(click.ParamType):
    """A path to write, or the address of a store; any other address is refused.

    Args:
        staged: give a path of this disk for an address, see :func:`delivered`; else its text.
    """

    name = "path"

    def __init__(self, staged: bool = False) -> None:
        self._staged = staged

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path, or an address as text."""
        if isinstance(value, Path) or "://" not in value:
            return Path(value)
        from pipeline.readers.address import is_address, shown_source
        from pipeline.storage import is_stored

        if not is_address(value):
            return Path(value)
        if not is_stored(value):
            self.fail(
                f"nothing can be written to {shown_source(value)}: give a path, or an address of a "
                "store, as s3://BUCKET/FOLDER",
                param,
                ctx,
            )
        if not self._staged or ctx is None:
            return value
        parent, _, name = value.rstrip("/").rpartition("/")
        return _folder(ctx, parent) / name


class InputPlace(click.ParamType):
    """An existing path, or the address of a store, of which a copy is made here.

    Args:
        as_text: give the path as text; one of this disk is not looked for.
        poses: refuse clips and pictures: stored poses are wanted.
    """

    name = "path"

    def __init__(self, as_text: bool = False, poses: bool = False) -> None:
        self._as_text = as_text
        self._poses = poses

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if ctx is not None and not ctx.resilient_parsing and "://" in str(value):
            from pipeline.storage import Stored, fetch_records, is_stored

            if is_stored(value):
                with wrong_use(OSError):
                    place = Stored.at(str(value))
                    value = fetch_records(place, _folder(ctx, place.address.rpartition("/")[0]))
        if self._as_text:
            return str(value)
        path: Path = click.Path(exists=True, path_type=Path).convert(value, param, ctx)
        if self._poses and path.is_file():
            self._refuse_pictures(path, param, ctx)
        return path

    def _refuse_pictures(
        self, path: Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> None:
        from pipeline.readers.finding import IMAGE_SUFFIXES, VIDEO_SUFFIXES

        for suffixes, kind, command in (
            (VIDEO_SUFFIXES, "video", "video"),
            (IMAGE_SUFFIXES, "picture", "images"),
        ):
            if path.suffix.lower() in suffixes:
                self.fail(
                    f"{path} is a {kind}, needed are stored poses: rmpe {command} makes them",
                    param,
                    ctx,
                )


THERE = InputPlace()
"""A file or folder that is there, or an address of one."""
RECORDS = InputPlace(poses=True)
"""Records that are there, or an address of them."""
NEW = OutputPlace(staged=True)
"""A file or folder to write, or an address of it."""


def pictures_here(given: str, recursive: bool = False) -> str:
    """Return a picture, folder or pattern as it was given, or a copy of what lies in a store.

    Raises:
        OSError: there is no picture, or it cannot be copied.
        ValueError: the library of the store is missing.
    """
    if "://" not in given:
        return given
    from pipeline.storage import Stored, fetch_pictures, is_stored

    if not is_stored(given):
        return given
    place = Stored.at(given)
    base = place.address if place.kind() == "folder" else place.address.rpartition("/")[0]
    folder = _folder(click.get_current_context(), base)
    return str(fetch_pictures(place, folder, recursive))


def address_of(path: str | Path) -> str:
    """Return the address that a path of this disk stands for, empty where it is none."""
    for folder, address in _places().items():
        if Path(path).is_relative_to(folder):
            return f"{address}/{Path(path).relative_to(folder).as_posix()}"
    return ""


def shown_place(path: str | Path) -> str:
    """Return a path as the user gave it, an address without secrets."""
    from pipeline.readers.address import shown_source

    return shown_source(address_of(path) or str(path))


def with_addresses(words: str) -> str:
    """Return a message with the addresses in place of the copies that stand for them."""
    for folder, address in _places().items():
        from pipeline.readers.address import shown_source

        words = words.replace(str(folder), shown_source(address))
    return words


@contextmanager
def delivered(outputs: Iterable[Path], read: Iterable[Path], overwrite: bool) -> Iterator[None]:
    """Upload outputs whose paths stand for addresses, when the block has ended well.

    Args:
        outputs: files or folders that the block writes.
        read: what was read.
        overwrite: replace what is there; never what was read.

    Raises:
        WrongUseError: an output is there already, or was read.
        OSError: it cannot be uploaded.
    """
    wanted = {path: address for path in outputs if (address := address_of(path))}
    if wanted:
        from pipeline.storage import Stored

        sources = {Stored.at(given).identity for path in read if (given := address_of(path))}
        for address in wanted.values():
            with wrong_use(OSError):
                place = Stored.at(address)
                if place.identity in sources:
                    raise WrongUseError(f"{place.shown} is the file to read; give another output")
                if not overwrite and place.kind():
                    raise WrongUseError(f"{place.shown} is there already; --overwrite replaces it")
    yield
    for path, address in wanted.items():
        place = Stored.at(address)
        if path.is_file():
            place.put(path)
        for file in sorted(path.rglob("*")) if path.is_dir() else ():
            if file.is_file():
                place.child(file.relative_to(path).as_posix()).put(file)


def _folder(ctx: click.Context, address: str) -> Path:
    """Return an empty folder of this call that stands for an address."""
    root = ctx.find_root()  # a command's own is not closed where its line is wrong
    folder = Path(root.with_resource(tempfile.TemporaryDirectory(prefix="rmpe-")))
    _places(ctx)[folder] = address
    return folder


def _places(ctx: click.Context | None = None) -> dict[Path, str]:
    found: dict[Path, str] = (ctx or click.get_current_context()).meta.setdefault(_KEY, {})
    return found
