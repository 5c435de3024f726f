"""People whose box is narrow need the middle of a network's input alone: half its work.

A crop keeps its size, so that nothing else need know of it: of a narrow person's the columns beside
the middle stay black, and what is black there is not looked at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmpe.geometry.crop import CropTransform
from rmpe.records import FloatArray, ImageArray

MOST_FILLED = 0.8
"""Share of the middle that a box may fill: elbows and feet reach beyond a detector's boxes."""
LEAST_FILLED = 0.4
"""Who fills less is cut off or half hidden, and their joints may lie far beside the box."""


def fits_middle(boxes_xyxy: FloatArray, height: int, middle: int) -> NDArray[np.bool_]:
    """Tell which boxes (N, 4) are narrow: (N,).

    Args:
        boxes_xyxy: in pixels.
        height: rows of the input.
        middle: columns of its middle; 0: nobody is narrow.
    """
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    columns = sides[:, 0] * height  # of the input, times the box's height
    filled = middle * sides[:, 1]
    fit = (columns >= LEAST_FILLED * filled) & (columns <= MOST_FILLED * filled)
    return np.asarray(fit & (middle > 0), np.bool_)


def warp_middle(
    crop_bgr: ImageArray, image_bgr: ImageArray, transform: CropTransform, margin: int
) -> None:
    """Fill a narrow person's crop (H, W, 3), leaving ``margin`` columns on either side black."""
    crop_bgr[:, :margin] = crop_bgr[:, -margin:] = 0
    crop_bgr[:, margin:-margin] = transform.warp(image_bgr, margin)


def is_black_beside(crops_bgr: ImageArray, margin: int) -> NDArray[np.bool_]:
    """Tell which crops (N, H, W, 3) show nothing in ``margin`` columns on either side: (N,)."""
    beside = np.concatenate([crops_bgr[:, :, :margin], crops_bgr[:, :, -margin:]], 2)
    return np.asarray(~beside.any((1, 2, 3)), np.bool_)
