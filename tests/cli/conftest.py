"""Fixtures of runs on drawn squares, see :mod:`tests.helpers.squares`, and a command line."""

from __future__ import annotations

import pytest

from tests.helpers.command_line import CommandLine
from tests.helpers.squares import (
    SquaresEstimator,
    frames,
    no_thread_left,
    people,
    reader,
    squares,
    stage,
)

__all__ = [
    "frames",
    "no_thread_left",
    "people",
    "reader",
    "squares",
    "stage",
]


@pytest.fixture
def rmpe(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    squares: type[SquaresEstimator],
) -> CommandLine:
    """A function that runs a command line in this process: (exit code, stdout, stderr)."""
    return CommandLine(monkeypatch, capsys, squares())
