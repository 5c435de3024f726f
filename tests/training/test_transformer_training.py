"""Training of the spatial transformer: what the losses say, the warm start, the whole recipe."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from rmpe.heatmaps import get_codec
from rmpe.sstn import SpatialTransformer, SymmetricPose, apply_affine
from rmpe.training.data.people import TrainingPeople
from rmpe.training.data.records import CropBatch
from rmpe.training.loop.run import RunOptions, train_network
from rmpe.training.loop.start import with_transformer
from rmpe.training.loop.transformer_start import (
    CropViews,
    StartSettings,
    chosen_views,
    start_transformer,
    view_crops,
)
from rmpe.training.losses.published import JointTruth
from rmpe.training.losses.transformer import transformer_losses
from rmpe.training.recipes.published import NETWORK_RECIPES
from rmpe.training.recipes.settings import NetworkRecipe
from rmpe.zoo import load, load_bundled_pose
from rmpe.zoo.conventions import CONVENTIONS

RECIPE = NETWORK_RECIPES["sstn_compact"]


def batch_of(points: torch.Tensor, theta: torch.Tensor) -> CropBatch:
    count, joints = points.shape[:2]
    truth = JointTruth(
        points, torch.ones(count, joints), torch.zeros(count, 0, joints, 2),
        torch.zeros(count, 0, joints),
    )  # fmt: skip
    nothing = torch.zeros(count, 0, 1, 1)
    crops = torch.zeros(count, 64, 64, 3, dtype=torch.uint8)
    return CropBatch(
        crops, truth, torch.zeros(count, joints), nothing, nothing[..., 0, 0], theta, []
    )


def losses_of(recipe: NetworkRecipe, outputs: list, batch: CropBatch) -> dict[str, torch.Tensor]:
    codec = get_codec(recipe.conventions("coco17").codec)
    return transformer_losses(recipe, codec, outputs, batch)


def logits_at(points: torch.Tensor) -> torch.Tensor:
    """Maps of 16x16 cells whose expected joints are the points."""
    codec = get_codec("compact")
    chances = codec.encode(points, torch.ones(points.shape[:2]), 16, 16)
    return (chances.clamp(min=1e-9)).log()


def test_a_right_transform_of_a_centred_person_costs_nothing() -> None:
    # Two joints about the middle (31.5, 31.5), both branches see them where they are.
    points = torch.tensor([[[23.5, 31.5], [39.5, 31.5]]])
    theta = torch.eye(2, 3)[None]
    losses = losses_of(
        RECIPE, [logits_at(points), logits_at(points), theta], batch_of(points, theta)
    )
    assert losses["main"].item() < 1e-3
    assert losses["parallel"].item() < 1e-3
    assert losses["transform"].item() == 0


def test_a_person_off_centre_costs_the_parallel_branch_its_distance() -> None:
    points = torch.tensor([[[23.5, 31.5], [39.5, 31.5]]]) + torch.tensor([8.0, 0.0])
    theta = torch.eye(2, 3)[None]
    losses = losses_of(
        RECIPE, [logits_at(points), logits_at(points), theta], batch_of(points, theta)
    )
    assert losses["main"].item() < 1e-3
    assert losses["parallel"].item() == pytest.approx(8 / 64, abs=2e-3)


def test_the_main_branch_maps_joints_back_by_the_transform() -> None:
    points = torch.tensor([[[23.5, 31.5], [39.5, 31.5]]])
    theta = torch.tensor([[[0.8, 0.0, 0.1], [0.0, 0.8, -0.1]]])
    seen = apply_affine(theta, points, (64, 64), (64, 64))
    batch = batch_of(seen, theta)
    losses = losses_of(RECIPE, [logits_at(points), logits_at(points), theta], batch)
    assert losses["main"].item() < 1e-3
    assert losses["transform"].item() == 0
    wrong = losses_of(RECIPE, [logits_at(points), logits_at(points), torch.eye(2, 3)[None]], batch)
    assert wrong["main"].item() > 0.02


def test_both_branches_move_the_transformer_and_not_the_network() -> None:
    torch.manual_seed(0)
    network = nn.Conv2d(3, 2, 4, 4).requires_grad_(False)
    transformer = SpatialTransformer(2, looked_at_hw=(32, 32), shown_hw=(64, 64)).eval()
    whole = SymmetricPose(network, transformer)
    whole.enable_parallel_branch()
    nn.init.normal_(whole.transformer.numbers.weight, std=0.01)
    points = torch.tensor([[[20.0, 31.5], [30.0, 40.5]]])
    batch = batch_of(points, torch.eye(2, 3)[None])
    outputs = whole.supervised_outputs(torch.rand(1, 3, 64, 64))
    losses = losses_of(RECIPE, outputs, batch)
    for name in ("main", "parallel"):
        gradient = torch.autograd.grad(
            losses[name], whole.transformer.numbers.bias, retain_graph=True
        )[0]
        assert gradient.abs().sum() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_maps_are_compared_by_their_cells() -> None:
    recipe = RECIPE.with_settings(["loss=heatmap", "origin=hrnet", "transformer_regression=0"])
    points = torch.tensor([[[31.5, 31.5]]])
    maps = get_codec("hrnet").encode(points, torch.ones(1, 1), 16, 16)
    theta = torch.eye(2, 3)[None]
    losses = losses_of(recipe, [maps, maps, theta], batch_of(points, theta))
    assert set(losses) == {"main", "parallel"}
    assert losses["main"].item() < 1e-6
    assert losses["parallel"].item() < 1e-6


def test_without_a_parallel_branch_it_is_not_trained() -> None:
    with pytest.raises(ValueError, match="parallel branch; enable it first"):
        losses_of(
            RECIPE, [torch.zeros(1), torch.zeros(1)], batch_of(torch.zeros(1, 1, 2), torch.zeros(1))
        )


def test_a_larger_crop_is_mapped_back_to_its_own_pixels() -> None:
    # The middle half of 128x128 is shown: crop pixel 63.5 is the middle of both.
    shown = torch.tensor([[[31.5, 31.5], [39.5, 31.5]]])
    theta = torch.tensor([[[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]])
    truth = torch.tensor([[[63.5, 63.5], [71.5, 63.5]]])
    batch = batch_of(truth, theta)._replace(crops_bgr=torch.zeros(1, 128, 128, 3))
    losses = losses_of(RECIPE, [logits_at(shown), logits_at(shown), theta], batch)
    assert losses["main"].item() < 1e-3
    recipe = RECIPE.with_settings(["loss=heatmap", "origin=hrnet"])
    maps = get_codec("hrnet").encode(shown, torch.ones(1, 2), 16, 16)
    losses = losses_of(recipe, [maps, maps, theta], batch)
    assert losses["main"].item() < 1e-4


def seen_places(count: int, seed: int) -> CropViews:
    """Maps with one bright cell; the transforms that move it to the middle."""
    generator = torch.Generator().manual_seed(seed)
    cells = torch.randint(4, 12, (count, 2), generator=generator)
    maps = torch.zeros(count, 1, 16, 16)
    maps[torch.arange(count), 0, cells[:, 1], cells[:, 0]] = 1
    theta = torch.eye(2, 3).repeat(count, 1, 1)
    theta[:, :, 2] = (2 * cells + 1) / 16 - 1
    return CropViews(maps.half(), theta, (64, 64))


def test_the_start_learns_to_read_where_people_are() -> None:
    torch.manual_seed(0)
    transformer = SpatialTransformer(1, channels=8, looked_at_hw=(64, 64), shown_hw=(64, 64))
    error = start_transformer(
        transformer, seen_places(256, 0), StartSettings(passes=25, batch_size=32, rate=4e-3)
    )
    assert not transformer.training
    others = seen_places(64, 1)
    with torch.no_grad():
        found = transformer(others.maps.float(), (64, 64))
    assert error < 0.05
    # Guessing the middle errs by a quarter of a half side in each of two numbers of six.
    assert (found - others.theta).abs().mean() < 0.04


def test_a_mirrored_look_has_the_mirrored_transform() -> None:
    views = seen_places(8, 0)
    rows, generator = torch.arange(8), torch.Generator()
    both = replace(views, mirror=torch.tensor([0]))
    mirrored = 0
    for seed in range(6):
        maps, theta = chosen_views(both, rows, generator.manual_seed(seed))
        mirrored += int(not torch.equal(theta, views.theta))
        bright = maps.flatten(2).argmax(-1)[:, 0]
        columns, lines = bright % 16, bright // 16
        torch.testing.assert_close(theta[:, 0, 2], (2 * columns + 1) / 16 - 1)
        torch.testing.assert_close(theta[:, 1, 2], (2 * lines + 1) / 16 - 1)
        assert torch.equal(theta[:, :, :2], views.theta[:, :, :2])
    assert 0 < mirrored < 6


def test_nobody_or_too_few_to_start_on_are_refused() -> None:
    whole = SymmetricPose(nn.Conv2d(3, 1, 4, 4), SpatialTransformer(1))
    with pytest.raises(ValueError, match="got no people"):
        view_crops(whole, nn.Identity(), [])
    with pytest.raises(ValueError, match="got 3 crops, a step needs 64"):
        start_transformer(SpatialTransformer(1), seen_places(3, 0))


def test_what_is_shown_is_the_crop_without_its_growth() -> None:
    whole = with_transformer(nn.Conv2d(3, 19, 4, 4), RECIPE, 19)
    assert whole.transformer.shown_hw == (256, 192)
    assert whole.transformer.looked_at_hw == (128, 96)
    own = CONVENTIONS["compact"].crop_style
    assert RECIPE.conventions("coco19").crop_style == own.grown(1.5)
    assert not any(parameter.requires_grad for parameter in whole.network.parameters())


@pytest.mark.usefixtures("quiet_lightning")
def test_the_recipe_trains_the_transformer_alone_and_its_file_runs(
    crowd: TrainingPeople, tmp_path: Path
) -> None:
    recipe = RECIPE.with_settings(
        [
            "input_height=96",
            "input_width=96",
            "batch_size=4",
            "epoch_people=0",
            "transformer_start=64",
        ]
    )
    options = RunOptions(device="cpu", workers=0, progress=False)
    result = train_network(TrainingPeople(crowd.train, crowd.train), tmp_path, recipe, options)
    with safe_open(result, framework="pt") as file:
        keys, card = set(file.keys()), json.loads(file.metadata()["rmpe"])
    assert card["recipe"]["transformer"] is True
    assert {key.split(".")[0] for key in keys} == {"network", "transformer"}
    loaded = load(result)
    assert isinstance(loaded.network, SymmetricPose)
    assert loaded.network.transformer.shown_hw == (64, 64)
    assert loaded.conventions.input_height == 96
    with torch.no_grad():
        assert loaded.network(torch.rand(1, 3, 96, 96)).shape == (1, 17, 24, 24)
    bundled = load_bundled_pose().network.state_dict()
    kept = loaded.network.network.state_dict()
    same = [key for key in bundled if bundled[key].shape == kept[key].shape]
    assert len(same) > 0.9 * len(bundled)
    assert all(torch.equal(kept[key], bundled[key]) for key in same)
    assert loaded.network.transformer.numbers.weight.abs().sum() > 0
