"""Heads of networks that are trained from scratch start near an empty map."""

from __future__ import annotations

import pytest
import torch

from rmpe.networks.variants import build_network
from rmpe.training.loop.heads import start_heads_near_zero
from rmpe.training.losses.published import heatmap_error


@pytest.mark.parametrize(
    ("variant", "origin"),
    [
        ("pose_resnet50", "simplebaseline"),
        ("fastpose_res50", "alphapose"),
        ("hrnet_w32", "hrnet"),
        ("hourglass_2stack", "hourglass"),
    ],
)
def test_the_first_maps_are_nearly_empty(variant: str, origin: str) -> None:
    torch.manual_seed(0)
    network = build_network(variant, 17)
    start_heads_near_zero(network, origin, 17)
    pictures = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        maps = network.train()(pictures)
    target = torch.zeros_like(maps)
    target[:, :, 8, 8] = 1.0
    weights = torch.ones(2, 17)
    empty = heatmap_error(torch.zeros_like(maps), target, weights)
    assert heatmap_error(maps, target, weights) < 2 * empty


def test_networks_with_normalised_heads_are_left_as_they_are() -> None:
    network = build_network("rsn18_1stage", 17)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    start_heads_near_zero(network, "megvii", 17)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
