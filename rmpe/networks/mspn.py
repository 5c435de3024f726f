"""MSPN: stages of ResNet-50 trunks with features aggregated across stages.

Li et al., "Rethinking on Multi-Stage Networks for Human Pose Estimation", 2019. Key names are
those of the published Megvii files.
"""

from __future__ import annotations

import re

from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.layers import ConvNorm
from rmpe.networks.blocks.multistage import (
    JOINTS_KEY,
    MultiStageNetwork,
    TrunkDesign,
    has_bias,
    stage_count,
)
from rmpe.networks.blocks.shapes import Found, Shapes, size

EXPANSION = 4


class MspnBottleneck(nn.Module):
    """1x1, 3x3, 1x1 with norms around a shortcut, the stride on the 3x3."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, bias: bool) -> None:
        super().__init__()
        width = out_channels // EXPANSION
        self.conv_bn_relu1 = ConvNorm(in_channels, width, 1, bias=bias)
        self.conv_bn_relu2 = ConvNorm(width, width, 3, stride=stride, bias=bias)
        self.conv_bn_relu3 = ConvNorm(width, out_channels, 1, bias=bias, linear=True)
        self.downsample: ConvNorm | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = ConvNorm(
                in_channels, out_channels, 1, stride=stride, bias=bias, linear=True
            )

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv_bn_relu3(self.conv_bn_relu2(self.conv_bn_relu1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(branch + shortcut)


MSPN_CHANNELS = (256, 512, 1024, 2048)
MSPN_TRUNK = TrunkDesign(MspnBottleneck, (3, 4, 6, 3), MSPN_CHANNELS)


class MSPN(MultiStageNetwork):
    """MSPN-50 of 1 to 4 stages: (N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4).

    Args:
        stage_count: number of stages.
        joint_count: number of heatmaps.
        bias: biases before the norms, as in Megvii's files; OpenMMLab's have none.
    """

    def __init__(self, stage_count: int = 2, joint_count: int = 17, *, bias: bool = True) -> None:
        super().__init__(MSPN_TRUNK, stage_count, joint_count, bias=bias)


NAMES = re.compile(r"mspn_(?P<stages>[1-9])stage")


def build(name: re.Match[str], joint_count: int, *, bias: bool = True) -> MSPN:
    """A network of one of ``NAMES``."""
    return MSPN(int(name["stages"]), joint_count, bias=bias)


def read(shapes: Shapes) -> Found | None:
    """Which MSPN has these keys and shapes; None if they are RSN's, which has the same first parts.

    The trunk's last map has 2048 channels here, 512 there.
    """
    if size(shapes, "stage0.upsample.up1.u_skip.conv.weight", "mspn, rsn", 1) != MSPN_CHANNELS[-1]:
        return None
    joint_count = size(shapes, JOINTS_KEY, "mspn, rsn")
    details = {"bias": has_bias(shapes)}
    return Found((f"mspn_{stage_count(shapes)}stage",), joint_count, details)
