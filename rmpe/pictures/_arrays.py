"""Pictures as people pass them (files, arrays of any kind, PIL images) made uint8 BGR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.pictures.files import read_picture
from rmpe.records import ImageArray

# Sensors of more than 8 bits have one of these depths; the least that holds the values is taken.
_DEPTHS = (8, 10, 12, 14, 16)


def as_bgr(picture: Any) -> ImageArray:
    """Return a picture as uint8 (H, W, 3), blue-green-red.

    Args:
        picture: a file's path; a PIL image (turned upright as its EXIF says); or an array: grey
            (H, W) or (H, W, 1), BGR (H, W, 3) or BGRA (H, W, 4) as OpenCV gives them, of uint8;
            uint16 (scaled from the least of 8, 10, 12, 14 and 16 bits that holds its values); float
            of 0..1, or of 0..255; other integers
            of 0..255.

    Raises:
        OSError: the file is missing or no picture.
        TypeError: it is none of these.
        ValueError: the array has another shape, no pixels, or values outside these ranges.
    """
    if isinstance(picture, (str, Path)):
        return load_picture(picture)
    if isinstance(picture, np.ndarray):
        return _three_channels(_eight_bits(_checked_shape(picture)))
    if hasattr(picture, "convert") and hasattr(picture, "getbands"):
        from PIL import ImageOps

        rgb = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"), np.uint8)
        return np.ascontiguousarray(_checked_shape(rgb)[..., ::-1])
    kind = "None" if picture is None else type(picture).__name__
    raise TypeError(
        f"got {kind} for a picture; allowed are a path, an array (H, W, 3) in BGR order, or a PIL "
        "image. cv2.imread gives None for a file that it cannot read"
    )


def load_picture(path: str | Path) -> ImageArray:
    """Return a picture file as uint8 BGR (H, W, 3), upright as its EXIF says.

    Raises:
        OSError: the file is missing or no picture.
    """
    read = read_picture(Path(path))
    if read.image_bgr is None:
        raise OSError(f"{path} {read.note}")
    return read.image_bgr


def _checked_shape(image: NDArray[Any]) -> NDArray[Any]:
    shape = image.shape
    if image.ndim not in (2, 3) or (image.ndim == 3 and shape[2] not in (1, 3, 4)):
        first = ", channels come last" if image.ndim == 3 and shape[0] in (1, 3, 4) else ""
        raise ValueError(
            f"got a picture of shape {shape}, allowed are (H, W), (H, W, 1), (H, W, 3) and "
            f"(H, W, 4){first}"
        )
    if 0 in shape:
        raise ValueError(f"got a picture without pixels, its shape is {shape}")
    return image


def _eight_bits(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an array's values in 0..255."""
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind not in "uif":
        raise TypeError(f"got a picture of {image.dtype}, allowed are uint8, uint16 and float")
    low, high = float(image.min()), float(image.max())
    if image.dtype == np.uint16 and high > 255:
        depth = next(bits for bits in _DEPTHS if high < 1 << bits)
        scaled = image.astype(np.float32) * (255.0 / ((1 << depth) - 1))
        return np.rint(scaled).astype(np.uint8)
    if not (low >= 0 and high <= 255):  # NaN is neither
        raise ValueError(
            f"got a picture of {image.dtype} with values from {low:g} to {high:g}, allowed are "
            "0 to 255, or 0 to 1 as float"
        )
    factor = 255.0 if image.dtype.kind == "f" and high <= 1 else 1.0
    return np.rint(image * factor).astype(np.uint8)


def _three_channels(image: NDArray[np.uint8]) -> ImageArray:
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(image[..., :3])
