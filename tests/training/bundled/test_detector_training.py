"""A few steps of the detector's training: frozen parts, resuming, start weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from rmpe.networks.compact_detector import CompactDetector
from rmpe.training.bundled.box_scenes import SceneMaker, SceneRecipe
from rmpe.training.bundled.detector import (
    EARLY_FILTERS,
    START_WEIGHTS,
    DetectorRecipe,
    SceneBatches,
    mix,
    parameter_groups,
    start_network,
    train_detector,
)
from rmpe.training.bundled.detector_recipes import run_detector_recipe
from rmpe.training.bundled.person_boxes import PersonPicture
from rmpe.training.loop._weights import freeze, save_weights

RECIPE = DetectorRecipe(steps=2, pictures_per_step=1, sides=(64,), warm_up_steps=1)
SCENES = SceneRecipe(source_shares={"coco128": 1.0})


@pytest.fixture
def pictures() -> list[PersonPicture]:
    image = np.full((80, 80, 3), 30, np.uint8)
    image[10:70, 20:50] = (20, 20, 250)
    boxes = np.array([[20, 10, 50, 70]], np.float32)
    return [PersonPicture("p", "coco128", boxes, np.zeros((0, 4), np.float32), True, image.copy)]


def test_a_run_writes_weights_that_differ_only_where_it_trains(
    pictures: list[PersonPicture], tmp_path: Path
) -> None:
    result = train_detector(pictures, tmp_path, recipe=RECIPE, scenes=SCENES, device="cpu")
    trained, before = load_file(str(result)), load_file(str(START_WEIGHTS))
    for name in ("backbone.stem.weight", "backbone.to_stride4.leave.weight"):
        assert torch.equal(trained[name], before[name])
    for name in ("backbone.to_stride8.enter.weight", "heads.0.output.weight"):
        assert not torch.equal(trained[name], before[name])


def test_batches_go_on_where_a_run_stopped(pictures: list[PersonPicture]) -> None:
    maker = SceneMaker(pictures, SCENES)
    recipe = DetectorRecipe(steps=3, pictures_per_step=1, sides=(64, 96))
    whole = list(SceneBatches(maker, recipe))
    rest = list(SceneBatches(maker, recipe, first_step=2))
    assert len(whole) == 3 and len(rest) == 1
    torch.testing.assert_close(whole[2].images, rest[0].images)


def test_larger_scenes_are_fewer(pictures: list[PersonPicture]) -> None:
    recipe = DetectorRecipe(steps=1, pictures_per_step=8, sides=(640,))
    (batch,) = SceneBatches(SceneMaker(pictures, SCENES), recipe)
    assert batch.images.shape == (2, 3, 640, 640)
    assert batch.background_weight.shape == (2, 80, 80)


def test_pictures_are_normalised_channel_by_channel(pictures: list[PersonPicture]) -> None:
    recipe = DetectorRecipe(steps=1, pictures_per_step=1, sides=(64,))
    maker = SceneMaker(pictures, SCENES)
    (batch,) = SceneBatches(maker, recipe)
    random = np.random.default_rng([recipe.seed, 0])
    side = int(random.choice(recipe.sides))
    scene = maker.draw(side, random)
    blue, red = scene.image_bgr[5, 7, 0], scene.image_bgr[5, 7, 2]
    assert batch.images[0, 0, 5, 7] == pytest.approx((blue - 103.53) / 57.375, abs=1e-5)
    assert batch.images[0, 2, 5, 7] == pytest.approx((red - 123.675) / 58.395, abs=1e-5)


def test_rates_go_to_their_parts_and_the_early_filters_rest() -> None:
    network = CompactDetector()
    freeze(network, EARLY_FILTERS)
    recipe = DetectorRecipe(head_rate=3.0, neck_rate=2.0, backbone_rate=1.0)
    counts = {
        group["lr"]: sum(value.numel() for value in group["params"])
        for group in parameter_groups(network, recipe)
    }
    assert counts[3.0] == sum(value.numel() for value in network.heads.parameters())
    assert counts[2.0] == sum(value.numel() for value in network.neck.parameters())
    still = [network.backbone.stem, network.backbone.to_stride4]
    frozen = sum(value.numel() for part in still for value in part.parameters())
    whole = sum(value.numel() for value in network.backbone.parameters())
    assert counts[1.0] == whole - frozen > 0


def test_a_run_may_start_from_any_detector(tmp_path: Path) -> None:
    torch.manual_seed(7)
    trained = CompactDetector()
    path = tmp_path / "round1.safetensors"
    save_weights(trained, path, half=True)
    started = start_network(path)
    torch.testing.assert_close(
        started.heads[0].output.weight, trained.heads[0].output.weight, atol=1e-3, rtol=1e-3
    )


def test_a_mixture_lies_between_its_parts() -> None:
    first, second = CompactDetector(), CompactDetector()
    torch.nn.init.constant_(first.heads[1].output.bias, 1.0)
    torch.nn.init.constant_(second.heads[1].output.bias, 5.0)
    mixed = mix(first, second, 0.25).heads[1].output.bias
    torch.testing.assert_close(mixed, torch.full_like(mixed, 2.0))


def test_weights_that_do_not_fit_and_bad_recipes_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, str(tmp_path / "a.safetensors"))
    with pytest.raises(ValueError, match="does not fit the compact detector"):
        start_network(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="multiples of 32"):
        DetectorRecipe(sides=(100,))
    with pytest.raises(ValueError, match="start_share is 2"):
        DetectorRecipe(start_share=2.0)
    with pytest.raises(ValueError, match="got recipe 'x', supported are compact-detector"):
        run_detector_recipe("x", tmp_path, tmp_path)
