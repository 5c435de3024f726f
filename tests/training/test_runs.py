"""Training runs by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpe.records import Boxes
from rmpe.training.runs import (
    RunRequest,
    describe_recipe,
    is_first_process,
    recipe_names,
    run_recipe,
)


def test_an_unknown_recipe_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="compact-pose, compact-accurate-pose, compact-detector"):
        run_recipe("nothing", tmp_path, tmp_path)


def test_missing_packs_are_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"joints\.npz"):
        run_recipe("compact-pose", tmp_path, tmp_path / "out")


def test_a_network_recipe_needs_its_data_or_own_files(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    with pytest.raises(ValueError, match="either --data with the folder of coco, or --annotations"):
        run_recipe("hrnet_w32_coco", None, tmp_path)


def test_the_detectors_recipe_takes_no_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give no --set"):
        run_recipe("compact-detector", tmp_path, tmp_path, RunRequest(settings=("steps=1",)))


def test_a_recipe_can_be_shown_with_its_settings() -> None:
    assert "epochs                 = 7" in describe_recipe("cpn50_coco", ["epochs=7"])
    with pytest.raises(ValueError, match="got recipe 'jumping', supported are hrnet_w32_coco"):
        describe_recipe("jumping")


def test_every_recipe_can_be_shown() -> None:
    for name in recipe_names():
        assert " = " in describe_recipe(name)


@pytest.mark.usefixtures("quiet_lightning")
def test_own_files_train_from_the_command_line_with_a_detectors_boxes(
    crowd_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    import rmpe.detectors
    from cli import rmpe_command

    truth = json.loads((crowd_folder / "annotations.json").read_text())
    boxes = [(i["bbox"][0], i["bbox"][1], i["bbox"][2], i["bbox"][3]) for i in truth["annotations"]]
    corners = np.array([(x + 3, y, x + w + 3, y + h) for x, y, w, h in boxes], np.float32)

    def detector(images: list) -> list[Boxes]:
        return [Boxes(corners, np.ones(len(corners), np.float32)) for _ in images]

    monkeypatch.setattr(rmpe.detectors, "build_detector", lambda name: detector)
    own = ["--annotations", crowd_folder / "annotations.json", "--images", crowd_folder / "images"]
    small = ("input_height=64", "input_width=64", "epochs=1", "batch_size=4", "proposals_from=0")
    settings = [f"--set={s}" for s in small]
    arguments = ["train", "compact_coco", *own, "-o", tmp_path, "--proposals", "mine", *settings]
    result = CliRunner().invoke(rmpe_command, [*map(str, arguments), "--workers=0", "--device=cpu"])
    assert result.exit_code == 0, result.output
    assert result.output.strip().endswith("compact_coco.safetensors")
    assert (tmp_path / "proposals.npz").is_file()
    assert (tmp_path / "compact_coco.safetensors").is_file()


@pytest.mark.parametrize(
    ("numbers", "speaks"),
    [({}, True), ({"LOCAL_RANK": "1"}, False), ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False)],
)
def test_of_several_processes_the_first_speaks(
    monkeypatch: pytest.MonkeyPatch, numbers: dict[str, Any], speaks: bool
) -> None:
    for name in ("LOCAL_RANK", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, number in numbers.items():
        monkeypatch.setenv(name, number)
    assert is_first_process() is speaks
