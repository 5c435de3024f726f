"""What a file means: choices, shapes, card, meta, catalogue, usual conventions, in that order."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rmpe.networks.hrnet import HRNet
from rmpe.zoo import LoadChoices, from_state_dict, load


def openmmlab_file(joint_count: int, meta: dict[str, Any] | None = None) -> dict[str, Any]:
    """A small HRNet under OpenMMLab's names."""
    torch.manual_seed(0)
    state: dict[str, Tensor] = HRNet(4, joint_count).state_dict()
    renamed = {
        f"{'head' if key.startswith('final_layer') else 'backbone'}.{key}": value
        for key, value in state.items()
    }
    return {"state_dict": renamed} if meta is None else {"state_dict": renamed, "meta": meta}


@pytest.mark.parametrize(
    ("joint_count", "dataset", "skeleton", "first", "second"),
    [
        (14, "aic", "aic14", "right_shoulder", "right_elbow"),
        (17, "posetrack18", "posetrack17", "nose", "neck"),
        (17, "coco", "coco17", "nose", "left_eye"),
        (133, "coco_wholebody", "wholebody133", "nose", "left_eye"),
        (21, "onehand10k", "hand21", "hand_0", "hand_1"),
        (68, "300w", "face68", "face_0", "face_1"),
    ],
)
def test_the_data_set_that_a_file_names_gives_its_joints(
    joint_count: int, dataset: str, skeleton: str, first: str, second: str
) -> None:
    meta = {"dataset_meta": {"dataset_name": dataset}}
    conventions = from_state_dict(openmmlab_file(joint_count, meta)).conventions
    assert conventions.skeleton_name == skeleton
    assert conventions.skeleton.joints[:2] == (first, second)


def test_joints_of_an_unknown_data_set_are_read_from_the_file() -> None:
    meta = {
        "dataset_meta": {
            "dataset_name": "robot",
            "keypoint_id2name": {1: "left_grip", 0: "base", 2: "right_grip"},
            "skeleton_links": [[0, 1], [0, 2]],
        }
    }
    skeleton = from_state_dict(openmmlab_file(3, meta)).conventions.skeleton
    assert (skeleton.name, skeleton.joints) == ("robot", ("base", "left_grip", "right_grip"))
    assert skeleton.limbs == ((0, 1), (0, 2))
    assert skeleton.mirror_pairs == ((1, 2),)


def test_a_data_set_without_known_joints_is_refused_until_they_are_named() -> None:
    content = openmmlab_file(17, {"dataset_meta": {"dataset_name": "animalpose"}})
    with pytest.raises(ValueError, match="trained on 'animalpose', whose joints are not known"):
        from_state_dict(content)
    named = from_state_dict(content, LoadChoices(skeleton_name="coco17"))
    assert named.conventions.skeleton_name == "coco17"


def test_a_data_set_of_another_number_of_joints_is_refused() -> None:
    content = openmmlab_file(17, {"dataset_meta": {"dataset_name": "aic"}})
    with pytest.raises(ValueError, match=r"aic14's 14, but it has 17 heatmaps; name the skeleton"):
        from_state_dict(content)


@pytest.mark.parametrize("meta", [None, {"epoch": 3}, {"dataset_meta": {}}, "text"])
def test_without_a_named_data_set_the_guess_is_told(
    meta: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rmpe"):
        loaded = from_state_dict(openmmlab_file(14, meta))
    assert loaded.conventions.skeleton_name == "crowdpose14"
    assert "which its 14 joints are: taken as crowdpose14; others" in caplog.text
    assert "aic14" in caplog.text


def test_the_file_comes_before_its_name_and_the_user_before_both(tmp_path: Path) -> None:
    name = "td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth"
    meta = {"dataset_meta": {"dataset_name": "posetrack18"}}
    state = {
        f"{'head' if key.startswith('final_layer') else 'backbone'}.{key}": value
        for key, value in HRNet(32, 17).state_dict().items()
    }
    path = tmp_path / name
    torch.save({"state_dict": state, "meta": meta}, path)
    assert load(path).conventions.skeleton_name == "posetrack17"
    chosen = load(path, LoadChoices(skeleton_name="coco17", input_size_hw=(384, 288)))
    assert chosen.conventions.skeleton_name == "coco17"
    assert (chosen.conventions.input_height, chosen.conventions.input_width) == (384, 288)
    torch.save({"state_dict": state}, path)
    assert load(path).conventions.skeleton_name == "coco17"
