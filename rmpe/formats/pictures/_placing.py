"""Where the records of a file belong, by the rule of this room."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rmpe.formats.clip import ReadHints
from rmpe.formats.pictures._matching import match_pictures
from rmpe.formats.pictures._names import (
    NUMBERED,
    PictureKey,
    is_date_and_time,
    is_frame_of_video,
    picture_number,
)

SPARSE_LIMIT = 1_000_000
"""Frames that numbers alone may spread over when fewer than one in ten has people: nine hours at
30 a second. Numbers beyond it are times or catalogue numbers, and no clip is filled up to them."""


@dataclass(frozen=True)
class Placement:
    """Where the records of a file belong."""

    indices: Mapping[PictureKey, int]
    """Frame index of every picture that the file names."""
    count: int
    """Frames of the clip, as far as the file tells."""
    image_names: tuple[str, ...] = ()
    """File name of every frame; empty where frames are only numbered."""
    notes: tuple[str, ...] = ()
    """What was guessed: one line each."""


def are_close(numbers: Collection[int]) -> bool:
    """Return whether numbers count frames from 0: one in ten is there, or all lie in a long clip.

    Catalogue numbers (COCO's 000000000785) and times lie further apart.
    """
    return max(numbers, default=0) < 10 * len(numbers)


def place_pictures(keys: Sequence[PictureKey], hints: ReadHints, file: str) -> Placement:
    """Return the frames that a file's pictures are, by the rule above.

    Args:
        keys: pictures in the order of the file, each once: names, or COCO's numbers.
        hints: what is known of the clip.
        file: what to call the file in messages.

    Raises:
        ValueError: a picture fits none, or fits several, or the numbers reach beyond the clip.
    """
    if hints.image_names:
        return _among(keys, hints.image_names, file)
    if hints.is_of_clip:
        indices, notes = frames_of_clip(keys, hints, file)
        count = max((hints.frame_count or 0), *(index + 1 for index in indices.values()), 0)
        return Placement(indices, count, notes=notes)
    if keys and all(isinstance(key, int) for key in keys):
        return _by_number(keys)
    return _by_name([str(key) for key in keys], hints)


def frames_of_clip(
    keys: Sequence[PictureKey], hints: ReadHints, file: str
) -> tuple[dict[PictureKey, int], tuple[str, ...]]:
    """Return the frame of a clip that every picture is, by the number at its end, and notes.

    Raises:
        ValueError: a name has no number, two have the same, or a number reaches beyond the clip.
    """
    numbers: dict[PictureKey, int] = {}
    total = hints.frame_count or hints.clip_frames or 0
    for key in keys:
        number = key if isinstance(key, int) else picture_number(key)
        if number is None or number < 0:
            if len(keys) == total:
                return dict(zip(keys, range(total))), ("pictures are frames in their order",)
            raise ValueError(
                f"{file} has poses for {key}, which has no frame number; say which pictures these "
                "are with --images"
            )
        numbers[key] = number
    by_number: dict[int, PictureKey] = {}
    for key, number in numbers.items():
        if number in by_number:
            raise ValueError(
                f"{file} has two pictures of number {number}, {by_number[number]} and {key}: it "
                "holds more than one clip"
            )
        by_number[number] = key
    first, notes = _first_number(numbers, hints, total)
    indices = {key: number - first for key, number in numbers.items()}
    for key, index in indices.items():
        if index < 0 or (hints.frame_count is not None and index >= hints.frame_count):
            raise ValueError(
                f"{file} has poses for {key}, the clip's frames are {first} to "
                f"{first + (hints.frame_count or SPARSE_LIMIT) - 1}; if its first picture has "
                "another number, give --first-number"
            )
    return indices, notes


def _first_number(
    numbers: Mapping[PictureKey, int], hints: ReadHints, total: int
) -> tuple[int, tuple[str, ...]]:
    """Return the number of a clip's first picture, and what is guessed in saying so."""
    if hints.first_number is not None:
        return hints.first_number, ()
    low, high = min(numbers.values(), default=0), max(numbers.values(), default=0)
    names = [key for key in numbers if isinstance(key, str)]
    if low >= 1 and high == total:
        return 1, (f"the highest number is {high}, so pictures are numbered from 1",)
    if total and high >= total and high - low + 1 == total:
        return low, (f"pictures are numbered from {low} on",)
    if low == 1 and names and not all(map(is_frame_of_video, names)):
        return 0, (
            f"{names[0]} is taken as frame {numbers[names[0]]} of frames from 0 on; if the "
            "clip's first picture has the number 1, give --first-number 1",
        )
    return 0, ()


def _among(keys: Sequence[PictureKey], image_names: tuple[str, ...], file: str) -> Placement:
    try:
        indices, notes = match_pictures(keys, image_names)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    missing = [key for key in keys if key not in indices]
    if missing:
        raise ValueError(f"{file} has poses for {missing[0]}, which is not among the pictures")
    return Placement(indices, len(image_names), image_names, notes)


def _by_number(keys: Sequence[PictureKey]) -> Placement:
    """Place COCO's numbers of which nothing is known."""
    numbers = [int(key) for key in keys]
    if min(numbers) >= 0 and are_close(numbers):
        return Placement(dict(zip(keys, numbers)), max(numbers) + 1)
    names = tuple(f"{number:012d}.jpg" for number in numbers)
    note = f"{numbers[0]} and the like are taken as numbers of single pictures, not of frames"
    return Placement(dict(zip(keys, range(len(keys)))), len(keys), names, (note,))


def _by_name(names: Sequence[str], hints: ReadHints) -> Placement:
    """Place names of which nothing is known."""
    in_order = Placement(dict(zip(names, range(len(names)))), len(names), tuple(names))
    numbers = [number for name in names if (number := picture_number(name)) is not None]
    if not names:
        return Placement({}, 0)
    if len(set(numbers)) < len(names) or all(map(is_date_and_time, names)):
        return in_order
    if all(map(is_frame_of_video, names)):
        if are_close(numbers) or max(numbers) < SPARSE_LIMIT:
            return Placement(dict(zip(names, numbers)), max(numbers) + 1)
        return in_order
    series = _series_of(names)
    low, high = min(numbers), max(numbers)
    if series is None or high - low >= 10 * len(numbers):
        return in_order
    # A series from 0 or 1 begins there, and so does one that begins far from 0 (a time); between
    # these its first frames had nobody.
    first = hints.first_number
    if first is None:
        first = low if low == 1 or not are_close(numbers) else 0
    before, ending, width = series
    every = tuple(f"{before}{number:0{width}d}{ending}" for number in range(first, high + 1))
    indices: dict[PictureKey, int] = {name: number - first for name, number in zip(names, numbers)}
    if min(indices.values()) < 0:
        raise ValueError(f"{names[numbers.index(low)]} comes before the first number, {first}")
    note = f"{names[0]} and the like are taken as one series whose frame 0 is {every[0]}"
    return Placement(indices, len(every), every, () if len(every) == len(names) else (note,))


def _series_of(names: Sequence[str]) -> tuple[str, str, int] | None:
    """Return what stands before and after the number of all names, and its digits; None if mixed.

    Numbers that are padded with zeros have one width; without them they grow: 9, 10.
    """
    matches = [match for name in names if (match := NUMBERED.fullmatch(name))]
    around = {(match["before"], match["ending"] or "") for match in matches}
    padded = {len(match["digits"]) for match in matches if match["digits"].startswith("0")}
    width = min(padded, default=1)
    regular = all(f"{int(match['digits']):0{width}d}" == match["digits"] for match in matches)
    if len(matches) < len(names) or len(around) != 1 or not regular:
        return None
    return (*around.pop(), width)
