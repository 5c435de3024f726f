"""Fixtures of runs on drawn squares, see :mod:`tests.helpers.squares`."""

from tests.helpers.squares import (
    frames,
    no_thread_left,
    people,
    reader,
    squares,
    stage,
)

__all__ = ["frames", "no_thread_left", "people", "reader", "squares", "stage"]
