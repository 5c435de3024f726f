"""Every family gives the same heatmaps on torch and on OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rmpe.networks.blocks.resnet import Bottleneck
from rmpe.networks.variants import build_network
from rmpe.runtimes import Precision, PreprocessedNetwork, RuntimeName, build_runtime
from rmpe.zoo.conventions import CONVENTIONS

VARIANTS = [
    "fastpose_res50",
    "fastpose_res50_dcn",
    "fastpose_duc_res50_unshuffle",
    "simplepose_res50",
    "pose_resnet50",
    "hrnet_w32",
    "cpn50",
    "mspn_2stage",
    "rsn18_1stage",
    "hourglass_2stack",
    "hourglass52",
]


def heatmaps(network: nn.Module, runtime: RuntimeName, precision: Precision) -> Any:
    """What the engine makes of two random pictures."""
    conventions = CONVENTIONS["openmmlab"]
    door = PreprocessedNetwork(network, conventions.colour_order, conventions.mean, conventions.std)
    engine = build_runtime(door, runtime=runtime, device="cpu", precision=precision, threads=1)
    images = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    return engine(images)[0]


def made(variant: str) -> nn.Module:
    """A freshly initialised network."""
    torch.manual_seed(0)
    return build_network(variant, 17).eval()


def assert_equal_in_float32(network: nn.Module) -> None:
    """The two engines' maps differ by less than a thousandth of the highest value."""
    expected = heatmaps(network, "torch", "fp32")
    found = heatmaps(network, "openvino", "fp32")
    assert (found - expected).abs().max() <= 1e-3 * expected.abs().max()


def test_openvino_has_the_operators_that_are_not_torch_s_own() -> None:
    torch.manual_seed(0)
    deformable = Bottleneck(3, 4, stride=2, middle="deformable")
    unshuffled = Bottleneck(16, 4, stride=2, middle="unshuffle", squeeze_excitation=True)
    assert_equal_in_float32(nn.Sequential(deformable, unshuffled).eval())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("variant", VARIANTS)
def test_openvino_equals_torch_in_both_precisions(variant: str) -> None:
    network = made(variant)
    assert_equal_in_float32(network)
    expected = heatmaps(network, "torch", "bf16")
    found = heatmaps(network, "openvino", "bf16")
    assert ((found - expected).norm() / expected.norm()).item() <= 2e-2
