"""Every script beside the program says what it does and takes when it is asked with --help."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest


def scripts(repository: Path) -> list[Path]:
    """Return the files of tools and benchmarks that are meant to be run."""
    files = [*(repository / "tools").rglob("*.py"), *(repository / "benchmarks").rglob("*.py")]
    return [path for path in sorted(files) if '__name__ == "__main__"' in path.read_text("utf-8")]


def test_every_script_has_a_parser_and_a_description(repository: Path) -> None:
    found = scripts(repository)
    assert len(found) > 20
    for path in found:
        text = path.read_text("utf-8")
        assert ast.get_docstring(ast.parse(text)), path
        assert "ArgumentParser(" in text or "@click.command(" in text, f"{path}: no --help"


@pytest.mark.parametrize("name", ["release", "check_installed", "pages/draw_conventions"])
def test_help_is_shown_and_nothing_is_done(repository: Path, name: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, repository / "tools" / f"{name}.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.startswith("usage: ")
    assert list(tmp_path.iterdir()) == []
