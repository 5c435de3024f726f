"""Pictures as uint8 BGR: from files of any depth and kind, and from arrays as people pass them."""

from rmpe.pictures._arrays import as_bgr, load_picture
from rmpe.pictures.files import PICTURE_SUFFIXES, ReadPicture, read_picture
from rmpe.pictures.films import film_of, several_films_note

__all__ = [
    "PICTURE_SUFFIXES",
    "ReadPicture",
    "as_bgr",
    "film_of",
    "load_picture",
    "read_picture",
    "several_films_note",
]
