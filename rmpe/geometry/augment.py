"""Random crops for training: which map takes a box to the network's input, and the cut itself."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.geometry.crop import CropStyle, fit_crop_box

ImageArray = NDArray[np.uint8]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CropChange:
    """How one training crop differs from the plain crop of its box."""

    scale: float = 1.0
    """Factor on the crop's sides; above 1 shows more around the person."""
    degrees: float = 0.0
    """Turn of the picture, clockwise as seen."""
    shift_xy: tuple[float, float] = (0.0, 0.0)
    """Move of the crop's centre in pixels of the picture."""
    mirrored: bool = False
    """Whether left and right are exchanged."""


def changed_crop_matrix(
    box_xyxy: ArrayLike, height: int, width: int, style: CropStyle, change: CropChange
) -> Matrix:
    """Return the map from picture pixels to input pixels, (2, 3).

    Without a change it is :attr:`CropTransform.matrix` of the same box. A mirrored crop is the
    mirror image of the crop that is not, column x becoming width - 1 - x.

    Args:
        box_xyxy: the person box in pixels, (4,).
        height: rows of the network's input.
        width: columns of the network's input.
        style: the family's rule.
        change: scale, turn, shift and mirror.
    """
    crop = fit_crop_box(box_xyxy, width / height, style).astype(np.float64)
    sides = np.maximum(crop[2:] - crop[:2], 1e-6)
    if style.scale_axes == "width":
        sides[1] = sides[0] * height / width
    scale = np.array([width, height]) / (sides * change.scale)
    angle = np.deg2rad(change.degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale[:, None] * turn
    centre = (crop[:2] + crop[2:]) / 2 + change.shift_xy
    offset = np.array([width, height]) / 2 - linear @ centre
    if change.mirrored:
        linear[0] *= -1
        offset[0] = width - 1 - offset[0]
    return np.concatenate([linear, offset[:, None]], 1)


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
) -> ImageArray:
    """Return the crop uint8 (height, width, 3), bilinear.

    A person of more than twice the crop is first shrunk by area averaging.

    Args:
        image_bgr: the picture, uint8 (H, W, 3).
        matrix: picture pixels to crop pixels, (2, 3).
        height: rows of the crop.
        width: columns of the crop.
        border_bgr: colour outside the picture.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        shrink = 2 * scale
        size = [max(round(shrink * side), 1) for side in image_bgr.shape[1::-1]]
        ratio = np.array(size) / image_bgr.shape[1::-1]
        image_bgr = np.asarray(
            cv2.resize(image_bgr, (size[0], size[1]), interpolation=cv2.INTER_AREA), np.uint8
        )
        linear = matrix[:, :2] / ratio
        matrix = np.concatenate([linear, (matrix[:, 2] + linear @ (0.5 - 0.5 * ratio))[:, None]], 1)
    warped = cv2.warpAffine(image_bgr, matrix, (width, height), borderValue=border_bgr)
    return np.asarray(warped, np.uint8)
