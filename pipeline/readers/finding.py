"""Which clips and pictures the inputs of a run name, in a fixed order, and where results go."""

from __future__ import annotations

import glob
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from pipeline.readers.address import is_address

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4"}
    | {".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def find_clips(inputs: Sequence[str | Path], recursive: bool = False) -> list[str]:
    """Return the clips that ``inputs`` name: files and addresses as given, folders' videos sorted.

    A path that does not exist and has ``*``, ``?`` or ``[`` in it is a pattern; ``**`` stands for
    any folders.

    Raises:
        OSError: a path does not exist, a folder holds no video, or a pattern fits nothing.
    """
    found: list[str] = []
    for given in inputs:
        if is_address(str(given)):
            found.append(str(given))
            continue
        if glob.has_magic(str(given)) and not Path(given).exists():
            matching = sorted(map(Path, glob.glob(str(given), recursive=True)), key=natural_order)
            if not matching:
                raise FileNotFoundError(f"{given} fits no file")
            found += map(str, matching)
            continue
        path = _existing(given)
        if not path.is_dir():
            found.append(str(path))
            continue
        clips = _inside(path, VIDEO_SUFFIXES, recursive)
        if not clips:
            raise FileNotFoundError(f"{path} holds no video ({_listed(VIDEO_SUFFIXES)})")
        found += map(str, clips)
    return found


def read_list(path: str | Path) -> list[str]:
    """Return the clips that a text file names, one a line; blank and ``#`` lines are left out.

    Clips are not looked for: one that is missing fails when its turn comes.

    Raises:
        OSError: the list cannot be read.
        ValueError: it is no text.
    """
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text file: {error}") from error
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def find_images(inputs: Sequence[str | Path], recursive: bool = False) -> list[Path]:
    """Return the picture files that ``inputs`` name: files as given, folders in natural order.

    Raises:
        OSError: an input does not exist or is a file of another kind.
    """
    found: list[Path] = []
    for path in map(_existing, inputs):
        if path.is_dir():
            found += _inside(path, IMAGE_SUFFIXES, recursive)
        elif path.suffix.lower() not in IMAGE_SUFFIXES:
            raise OSError(
                f"{path} is no picture by its name; supported are {_listed(IMAGE_SUFFIXES)}"
            )
        else:
            found.append(path)
    return found


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
        name = f"{_stem(source)}_rmpe"
        taken[name] = taken.get(name, 0) + 1
        folders.append(base / (name if taken[name] == 1 else f"{name}_{taken[name]}"))
    return folders


def _stem(source: str) -> str:
    if is_address(source):
        return re.sub(r"\W+", "_", source.partition("://")[2]).strip("_") or "stream"
    path = Path(source).resolve()
    return (path.name if path.is_dir() else path.stem) or "clip"


def _existing(given: str | Path) -> Path:
    path = Path(given)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    return path


def _inside(folder: Path, suffixes: Collection[str], recursive: bool) -> list[Path]:
    every: Iterable[Path] = folder.rglob("*") if recursive else folder.iterdir()
    return sorted((path for path in every if path.suffix.lower() in suffixes), key=natural_order)


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """Return a sort key that orders file names as people do: 2 before 10."""
    pieces = re.split(r"(\d+)", str(path))
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in pieces]


def _listed(suffixes: Collection[str]) -> str:
    return " ".join(sorted(suffixes))
