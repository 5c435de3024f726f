"""Cards inside files of weights: there and back, missing, not understood."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rmpe.networks.hrnet import HRNet
from rmpe.skeletons import Skeleton
from rmpe.zoo import LoadChoices, load
from rmpe.zoo.card import WeightsCard, read_card
from rmpe.zoo.conventions import CONVENTIONS

STICK = Skeleton("stick", ("left_end", "right_end", "tip"), ((0, 1), (1, 2)), (0.05, 0.05, 0.1))


def card(skeleton: Skeleton | None = STICK) -> WeightsCard:
    conventions = dataclasses.replace(
        CONVENTIONS["hrnet"], skeleton_name="stick" if skeleton else "coco17", input_height=64,
        input_width=64, own_skeleton=skeleton,
    )  # fmt: skip
    return WeightsCard("hrnet_w4", "hrnet", conventions, {"rate": 0.1, "drops": [1]}, {"oks": 0.5})


def test_a_card_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata=card().as_metadata())
    assert read_card(path) == card()


def test_a_known_skeleton_stays_the_known_one(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata=card(None).as_metadata())
    found = read_card(path)
    assert found is not None
    assert found.conventions.own_skeleton is None
    assert found.conventions.skeleton.name == "coco17"


def test_other_files_have_no_card(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"no such file")
    assert read_card(tmp_path / "a.safetensors") is None
    assert read_card(tmp_path / "b.safetensors") is None
    assert read_card(tmp_path / "c.pth") is None


@pytest.mark.parametrize("text", ['{"version": 2}', "[]", "{", '{"version": 1}'])
def test_a_card_that_is_not_understood_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "later.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"rmpe": text})
    with pytest.raises(ValueError, match=r"card inside later\.safetensors cannot be understood"):
        read_card(path)


def test_loading_takes_what_the_card_says_and_choices_before_it(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    state = {key: value.clone() for key, value in HRNet(4, 3).state_dict().items()}
    save_file(state, path, metadata=card().as_metadata())
    loaded = load(path)
    assert loaded.conventions == card().conventions
    assert (loaded.variant, loaded.origin) == ("hrnet_w4", "hrnet")
    larger = load(path, LoadChoices(input_size_hw=(128, 96))).conventions
    assert (larger.input_height, larger.input_width) == (128, 96)
    assert larger.skeleton == STICK


def test_a_card_of_more_joints_than_maps_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    state = {key: value.clone() for key, value in HRNet(4, 2).state_dict().items()}
    save_file(state, path, metadata=card().as_metadata())
    with pytest.raises(ValueError, match="'stick' has 3 joints, the checkpoint 2 heatmaps"):
        load(path)
