"""Losses against values worked out by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from rmpe.heatmaps import get_codec
from rmpe.training.losses.published import (
    JointTruth,
    coordinate_error,
    crowd_targets,
    hard_heatmap_error,
    heatmap_error,
    joint_errors,
    output_losses,
)
from rmpe.training.recipes.published import NETWORK_RECIPES
from rmpe.training.recipes.settings import NetworkRecipe

HRNET = NETWORK_RECIPES["hrnet_w32_coco"]


def truth(points: list[list[list[float]]], others: list | None = None) -> JointTruth:
    xy = torch.tensor(points)
    people, joints = xy.shape[:2]
    others_xy = torch.zeros(people, 0, joints, 2) if others is None else torch.tensor(others)
    return JointTruth(xy, torch.ones(people, joints), others_xy, torch.ones(others_xy.shape[:3]))


def losses_of(recipe: NetworkRecipe, outputs: list, crop: JointTruth) -> list:
    return output_losses(recipe, get_codec(recipe.conventions("coco17").codec), outputs, crop)


def test_joint_errors_are_half_the_mean_square_over_the_cells() -> None:
    maps = torch.zeros(1, 2, 2, 2)
    targets = torch.tensor([[[[2.0, 0], [0, 0]], [[1, 1], [1, 1]]]])
    # (4 / 4) / 2 and (4 / 4) / 2; the second joint is not annotated
    assert joint_errors(maps, targets, torch.tensor([[1.0, 0.0]])).tolist() == [[0.5, 0.0]]
    assert heatmap_error(maps, targets, torch.tensor([[1.0, 0.0]])).item() == 0.25


def test_hard_joints_are_the_greatest_of_every_person() -> None:
    maps = torch.zeros(2, 3, 1, 1)
    targets = torch.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 2.0]]).view(2, 3, 1, 1)
    # halves of squares: .5 2 4.5 | 8 0 2; the two greatest: (4.5 + 2) / 2 and (8 + 2) / 2
    found = hard_heatmap_error(maps, targets, torch.ones(2, 3), 2)
    assert found.item() == pytest.approx((3.25 + 5.0) / 2)


def test_a_joint_that_is_not_annotated_is_never_hard() -> None:
    maps, targets = torch.zeros(1, 3, 1, 1), torch.tensor([10.0, 2.0, 1.0]).view(1, 3, 1, 1)
    found = hard_heatmap_error(maps, targets, torch.tensor([[0.0, 1.0, 1.0]]), 2)
    assert found.item() == pytest.approx((2.0 + 0.5) / 2)


def test_more_hard_joints_than_joints_takes_all() -> None:
    maps, targets = torch.zeros(1, 2, 1, 1), torch.tensor([2.0, 4.0]).view(1, 2, 1, 1)
    assert hard_heatmap_error(maps, targets, torch.ones(1, 2), 8).item() == pytest.approx(5.0)


def test_coordinates_are_compared_in_parts_of_the_crop() -> None:
    points, aim = (
        torch.tensor([[[10.0, 20.0], [0.0, 0.0]]]),
        torch.tensor([[[0.0, 0.0], [5.0, 5.0]]]),
    )
    # |10| / 100 + |20| / 200 for the one joint that counts
    error = coordinate_error(points, aim, torch.tensor([[1.0, 0.0]]), (100, 200))
    assert error.item() == pytest.approx(0.2)


def test_no_known_joint_is_no_loss_and_not_nan() -> None:
    zero = torch.zeros(1, 2)
    points = torch.ones(1, 2, 2)
    assert coordinate_error(points, points + 1, zero, (10, 10)).item() == 0
    assert heatmap_error(torch.ones(1, 2, 2, 2), torch.zeros(1, 2, 2, 2), zero).item() == 0


def test_interference_joints_stand_at_half_height() -> None:
    crop = truth([[[8.0, 8.0]]], [[[[40.0, 8.0]]]])
    maps = crowd_targets(get_codec("hrnet"), crop, 16, 16, 0.5)[0, 0]
    assert maps[2, 2].item() == pytest.approx(1.0)
    assert maps[2, 10].item() == pytest.approx(0.5)
    assert crowd_targets(get_codec("hrnet"), crop, 16, 16, 0.0)[0, 0, 2, 10].item() == 0


def test_several_interference_joints_on_one_cell_count_once() -> None:
    crop = truth([[[8.0, 8.0]]], [[[[40.0, 40.0]], [[40.0, 40.0]]]])
    maps = crowd_targets(get_codec("hrnet"), crop, 16, 16, 0.5)[0, 0]
    assert maps[10, 10].item() == pytest.approx(0.5)


def test_a_joint_that_both_have_in_one_place_is_their_sum() -> None:
    crop = truth([[[8.0, 8.0]]], [[[[8.0, 8.0]]]])
    assert crowd_targets(get_codec("hrnet"), crop, 8, 8, 0.5).max().item() == pytest.approx(1.5)


def test_coarse_outputs_have_wider_targets_and_weigh_a_quarter() -> None:
    recipe = NETWORK_RECIPES["mspn_1stage_coco"].with_settings(["hard_joints=0"])
    codec: Any = get_codec("mspn")
    crop = truth([[[32.0, 32.0]]])
    nothing = [torch.zeros(1, 1, 16, 16)] * 4
    losses = losses_of(recipe, nothing, crop)
    for loss, kernel, weight in zip(losses, (11, 9, 7, 5), (0.25, 0.25, 0.25, 1.0)):
        target = type(codec)(target_kernel_size=kernel).encode(
            crop.keypoints_xy, crop.weights, 16, 16
        )
        assert loss.item() == pytest.approx(weight * 0.5 * float(target.square().mean()), rel=1e-5)
    assert losses[0] / 0.25 > losses[1] / 0.25 > losses[2] / 0.25 > losses[3]


def test_every_hourglass_is_supervised_alike() -> None:
    recipe = NETWORK_RECIPES["hourglass2_mpii"]
    crop = truth([[[32.0, 32.0]]])
    first, second = losses_of(recipe, [torch.zeros(1, 1, 16, 16)] * 2, crop)
    assert first.item() == second.item() > 0


def test_the_target_itself_is_no_loss_and_integral_finds_the_joint() -> None:
    crop = truth([[[30.0, 21.0]]])
    target = get_codec("hrnet").encode(crop.keypoints_xy, crop.weights, 16, 16)
    assert losses_of(HRNET, [target], crop)[0].item() == 0
    logits = get_codec("softmax_integral").encode(crop.keypoints_xy, crop.weights, 16, 16)
    recipe = NETWORK_RECIPES["fastpose_res50_integral_coco"]
    assert losses_of(recipe, [logits], crop)[0].item() < 0.01


def test_classification_is_least_at_the_joint() -> None:
    recipe = NETWORK_RECIPES["compact_coco"]
    crop = truth([[[33.5, 21.5]]])  # the middle of cell (8, 5)
    right, wrong = torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    right[0, 0, 5, 8], wrong[0, 0, 8, 5] = 5.0, 5.0
    flat = losses_of(recipe, [torch.zeros(1, 1, 16, 16)], crop)[0].item()
    assert flat == pytest.approx(np.log(256), rel=1e-4)
    assert losses_of(recipe, [right], crop)[0].item() < flat
    assert losses_of(recipe, [wrong], crop)[0].item() > flat


@pytest.mark.parametrize(
    ("settings", "outputs", "message"),
    [
        (["output_weights=1,2"], 1, "got 2 output_weights, the network has 1 outputs"),
        (["hard_joints=8", "hard_outputs=3"], 1, "outputs 0 to 0"),
        (["output_kernels=7"], 1, "targets of hrnet are no blurred pixels"),
    ],
)
def test_a_recipe_that_does_not_fit_its_network_is_refused(
    settings: list[str], outputs: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        losses_of(
            HRNET.with_settings(settings),
            [torch.zeros(1, 1, 8, 8)] * outputs,
            truth([[[1.0, 1.0]]]),
        )


def test_a_wider_target_can_be_asked_for() -> None:
    crop = truth([[[32.0, 32.0]]])
    nothing = [torch.zeros(1, 1, 24, 24)]
    narrow = losses_of(HRNET, nothing, crop)[0]
    wide = losses_of(HRNET.with_settings(["target_sigma=3"]), nothing, crop)[0]
    # The mean square of a Gaussian grows with its variance: 9 / 4 on a map that holds it all.
    assert (wide / narrow).item() == pytest.approx(9 / 4, rel=0.02)
