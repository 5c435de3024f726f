"""Names of pictures, taken apart and made."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import PurePath, PurePosixPath

from rmpe.formats.outputs import LONGEST_NAME
from rmpe.pictures import PICTURE_SUFFIXES

PictureKey = str | int

NUMBERED = re.compile(r"(?P<before>.*?)(?P<digits>[0-9]{1,18})(?P<ending>\.[A-Za-z][A-Za-z0-9]*)?")
_DATE_AND_TIME = re.compile(
    r".*(19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d[-_. T]?[0-2]\d[-_.h]?[0-5]\d[-_.m]?[0-5]\d", re.ASCII
)
_FRAME_OF_VIDEO = re.compile(r"(0|[1-9][0-9]{0,17})\.jpg")


def picture_number(name: str) -> int | None:
    """Return the number at the end of a picture's name, before its ending; None if there is none.

    Example:
        >>> picture_number("a/frame_000012.jpg"), picture_number("girl.jpg")
        (12, None)
    """
    match = NUMBERED.fullmatch(name)
    return int(match["digits"]) if match else None


def is_date_and_time(name: str) -> bool:
    """Return whether a picture's name ends in a date and a time to the second, not in a count.

    Example:
        >>> is_date_and_time("IMG_20230512_101500.jpg"), is_date_and_time("frame_000012.jpg")
        (True, False)
    """
    return _DATE_AND_TIME.fullmatch(name.rpartition(".")[0] or name) is not None


def is_frame_of_video(name: str) -> bool:
    """Return whether a name is that of a video's frame, ``<index>.jpg`` without zeros before it."""
    return _FRAME_OF_VIDEO.fullmatch(name) is not None


def natural_order(path: PurePath) -> list[tuple[int, int | str]]:
    """Return a sort key that orders file names as people do: 2 before 10."""
    pieces = re.split("([0-9]+)", str(path))
    # Every second piece is a number; other characters that count as digits are none.
    return [(0, int(p)) if place % 2 else (1, p) for place, p in enumerate(pieces)]


def unique_stems(image_names: Sequence[str], suffix: str = "") -> tuple[str, ...]:
    """Return a name for a file of each picture: without ending, and no two the same.

    Folders that all pictures share are left out, others are kept. Where only the endings of two
    pictures differ, these stay.

    Args:
        image_names: the pictures.
        suffix: what will follow the name.

    Raises:
        ValueError: a file's name would be longer than file systems allow.

    Example:
        >>> unique_stems(["a/1.jpg", "b/1.jpg", "b/x.png", "b/x.jpg"])
        ('a/1', 'b/1', 'b/x.png', 'b/x.jpg')
    """
    parts = [
        [part for part in PurePosixPath(posix(name)).parts if part not in ("/", "..", ".")]
        for name in image_names
    ]
    folders = zip(*(path[:-1] for path in parts))  # the first folder of all, the second, …
    shared = len(list(takewhile(lambda same: len(set(same)) == 1, folders)))
    paths = [PurePosixPath(*path[shared:]) for path in parts]
    counts = Counter(str(path.with_suffix("")).casefold() for path in paths)
    stems = tuple(
        str(path if counts[str(path.with_suffix("")).casefold()] > 1 else path.with_suffix(""))
        for path in paths
    )
    if len(set(stems)) < len(stems):
        stems = tuple(map(str, paths))
    for stem, name in zip(stems, image_names):
        size = len(os.fsencode(PurePosixPath(stem).name + suffix))
        if size > LONGEST_NAME:
            raise ValueError(
                f"the file about {name} would have a name of {size} bytes, at most {LONGEST_NAME} "
                "are possible; give the picture a shorter name"
            )
    return stems


def picture_of_stem(stem: str) -> str:
    """Return the picture that a file named by :func:`unique_stems` is about.

    Its ending is made up, .jpg, where the name has none.
    """
    return stem if PurePosixPath(stem).suffix.lower() in PICTURE_SUFFIXES else f"{stem}.jpg"


def place_in_name(name: str) -> int | None:
    """Return the frame that AlphaPose (12.jpg) or OpenPose (12 digits) name of a video, or None."""
    match = NUMBERED.fullmatch(name)
    if match and (is_frame_of_video(name) or len(match["digits"]) == 12):
        return int(match["digits"])
    return None


def posix(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")
