"""JSON as the formats write it: documents in pieces, numbers in as few digits as keep them."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.geometry.boxes import box_xyxy_to_xywh


class ItemStream:
    """A text file of ``before``, items separated by ``", "``, and ``after``.

    Closed at any moment the document is valid JSON.
    """

    def __init__(self, path: str | Path, before: str, after: str) -> None:
        self._after = after
        self._empty = True
        self._file: IO[str] = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115
        self._file.write(before)

    def add(self, text: str) -> None:
        """Append one item, already JSON."""
        self._file.write(text if self._empty else ", " + text)
        self._empty = False

    def close(self, after: str | None = None) -> None:
        """Write the end, ``after`` if given, and close the file; closing twice is allowed."""
        if self._file.closed:
            return
        self._file.write(self._after if after is None else after)
        self._file.close()


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


def short_xywh(boxes_xyxy: ArrayLike) -> NDArray[np.float64]:
    """Return float32 boxes (N, 4) as x y w h in few digits that undo to the same corners."""
    boxes = box_xyxy_to_xywh(shortest_decimals(boxes_xyxy))
    # The difference of two short decimals is short again but for float64's last digits.
    boxes[..., 2:] = np.round(boxes[..., 2:], 9)
    return boxes
