"""One picture file as BGR: turned as its EXIF says, of any depth, of many kinds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.records import ImageArray

PICTURE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo"}
    | {".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""Endings of the picture files that are looked for in folders."""
_DEPTHS = (8, 10, 12, 14)
"""Bits that cameras and microscopes put into 16."""
_EIGHT_BITS = 255
_TIFF = (".tif", ".tiff")
_MOVING = (b"ANIM", b"acTL", b"avis")
"""What stands near the beginning of a WebP, PNG or AVIF of several pictures."""
_HEAD_BYTES = 4096


@dataclass(frozen=True, eq=False)
class ReadPicture:
    """A picture file that was read, or why it was not."""

    image_bgr: ImageArray | None
    """The picture, uint8 (H, W, 3); None if it cannot be read."""
    note: str = ""
    """What was guessed about it, or why it cannot be read."""


def read_picture(path: Path) -> ReadPicture:
    """Read a picture file; never raises for what is in it."""
    try:
        if not path.is_file():
            return ReadPicture(None, "is no file" if path.exists() else "does not exist")
        data = np.fromfile(path, np.uint8)
    except (OSError, ValueError) as error:
        return ReadPicture(None, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if not data.size:
        return ReadPicture(None, "cannot be read as a picture: it is empty")
    if path.suffix.lower() in _TIFF and (values := _plain_numbers(path)) is not None:
        return _scaled(values)
    try:
        deep = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)  # (H, W, 3) BGR
        if deep is not None and deep.dtype == np.uint8:
            return ReadPicture(np.asarray(deep, np.uint8), _pages(path, data))
        if deep is not None:
            if deep.dtype == np.uint16 and deep.max(initial=0) >= 2 ** _DEPTHS[-1]:
                return ReadPicture(np.asarray(deep // 256, np.uint8), _pages(path, data))
            return _scaled(np.asarray(deep))
    except cv2.error as error:
        return ReadPicture(None, f"cannot be read as a picture: {_reason(error)}")
    return _by_pillow(path)


def _scaled(deep: np.ndarray[tuple[int, ...], np.dtype]) -> ReadPicture:
    """Return a picture of more than eight bits by the range that it uses itself.

    Args:
        deep: the picture (H, W, 3), whole numbers or floating point.
    """
    values = np.nan_to_num(deep.astype(np.float32), posinf=0.0, neginf=0.0)
    most = float(values.max(initial=0.0))
    bits = next((depth for depth in (*_DEPTHS, 16) if most < 2**depth), 0)
    if np.issubdtype(deep.dtype, np.integer) and bits:
        limit, note = 2.0**bits - 1, f"{bits} of 16 bits are used: it is read by that range"
    elif most <= 1:
        limit, note = 1.0, "it has floating-point values: 1 is taken for white"
    else:
        limit, note = most, f"it has values up to {most:g}: that is taken for white"
    scaled = np.clip(values * (_EIGHT_BITS / limit), 0, _EIGHT_BITS)
    return ReadPicture(np.asarray(np.rint(scaled), np.uint8), note)


def _plain_numbers(path: Path) -> np.ndarray[tuple[int, ...], np.dtype] | None:
    """Return a TIFF of one channel of floating-point or long numbers as (H, W, 3); else None.

    OpenCV refuses these when it is asked for colours.
    """
    from PIL import Image

    try:
        with Image.open(path) as opened:
            if opened.mode not in ("F", "I"):
                return None
            return np.repeat(np.asarray(opened)[..., None], 3, axis=2)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _by_pillow(path: Path) -> ReadPicture:
    """Read what OpenCV does not know, HEIC with the extra ``[heif]`` among it."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    has_heif = _register_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB")
    except UnidentifiedImageError:
        if path.suffix.lower() in (".heic", ".heif") and not has_heif:
            return ReadPicture(None, "cannot be read without the extra: pip install 'rmpe[heif]'")
        return ReadPicture(None, "cannot be read as a picture")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as error:
        return ReadPicture(None, f"cannot be read as a picture: {_reason(error)}")
    return ReadPicture(np.ascontiguousarray(np.asarray(upright, np.uint8)[..., ::-1]))


def _register_heif() -> bool:
    """Let Pillow read HEIC if its plug-in is installed, and return whether it is."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _pages(path: Path, data: NDArray[np.uint8]) -> str:
    head = data[:_HEAD_BYTES].tobytes()
    if path.suffix.lower() not in (*_TIFF, ".gif") and not any(sign in head for sign in _MOVING):
        return ""
    count = cv2.imcount(str(path))
    return f"it has {count} pages, the first is read" if count > 1 else ""


def _reason(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    if isinstance(error, cv2.error):
        return "its header promises more pixels than are read"
    return text[0] if text else type(error).__name__
