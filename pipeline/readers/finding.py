"""Which clips and pictures the inputs of a run name, in a fixed order."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.readers.address import is_address, shown_source
from rmpe.formats.outputs import is_own_output
from rmpe.formats.pictures import natural_order
from rmpe.pictures.files import PICTURE_SUFFIXES

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4"}
    | {".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
IMAGE_SUFFIXES = PICTURE_SUFFIXES
STILL_SUFFIXES = IMAGE_SUFFIXES | {".gif"}
"""What ``images`` reads; of a GIF the first picture."""
UNREAD_SUFFIXES = frozenset(
    {".arw", ".cr2", ".cr3", ".dng", ".exr", ".hdr", ".jxl", ".nef", ".orf", ".pef", ".psd", ".raf"}
    | {".rw2", ".srw", ".svg", ".tga"}
)
"""Pictures that nothing here reads; they are named, not passed over in silence."""

NUMBERED = re.compile(r"%0?\d*d")
"""The number in names of pictures that are one clip, ``name_%04d.png``."""


@dataclass
class LeftOut:
    """What was found beside what is read."""

    unread: Counter[str] = field(default_factory=Counter)
    """Pictures of kinds that are not read, by ending."""
    own: int = 0
    """Files that earlier runs made."""

    def lines(self) -> list[str]:
        """Return it in words, nothing where nothing was left out."""
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(self.unread.items()))
        lines = [f"left out because they are not read: {kinds}"] if kinds else []
        return lines + ([f"left out: {self.own} files that earlier runs made"] if self.own else [])


def find_clips(
    inputs: Sequence[str | Path],
    recursive: bool = False,
    *,
    frames: bool = False,
    left_out: LeftOut | None = None,
) -> list[str]:
    """Return the clips that ``inputs`` name: files and addresses as given, folders' videos sorted.

    A path that does not exist and has ``*``, ``?`` or ``[`` in it is a pattern; ``**`` stands for
    any folders. What earlier runs made, and hidden files, are no inputs unless named themselves.

    Args:
        inputs: what was given.
        recursive: look into folders of folders.
        frames: a folder or pattern of pictures, also ``name_%04d.png``, is one clip.
        left_out: told what was found beside.

    Raises:
        OSError: a path does not exist, a folder holds no video, or a pattern fits nothing; the
            message says what there is.
    """
    left_out = left_out if left_out is not None else LeftOut()
    found: list[str] = []
    for given in map(str, inputs):
        if is_address(given):
            found.append(given)
        elif is_pattern(given):
            found += _clips_of_pattern(given, frames)
        elif not _existing(given).is_dir():
            if Path(given).suffix.lower() in IMAGE_SUFFIXES:
                raise OSError(
                    f"{given} is a picture: images reads pictures; video reads a folder or a "
                    "quoted pattern of them as one clip, with --fps"
                )
            found.append(given)
        else:
            found += _clips_of_folder(Path(given), recursive, frames, left_out)
    return found


def is_pattern(text: str) -> bool:
    """Whether ``text`` stands for several files: a pattern, or numbered names (``%04d``)."""
    return bool(glob.has_magic(text) or NUMBERED.search(text)) and not os.path.lexists(text)


def pictures_of(source: str | Path) -> list[Path]:
    """Return the pictures that are the frames of a clip: of a folder or a pattern, in order.

    Raises:
        OSError: there is no picture.
    """
    text = str(source)
    if is_pattern(text):
        found = [path for path in _matching(text) if path.suffix.lower() in IMAGE_SUFFIXES]
    else:
        found = _inside(_existing(text), IMAGE_SUFFIXES, False, LeftOut())
    if not found:
        raise FileNotFoundError(f"{shown_source(text)} holds no picture")
    return found


def read_list(path: str | Path) -> list[str]:
    """Return the clips that a text file names, one a line; blank and ``#`` lines are left out.

    Clips are not looked for: one that is missing fails when its turn comes. A byte order mark and
    quotes around a name are no part of it.

    Raises:
        OSError: the list cannot be read.
        ValueError: it is no text.
    """
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text file in UTF-8") from error
    return [_unquoted(line) for line in map(str.strip, lines) if line and not line.startswith("#")]


def find_images(
    inputs: Sequence[str | Path], recursive: bool = False, left_out: LeftOut | None = None
) -> list[Path]:
    """Return the picture files that ``inputs`` name: files as given, folders in natural order.

    Patterns are taken as :func:`find_clips` takes them.

    Raises:
        OSError: an input does not exist, is a file of another kind, or holds only pictures that
            are not read.
    """
    left_out = left_out if left_out is not None else LeftOut()
    found: list[Path] = []
    for given in map(str, inputs):
        if is_pattern(given):
            matching = _matching(given)
            pictures = [path for path in matching if path.suffix.lower() in STILL_SUFFIXES]
            if not pictures:
                raise FileNotFoundError(f"{given} fits no picture ({_listed(STILL_SUFFIXES)})")
            left_out.unread.update(_unread(matching))
            found += pictures
            continue
        path = _existing(given)
        if path.is_dir():
            before = left_out.unread.total()
            inside = _inside(path, STILL_SUFFIXES, recursive, left_out)
            if not inside and left_out.unread.total() > before:
                raise FileNotFoundError(f"{path}: {left_out.lines()[0]}")
            found += inside
        elif path.suffix.lower() not in STILL_SUFFIXES:
            raise OSError(
                f"{path} is no picture by its name; supported are {_listed(STILL_SUFFIXES)}"
            )
        else:
            found.append(path)
    return found


def _clips_of_pattern(given: str, frames: bool) -> list[str]:
    matching = _matching(given)
    if not matching:
        raise FileNotFoundError(f"{given} fits no file")
    pictures = sum(path.suffix.lower() in IMAGE_SUFFIXES for path in matching)
    if pictures == len(matching):
        return [_frames_or_advice(given, pictures, frames)]
    return [str(path) for path in matching]


def _clips_of_folder(path: Path, recursive: bool, frames: bool, left_out: LeftOut) -> list[str]:
    clips = _inside(path, VIDEO_SUFFIXES, recursive, left_out)
    if clips:
        return [str(clip) for clip in clips]
    pictures = _inside(path, IMAGE_SUFFIXES, False, LeftOut())
    if pictures:
        return [_frames_or_advice(str(path), len(pictures), frames)]
    own = f" but {left_out.own} that earlier runs made" if left_out.own else ""
    raise FileNotFoundError(f"{path} holds no video{own} ({_listed(VIDEO_SUFFIXES)})")


def _frames_or_advice(given: str, count: int, frames: bool) -> str:
    if not frames:
        raise FileNotFoundError(
            f"{given} holds {count} pictures and no video: --fps N reads them as one clip, the "
            "command images one by one"
        )
    return given


def _matching(pattern: str) -> list[Path]:
    """Return the files that a pattern fits, in natural order."""
    if glob.has_magic(pattern):
        return sorted(map(Path, glob.glob(pattern, recursive=True)), key=natural_order)
    folder, name = os.path.split(pattern)
    before, after = (re.escape(piece) for piece in NUMBERED.split(name, maxsplit=1))
    fits = re.compile(rf"{before}\d+{after}")
    try:
        found = [path for path in Path(folder or ".").iterdir() if fits.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found, key=natural_order)


def _existing(given: str | Path) -> Path:
    path = Path(given)
    try:
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists:
        raise FileNotFoundError(f"{shown_source(str(path))} does not exist")
    return path


def _inside(
    folder: Path, suffixes: Collection[str], recursive: bool, left_out: LeftOut
) -> list[Path]:
    """Return the visible files of some endings in a folder that no run made, in natural order."""
    files = sorted(_visible(folder, recursive), key=natural_order)
    left_out.unread.update(_unread(files))
    found = [path for path in files if path.suffix.lower() in suffixes]
    kept = [path for path in found if not is_own_output(path)]
    left_out.own += len(found) - len(kept)
    return kept


def _visible(folder: Path, recursive: bool) -> Iterator[Path]:
    """Yield the files of a folder that are not hidden: macOS keeps ``._x.mp4`` beside them."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        yield from (Path(place, name) for name in files if not name.startswith("."))


def _unread(files: Sequence[Path]) -> Counter[str]:
    endings = (path.suffix.lower() for path in files)
    return Counter(ending for ending in endings if ending in UNREAD_SUFFIXES)


def _unquoted(line: str) -> str:
    if len(line) > 1 and line[0] == line[-1] and line[0] in "\"'":
        return line[1:-1]
    return line


def _listed(suffixes: Collection[str]) -> str:
    return " ".join(sorted(suffixes))
