"""docs/measure.md: its Python runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.stick_walker import write_walker

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measure.md"


def test_the_python_of_the_page_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_clip_rmpe").mkdir()
    write_walker(tmp_path / "my_clip_rmpe/poses.ndjson", np.arange(60) / 30)
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/measure.md", "exec"), names)
    assert len(names["knee"].values) == 60
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {
        ".csv",
        ".json",
        ".png",
        ".trc",
    }
