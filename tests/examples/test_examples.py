"""The example scripts and notebooks run as they stand, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.timeout(240)


def _environment(repository: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}


def _run(repository: Path, folder: Path, name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(repository / "examples" / name), *arguments],
        cwd=folder,
        env=_environment(repository),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_scripts_of_pictures_and_clips(repository: Path, tmp_path: Path) -> None:
    film = cv2.VideoCapture(str(repository / "examples" / "crossing.mp4"))
    film.set(cv2.CAP_PROP_POS_FRAMES, 40)
    cv2.imwrite(str(tmp_path / "street.png"), film.read()[1])
    said = _run(repository, tmp_path, "pictures.py", "street.png")
    assert "street.png: " in said and "people" in said
    assert sorted(path.name for path in (tmp_path / "pictures_rmpe").iterdir()) == [
        "poses.ndjson",
        "street.png",
    ]
    said = _run(repository, tmp_path, "clip.py", "--end", "0.2")
    assert said.count(" s {") == 5


def test_the_script_of_angles(repository: Path, tmp_path: Path) -> None:
    said = _run(repository, tmp_path, "knee_angles.py", "--end", "1")
    assert "left knee: " in said and "right knee: " in said
    assert (tmp_path / "knee_angles" / "measures" / "measures.csv").is_file()


@pytest.mark.parametrize("name", ["first_steps", "angles"])
def test_a_notebook_runs_from_top_to_bottom(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    for key, value in _environment(repository).items():
        monkeypatch.setenv(key, value)
    shutil.copy(repository / "examples" / "crossing.mp4", tmp_path)
    notebook = nbformat.read(repository / "examples" / f"{name}.ipynb", 4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs are not kept"
    nbclient.NotebookClient(
        notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert shown, "no picture is shown"
