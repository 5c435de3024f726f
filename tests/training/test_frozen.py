"""The frozen part of the compact pose network on OpenVINO."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from rmpe.networks.compact_pose import CompactPose
from rmpe.training.loop.frozen import FROZEN_PARTS, FrozenFineLevels, use_fast_frozen
from rmpe.zoo import load_bundled_pose


@pytest.fixture
def network() -> CompactPose:
    loaded = load_bundled_pose("compact").network
    assert isinstance(loaded, CompactPose)
    return loaded


def test_the_maps_stay_and_the_rest_learns(network: CompactPose) -> None:
    crops = torch.rand(3, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    before = network(crops).detach()
    use_fast_frozen(network, FROZEN_PARTS, 96, 64)
    after = network(crops)
    # Eight bits of bfloat16 in some fifteen layers.
    assert (after - before).abs().max() < 0.05 * before.abs().max()
    after.sum().backward()
    assert network.level16[0].expand.weight.grad is not None
    assert network.stem.weight.grad is None


def test_the_average_computes_with_the_same_part(network: CompactPose) -> None:
    use_fast_frozen(network, (*FROZEN_PARTS, "level16"), 96, 64)
    assert isinstance(network.fine_levels, FrozenFineLevels)
    assert deepcopy(network).fine_levels is network.fine_levels


def test_a_part_that_learns_is_left_to_torch(network: CompactPose) -> None:
    use_fast_frozen(network, FROZEN_PARTS[:-1], 96, 64)
    assert not isinstance(network.fine_levels, FrozenFineLevels)
