"""Training of the spatial transformer: what the losses say, the warm start, the whole recipe."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from rmpe.datasets.pose_samples import PoseSample
from rmpe.geometry.crop import HRNET
from rmpe.heatmaps import get_codec
from rmpe.sstn import SpatialTransformer, SymmetricPose, apply_affine
from rmpe.training.losses import JointTruth
from rmpe.training.network_training import RunOptions, train_network
from rmpe.training.people import TrainingPeople
from rmpe.training.person_crops import CropBatch
from rmpe.training.published_recipes import NETWORK_RECIPES
from rmpe.training.transformer_loss import transformer_losses
from rmpe.training.transformer_start import (
    StartSettings,
    cut_surroundings,
    draw_windows,
    numbers_of,
    start_transformer,
)
from rmpe.zoo import load

RECIPE = NETWORK_RECIPES["sstn_compact"]


def batch_of(points: torch.Tensor, theta: torch.Tensor) -> CropBatch:
    count, joints = points.shape[:2]
    truth = JointTruth(
        points, torch.ones(count, joints), torch.zeros(count, 0, joints, 2),
        torch.zeros(count, 0, joints),
    )  # fmt: skip
    return CropBatch(torch.zeros(count, 64, 64, 3, dtype=torch.uint8), truth, theta, [])


def logits_at(points: torch.Tensor) -> torch.Tensor:
    """Maps of 16x16 cells whose expected joints are the points."""
    codec = get_codec("compact")
    chances = codec.encode(points, torch.ones(points.shape[:2]), 16, 16)
    return (chances.clamp(min=1e-9)).log()


def test_a_right_transform_of_a_centred_person_costs_nothing():
    # Two joints about the middle (31.5, 31.5), both branches see them where they are.
    points = torch.tensor([[[23.5, 31.5], [39.5, 31.5]]])
    theta = torch.eye(2, 3)[None]
    losses = transformer_losses(
        RECIPE, [logits_at(points), logits_at(points), theta], batch_of(points, theta)
    )
    assert losses["main"].item() < 1e-3
    assert losses["parallel"].item() < 1e-3
    assert losses["transform"].item() == 0


def test_a_person_off_centre_costs_the_parallel_branch_its_distance():
    points = torch.tensor([[[23.5, 31.5], [39.5, 31.5]]]) + torch.tensor([8.0, 0.0])
    theta = torch.eye(2, 3)[None]
    losses = transformer_losses(
        RECIPE, [logits_at(points), logits_at(points), theta], batch_of(points, theta)
    )
    assert losses["main"].item() < 1e-3
    assert losses["parallel"].item() == pytest.approx(8 / 64, abs=2e-3)


def test_the_main_branch_maps_joints_back_by_the_transform():
    points = torch.tensor([[[23.5, 31.5], [39.5, 31.5]]])
    theta = torch.tensor([[[0.8, 0.0, 0.1], [0.0, 0.8, -0.1]]])
    seen = apply_affine(theta, points, 64, 64)
    batch = batch_of(seen, theta)
    losses = transformer_losses(RECIPE, [logits_at(points), logits_at(points), theta], batch)
    assert losses["main"].item() < 1e-3
    assert losses["transform"].item() == 0
    wrong = transformer_losses(
        RECIPE, [logits_at(points), logits_at(points), torch.eye(2, 3)[None]], batch
    )
    assert wrong["main"].item() > 0.02


def test_both_branches_move_the_transformer_and_not_the_network():
    torch.manual_seed(0)
    network = nn.Conv2d(3, 2, 4, 4).requires_grad_(False)
    whole = SymmetricPose(network, SpatialTransformer())
    whole.enable_parallel_branch()
    nn.init.normal_(whole.transformer.numbers.weight, std=0.01)
    points = torch.tensor([[[20.0, 31.5], [30.0, 40.5]]])
    batch = batch_of(points, torch.eye(2, 3)[None])
    outputs = whole.supervised_outputs(torch.rand(1, 3, 64, 64))
    losses = transformer_losses(RECIPE, outputs, batch)
    for name in ("main", "parallel"):
        gradient = torch.autograd.grad(
            losses[name], whole.transformer.numbers.bias, retain_graph=True
        )[0]
        assert gradient.abs().sum() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_maps_are_compared_by_their_cells():
    recipe = RECIPE.with_settings(["loss=heatmap", "origin=hrnet", "transformer_regression=0"])
    points = torch.tensor([[[31.5, 31.5]]])
    maps = get_codec("hrnet").encode(points, torch.ones(1, 1), 16, 16)
    theta = torch.eye(2, 3)[None]
    losses = transformer_losses(recipe, [maps, maps, theta], batch_of(points, theta))
    assert set(losses) == {"main", "parallel"}
    assert losses["main"].item() < 1e-6
    assert losses["parallel"].item() < 1e-6


def test_without_a_parallel_branch_it_is_not_trained():
    with pytest.raises(ValueError, match="parallel branch; enable it first"):
        transformer_losses(
            RECIPE, [torch.zeros(1), torch.zeros(1)], batch_of(torch.zeros(1, 1, 2), torch.zeros(1))
        )


def people(count: int) -> list[PoseSample]:
    """Bright bodies on dark grounds, each in its box."""
    samples = []
    for index in range(count):
        rng = np.random.default_rng(index)
        picture = rng.integers(0, 60, (240, 200, 3), dtype=np.uint8)
        x, y = rng.integers(60, 90), rng.integers(60, 90)
        picture[y : y + 96, x : x + 40] = rng.integers(150, 255, 3)
        box = np.array([x, y, x + 40, y + 96], np.float32)
        samples.append(
            PoseSample(
                f"p{index}", "street", box, np.zeros((19, 2), np.float32), np.zeros(19, np.float32),
                0.0, 40.0, 4000.0, lambda picture=picture: picture,
            )
        )  # fmt: skip
    return samples


def test_windows_and_their_transforms_undo_each_other():
    shares = torch.full((50, 2), 0.6)
    windows, numbers = draw_windows(shares, StartSettings(), torch.Generator().manual_seed(0))
    # window: x -> scale * x + shift; transform: x -> exp(n0) * x + n[1:]
    point = torch.tensor([0.3, -0.2])
    seen = numbers[:, :1].exp() * point + numbers[:, 1:]
    torch.testing.assert_close(windows[:, :1] * seen + windows[:, 1:], point.expand(50, 2))
    assert windows[:, 0].min() >= 0.7
    assert windows[:, 1:].abs().max() <= 2 * 0.3 * 0.6


def test_the_numbers_of_a_transform_are_log_scale_and_shift():
    theta = torch.tensor([[[0.5, 0.0, 0.1], [0.0, 0.5, -0.3]]])
    torch.testing.assert_close(numbers_of(theta), torch.tensor([[np.log(0.5), 0.1, -0.3]]).float())


def test_surroundings_have_the_person_in_their_middle():
    cut = cut_surroundings(people(1), HRNET)[0]
    assert cut.shape == (160, 120, 3)
    assert cut[70:90, 55:65].mean() > 140
    assert cut[:20, :20].mean() < 80


def test_the_warm_start_learns_where_people_stand():
    torch.manual_seed(0)
    transformer = SpatialTransformer(channels=8)
    begin = start_transformer(
        SpatialTransformer(channels=8), people(6), HRNET, StartSettings(steps=1)
    )
    settings = StartSettings(steps=120, batch_size=16, rate=4e-3)
    end = start_transformer(transformer, people(6), HRNET, settings)
    assert end < 0.7 * begin
    assert not transformer.training


def test_nobody_to_start_on_is_refused():
    with pytest.raises(ValueError, match="got no people"):
        start_transformer(SpatialTransformer(), [], HRNET, StartSettings())


@pytest.mark.usefixtures("quiet_lightning")
def test_the_recipe_trains_the_transformer_alone_and_its_file_runs(crowd, tmp_path):
    recipe = RECIPE.with_settings(["input_height=64", "input_width=64", "batch_size=4"])
    options = RunOptions(device="cpu", workers=0, progress=False)
    result = train_network(TrainingPeople(crowd.train, crowd.train), tmp_path, recipe, options)
    with safe_open(result, framework="pt") as file:
        keys, card = set(file.keys()), json.loads(file.metadata()["rmpe"])
    assert card["recipe"]["transformer"] is True
    assert {key.split(".")[0] for key in keys} == {"network", "transformer"}
    loaded = load(result)
    assert isinstance(loaded.network, SymmetricPose)
    with torch.no_grad():
        assert loaded.network(torch.rand(1, 3, 64, 64)).shape == (1, 17, 16, 16)
    from rmpe.zoo import load_bundled_pose

    bundled = load_bundled_pose().network.state_dict()
    kept = loaded.network.network.state_dict()
    assert torch.equal(kept["stem.weight"], bundled["stem.weight"])
    assert loaded.network.transformer.numbers.weight.abs().sum() > 0
