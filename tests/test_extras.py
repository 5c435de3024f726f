"""What needs an optional library says so in a sentence that names an extra there is."""

from __future__ import annotations

import ast
import configparser
import sys
from pathlib import Path

import pytest

from rmpe._door import extra_module


def test_a_library_that_is_missing_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ValueError, match=r"^a table needs pandas: pip install 'rmpe\[table\]'$"):
        extra_module("pandas", "table", "a table")


def test_a_library_that_is_there_and_broken_is_not_taken_for_a_missing_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_one.py").write_text("import nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        extra_module("broken_one", "table", "a table")


def test_the_extras_that_are_named_are_those_of_the_package(repository: Path) -> None:
    setup = configparser.ConfigParser()
    setup.read(repository / "setup.cfg", encoding="utf-8")
    named = {
        call.args[1].value
        for path in (repository / "rmpe").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "extra_module"
        and isinstance(call.args[1], ast.Constant)
    }
    assert {"table", "eval", "train", "onnx", "hf"} <= named
    assert named <= set(setup["options.extras_require"])
