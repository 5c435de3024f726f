"""A few steps of the detector's training: frozen parts, resuming, start weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from rmpe.datasets.box_scenes import SceneMaker, SceneRecipe
from rmpe.datasets.person_boxes import PersonPicture
from rmpe.networks.compact_detector import CompactDetector
from rmpe.training.detector import (
    DetectorRecipe,
    SceneBatches,
    freeze_early_filters,
    parameter_groups,
    start_network,
    train_detector,
)
from rmpe.training.detector_recipes import run_detector_recipe

RECIPE = DetectorRecipe(steps=2, pictures_per_step=1, sides=(64,), warm_up_steps=1)
SCENES = SceneRecipe(source_shares={"coco128": 1.0})


@pytest.fixture
def pictures():
    image = np.full((80, 80, 3), 30, np.uint8)
    image[10:70, 20:50] = (20, 20, 250)
    boxes = np.array([[20, 10, 50, 70]], np.float32)
    return [PersonPicture("p", "coco128", boxes, np.zeros((0, 4), np.float32), True, image.copy)]


def test_a_run_writes_weights_that_differ_only_where_it_trains(pictures, tmp_path):
    result = train_detector(pictures, tmp_path, recipe=RECIPE, scenes=SCENES, device="cpu")
    trained = {name: value.float() for name, value in load_file(str(result)).items()}
    network = start_network_with_same_seed()
    network.load_state_dict(trained)
    before = start_network_with_same_seed().state_dict()
    assert torch.equal(trained["backbone.stem.weight"], before["backbone.stem.weight"])
    name = "backbone.to_stride16.1.filter.weight"
    assert torch.equal(trained[name], before[name])
    assert not torch.equal(trained["heads.0.score.weight"], before["heads.0.score.weight"].half())


def start_network_with_same_seed():
    from rmpe.training.detector import START_WEIGHTS

    return start_network(START_WEIGHTS, RECIPE.seed)


def test_batches_go_on_where_a_run_stopped(pictures):
    maker = SceneMaker(pictures, SCENES)
    recipe = DetectorRecipe(steps=3, pictures_per_step=1, sides=(64, 96))
    whole = list(SceneBatches(maker, recipe))
    rest = list(SceneBatches(maker, recipe, first_step=2))
    assert len(whole) == 3 and len(rest) == 1
    torch.testing.assert_close(whole[2].images, rest[0].images)
    assert whole[0].images.min() >= -1 and whole[0].images.max() <= 1


def test_larger_scenes_are_fewer(pictures):
    recipe = DetectorRecipe(steps=1, pictures_per_step=8, sides=(640,))
    (batch,) = SceneBatches(SceneMaker(pictures, SCENES), recipe)
    assert batch.images.shape == (2, 3, 640, 640)
    assert batch.background_weight.shape == (2, 80, 80)


def test_rates_go_to_their_parts_and_the_early_filters_rest():
    network = CompactDetector()
    freeze_early_filters(network)
    recipe = DetectorRecipe(head_rate=3.0, neck_rate=2.0, backbone_rate=1.0)
    groups = {group["lr"]: len(group["params"]) for group in parameter_groups(network, recipe)}
    assert set(groups) == {1.0, 2.0, 3.0}
    assert not network.backbone.stem.weight.requires_grad
    assert not network.backbone.to_stride32[1].filter.weight.requires_grad
    assert network.backbone.to_stride32[1].project.weight.requires_grad
    assert network.backbone.refine8[0].filter.weight.requires_grad


def test_a_run_may_start_from_a_trained_detector(tmp_path):
    torch.manual_seed(7)
    trained = CompactDetector()
    path = tmp_path / "round1.safetensors"
    save_file({k: v.half() for k, v in trained.state_dict().items()}, str(path))
    started = start_network(path, seed=0)
    torch.testing.assert_close(
        started.heads[0].score.weight, trained.heads[0].score.weight, atol=1e-3, rtol=1e-3
    )


def test_weights_that_do_not_fit_and_bad_recipes_are_refused(tmp_path):
    save_file({"a": torch.zeros(1)}, str(tmp_path / "a.safetensors"))
    with pytest.raises(ValueError, match="does not fit the compact detector"):
        start_network(tmp_path / "a.safetensors", 0)
    with pytest.raises(ValueError, match="multiples of 32"):
        DetectorRecipe(sides=(100,))
    with pytest.raises(ValueError, match="got recipe 'x', supported are compact-detector"):
        run_detector_recipe("x", tmp_path, tmp_path)
