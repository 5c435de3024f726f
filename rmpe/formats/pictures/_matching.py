"""Records matched with pictures that are known, by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from rmpe.formats.pictures._names import PictureKey, picture_number, place_in_name, posix


def match_pictures(
    keys: Sequence[PictureKey], image_names: Sequence[str]
) -> tuple[dict[PictureKey, int], tuple[str, ...]]:
    """Return the places of the known pictures that keys fit, and notes; others are left out.

    Ways to compare are tried from the strictest on, and the first by which most keys fit is taken.

    Raises:
        ValueError: two keys fit the same picture, or one fits two.
    """
    best: dict[PictureKey, int] = {}
    note = ""
    for text, way in _WAYS:
        found = way(keys, image_names)
        if len(found) > len(best):
            best, note = found, text
        if len(best) == len(keys):
            break
    if len(set(best.values())) < len(best):
        places = list(best.values())
        twice = next(place for place in places if places.count(place) > 1)
        both = [str(key) for key, place in best.items() if place == twice][:2]
        raise ValueError(f"{both[0]} and {both[1]} are both picture {image_names[twice]}")
    # That a number means the number in a name is no guess.
    guessed = note and (note != _BY_NUMBER or any(isinstance(key, str) for key in best))
    return best, (f"pictures are matched {note}",) if guessed and best else ()


def _by_keys(
    key_of: Callable[[str], str | int | None], key_of_picture: Callable[[str], str | int | None]
) -> Callable[[Sequence[PictureKey], Sequence[str]], dict[PictureKey, int]]:
    """Return a way to match: what a key and a picture's name are looked at as."""

    def match(keys: Sequence[PictureKey], image_names: Sequence[str]) -> dict[PictureKey, int]:
        places: dict[str | int, int] = {}
        twice: set[str | int] = set()
        for place, name in enumerate(image_names):
            looked_at = key_of_picture(name)
            if looked_at is not None:
                twice |= {looked_at} & places.keys()
                places[looked_at] = place
        found = {}
        for key in keys:
            wanted = key if isinstance(key, int) else key_of(key)
            if wanted is not None and wanted in places and wanted not in twice:
                found[key] = places[wanted]
        return found

    return match


def _at_place(keys: Sequence[PictureKey], image_names: Sequence[str]) -> dict[PictureKey, int]:
    """Match what counts places: COCO's numbers and the names of a video's frames."""
    found = {}
    for key in keys:
        place = key if isinstance(key, int) else place_in_name(key)
        if place is not None and 0 <= place < len(image_names):
            found[key] = place
    return found


def _file_name(name: str) -> str:
    return PurePosixPath(posix(name)).name


def _stem(name: str) -> str:
    return PurePosixPath(posix(name)).stem


def _number_not_of_video(name: str) -> int | None:
    return None if place_in_name(name) is not None else picture_number(name)


_BY_NUMBER = "by the number at the end of their names"
_WAYS: tuple[
    tuple[str, Callable[[Sequence[PictureKey], Sequence[str]], dict[PictureKey, int]]], ...
] = (
    ("", _by_keys(posix, posix)),
    ("", _by_keys(_file_name, _file_name)),
    ("", _by_keys(_stem, _stem)),
    (_BY_NUMBER, _by_keys(_number_not_of_video, picture_number)),
    ("by their places", _at_place),
)
