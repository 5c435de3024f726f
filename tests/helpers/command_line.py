"""A command line in this process, on an estimator of the test."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import cli
from rmpe_cli import building


class CommandLine:
    """Runs ``rmpe`` with arguments: (exit code, stdout, stderr). Commands get ``estimator``."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], estimator: Any
    ) -> None:
        self.estimator = estimator
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.setattr(building, "build_estimator", lambda given, threads: self.estimator)

    def __call__(self, *arguments: object) -> tuple[int | str, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["rmpe", *map(str, arguments)])
        code: int | str = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        output = self._capsys.readouterr()
        return code, output.out, output.err
