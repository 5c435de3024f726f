"""Training of the heads on kept features: the backbone rests, the heads learn a simple scene."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rmpe.datasets.box_scenes import SceneMaker, SceneRecipe
from rmpe.datasets.person_boxes import PersonPicture
from rmpe.networks.compact_detector import CompactDetector
from rmpe.training.detection_loss import detection_loss
from rmpe.training.detector import START_WEIGHTS, start_network
from rmpe.training.detector_heads import HeadRecipe, scene_features, train_heads

SCENES = SceneRecipe(source_shares={"coco128": 1.0}, mosaic_share=0, paste_share=0)


@pytest.fixture
def pictures():
    image = np.full((96, 96, 3), 30, np.uint8)
    image[16:80, 30:60] = (20, 20, 250)
    boxes = np.array([[30, 16, 60, 80]], np.float32)
    return [PersonPicture("p", "coco128", boxes, np.zeros((0, 4), np.float32), True, image.copy)]


def test_features_are_the_backbones_maps_of_the_scene(pictures):
    network = start_network(START_WEIGHTS, 0)
    features = scene_features(network, SceneMaker(pictures, SCENES), 64, np.random.default_rng(0))
    assert [tuple(level.shape) for level in features.levels] == [
        (1, 96, 8, 8),
        (1, 192, 4, 4),
        (1, 1152, 2, 2),
    ]
    assert features.background_weight.shape == (8, 8)


def test_a_short_run_lowers_the_loss_and_leaves_the_backbone(pictures, tmp_path):
    recipe = HeadRecipe(scenes=((64, 4),), steps=30, pictures_per_step=1, warm_up_steps=1)
    path = train_heads(pictures, tmp_path, recipe=recipe, scenes=SCENES)
    before = start_network(START_WEIGHTS, recipe.seed)
    after = CompactDetector()
    after.load_state_dict({name: value.float() for name, value in load_file(str(path)).items()})
    for name, value in before.backbone.state_dict().items():
        torch.testing.assert_close(after.backbone.state_dict()[name], value, rtol=1e-3, atol=1e-3)
    maker = SceneMaker(pictures, SCENES)
    features = scene_features(before, maker, 64, np.random.default_rng([recipe.seed, 64, 0]))

    def loss(network):
        with torch.no_grad():
            output = torch.cat(
                [h(level.float()) for h, level in zip(network.heads, features.levels)], 1
            )
            truth, weight = [features.boxes_xyxy], features.background_weight[None]
            return float(detection_loss(output, truth, weight).total)

    assert loss(after) < 0.8 * loss(before)
