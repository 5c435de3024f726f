"""Fixtures of runs on drawn squares, see :mod:`tests.helpers.squares`, and a command line."""

from __future__ import annotations

import sys

import pytest

import cli
from rmpe_cli import building
from tests.helpers.squares import (
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
def rmpe(monkeypatch, capsys, squares):
    """A function that runs a command line in this process: (exit code, stdout, stderr)."""
    monkeypatch.setattr(building, "build_estimator", lambda given, threads: squares())

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["rmpe", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        output = capsys.readouterr()
        return code, output.out, output.err

    return run
