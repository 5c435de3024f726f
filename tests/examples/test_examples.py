"""The example scripts and notebooks run as they stand, in a folder of their own."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def examples(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the examples; what they write is in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return repository / "examples"


def _run(script: Path, *arguments: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(script), *arguments])
        runpy.run_path(str(script), run_name="__main__")


def test_the_scripts_of_pictures_and_clips(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = cv2.VideoCapture(str(examples / "crossing.mp4"))
    film.set(cv2.CAP_PROP_POS_FRAMES, 40)
    cv2.imwrite(str(tmp_path / "street.png"), film.read()[1])
    _run(examples / "pictures.py", "street.png")
    said = capsys.readouterr().out
    assert "street.png: " in said and "people" in said
    assert sorted(path.name for path in (tmp_path / "pictures_rmpe").iterdir()) == [
        "poses.ndjson",
        "street.png",
    ]
    _run(examples / "clip.py", "--end", "0.2")
    assert capsys.readouterr().out.count(" s {") == 5


def test_the_script_of_angles(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(examples / "knee_angles.py", "--end", "1")
    said = capsys.readouterr().out
    assert "left knee: " in said and "right knee: " in said
    assert (tmp_path / "knee_angles" / "measures" / "measures.csv").is_file()


@pytest.mark.parametrize("name", ["first_steps", "angles"])
def test_a_notebook_runs_from_top_to_bottom(examples: Path, tmp_path: Path, name: str) -> None:
    interactiveshell = pytest.importorskip("IPython.core.interactiveshell")
    config = pytest.importorskip("traitlets.config").Config()
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    config.HistoryAccessor.enabled = False
    shutil.copy(examples / "crossing.mp4", tmp_path)
    notebook = json.loads((examples / f"{name}.ipynb").read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in cells), "outputs are not kept"
    shell = interactiveshell.InteractiveShell(config=config)
    shown: set[str] = set()
    for cell in cells:
        done = shell.run_cell("".join(cell["source"]))
        done.raise_error()
        shown |= set(shell.display_formatter.format(done.result)[0])
    assert "image/png" in shown, "no picture is shown"
