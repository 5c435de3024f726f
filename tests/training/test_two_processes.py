"""Two processes with half the batch each give the losses of one with the whole batch."""

import csv
import dataclasses
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from rmpe.training.data.people import OwnFiles, read_own_files
from rmpe.training.loop.run import RunOptions, train_network
from rmpe.training.recipes.published import NETWORK_RECIPES


def train(folder: Path, output: Path, devices: int) -> None:
    people = read_own_files(OwnFiles(folder / "annotations.json", folder / "images"))
    # Without batch norms: their statistics are those of a process's own half.
    recipe = NETWORK_RECIPES["compact_coco"].with_settings(
        ["loss=heatmap", "origin=hrnet", "input_height=64", "input_width=64", "epochs=3",
         "batch_size=4", "clip_gradient=0"]
    )  # fmt: skip
    # Adam divides a gradient by its size: in single precision the rounding of the sum over
    # processes becomes visible where a gradient is nearly zero.
    recipe = dataclasses.replace(recipe, precision="64-true")
    options = RunOptions(device="cpu", devices=devices, workers=0, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train_network(people, output, recipe, options)


def losses(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]


@pytest.mark.timeout(300)
def test_two_processes_have_the_losses_of_one_with_the_double_batch(
    crowd_folder: Path, tmp_path: Path, repository: Path
) -> None:
    pytest.importorskip("lightning")
    train(crowd_folder, tmp_path / "1", 1)
    # Lightning starts the second process with the command line of the first.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository)}
    subprocess.run(
        [sys.executable, __file__, str(crowd_folder), str(tmp_path / "2")],
        check=True, env=environment, cwd=tmp_path, capture_output=True,
    )  # fmt: skip
    one, two = losses(tmp_path / "1"), losses(tmp_path / "2")
    assert len(one) == 3
    assert two == pytest.approx(one, rel=1e-4)


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]), 2)
