"""Numbers as JSON should show them: float32 values in as few digits as keep them exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def shortest_decimals(values: ArrayLike) -> NDArray[np.float64]:
    """Return float32 values as the float64 with the fewest decimal digits that rounds to them.

    ``json`` writes float32 0.1 as 0.10000000149011612 when it is merely widened; this gives 0.1.
    Casting the result to float32 gives back the argument bit for bit (nine digits always do).

    Raises:
        ValueError: a value is not finite; JSON has no such numbers.
    """
    exact = np.asarray(values, np.float32)
    if not np.isfinite(exact).all():
        raise ValueError("got a number that is not finite, JSON cannot hold it")
    wide = exact.astype(np.float64)
    magnitude = np.abs(wide)
    exponent = np.floor(np.log10(np.where(magnitude > 0, magnitude, 1.0)))
    result = wide.copy()
    open_places = np.ones(exact.shape, bool)
    for digits in (6, 7, 8, 9):
        decimals = digits - 1 - exponent
        # Dividing two integers that float64 holds exactly gives the double nearest the decimal.
        up, down = 10.0 ** np.maximum(decimals, 0), 10.0 ** np.maximum(-decimals, 0)
        rounded = np.rint(wide * up / down) * down / up
        fits = open_places & (rounded.astype(np.float32) == exact)
        result[fits] = rounded[fits]
        open_places &= ~fits
        if not open_places.any():
            break
    return result


def corners_to_xywh(boxes_xyxy: ArrayLike) -> NDArray[np.float64]:
    """Return float32 corners (N, 4) as x y w h in short float64 that undoes to the same corners."""
    corners = shortest_decimals(boxes_xyxy)
    sides = np.round(corners[..., 2:] - corners[..., :2], 9)
    return np.concatenate([corners[..., :2], sides], -1)


def xywh_to_corners(boxes_xywh: ArrayLike) -> NDArray[np.float32]:
    """Return boxes x y w h as float32 corners, adding in float64."""
    boxes = np.asarray(boxes_xywh, np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], -1).astype(np.float32)
