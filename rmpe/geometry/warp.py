"""Affine maps of points and pictures: the one way in which a crop is cut."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

ImageArray = NDArray[np.uint8]
Matrix = NDArray[np.float64]

Sampling = Literal["opencv", "scipy"]


def apply_matrix(matrix: Matrix, points_xy: ArrayLike) -> NDArray[np.float32]:
    """Return points (..., 2) mapped by a (2, 3) matrix."""
    points = np.asarray(points_xy, np.float64)
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


def warp_affine(
    image_bgr: ImageArray,
    matrix: Matrix,
    height: int,
    width: int,
    border_bgr: tuple[int, int, int] = (0, 0, 0),
    sampling: Sampling = "opencv",
) -> ImageArray:
    """Return the crop uint8 (height, width, 3), bilinear.

    ``opencv`` weighs in steps of 1/32 pixel; a person of more than twice the crop is first shrunk
    by area averaging, because bilinear sampling alone would skip pixels and alias. ``scipy`` weighs
    exactly, shrinks nothing and gives the border's colour to all that lies beyond the centres of
    the outermost pixels, as the Hugging Face library does: its networks see what they know.

    Args:
        image_bgr: the picture, uint8 (H, W, 3).
        matrix: picture pixels to crop pixels, (2, 3).
        height: rows of the crop.
        width: columns of the crop.
        border_bgr: colour outside the picture.
        sampling: whose bilinear sampling.
    """
    if sampling == "scipy":
        return _warp_exactly(image_bgr, matrix, (height, width), border_bgr)
    shrink = float(np.hypot(matrix[0, :2], matrix[1, :2]).min())
    if shrink < 0.5:
        image_bgr, matrix = _shrunk(image_bgr, matrix, (width, height), shrink)
    warped = cv2.warpAffine(
        image_bgr,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border_bgr,
    )
    return np.asarray(warped, np.uint8)


def _warp_exactly(
    image_bgr: ImageArray, matrix: Matrix, crop_hw: tuple[int, int], border_bgr: tuple[int, ...]
) -> ImageArray:
    """Return the crop by scipy's function, whose maps go from crop to picture, y before x.

    The library keeps the map itself in single precision.
    """
    # They take long to load, and few networks need them.
    from scipy.linalg import inv
    from scipy.ndimage import affine_transform

    there = np.vstack([matrix.astype(np.float32), [0, 0, 1]])
    y_x_1 = [1, 0, 2]
    back = inv(there)[y_x_1][:, y_x_1]
    crop = np.empty((*crop_hw, 3), np.uint8)
    for channel, value in enumerate(border_bgr):
        affine_transform(
            image_bgr[..., channel],
            back,
            output=crop[..., channel],
            output_shape=crop_hw,
            order=1,
            cval=value,
        )
    return crop


def _shrunk(
    image_bgr: ImageArray, matrix: Matrix, crop_wh: tuple[int, int], shrink: float
) -> tuple[ImageArray, Matrix]:
    """Return the crop's part of the picture at about twice the crop's size, and its map."""
    height, width = image_bgr.shape[:2]
    linear, offset = matrix[:, :2], matrix[:, 2]
    corners = np.array([[0, 0], [crop_wh[0], 0], [0, crop_wh[1]], crop_wh], np.float64)
    # float32, so that the last digits of the inverse do not decide about a pixel.
    seen = ((corners - offset) @ np.linalg.inv(linear).T).astype(np.float32)
    x1, y1 = (int(v) - 2 for v in np.floor(seen.min(0)))
    x2, y2 = (int(v) + 2 for v in np.ceil(seen.max(0)))
    x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    if x2 <= x1 or y2 <= y1:
        return image_bgr, matrix
    size = (max(round((x2 - x1) * shrink * 2), 1), max(round((y2 - y1) * shrink * 2), 1))
    small = cv2.resize(image_bgr[y1:y2, x1:x2], size, interpolation=cv2.INTER_AREA)
    ratio = np.array(size, np.float64) / [x2 - x1, y2 - y1]
    # Pixel centres lie at integers: small = ratio * (frame - corner + 0.5) - 0.5.
    finer = linear / ratio
    shift = finer @ (0.5 - 0.5 * ratio) + linear @ [x1, y1] + offset
    return np.asarray(small, np.uint8), np.concatenate([finer, shift[:, None]], 1)
