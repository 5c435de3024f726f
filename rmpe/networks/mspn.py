"""MSPN: stages of ResNet-50 trunks with features aggregated across stages.

Li et al., "Rethinking on Multi-Stage Networks for Human Pose Estimation", 2019. Key names are
those of the published Megvii files.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.layers import ConvNorm
from rmpe.networks.multistage import MultiStageNetwork, TrunkDesign

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


MSPN_TRUNK = TrunkDesign(MspnBottleneck, (3, 4, 6, 3), (256, 512, 1024, 2048))


class MSPN(MultiStageNetwork):
    """MSPN-50 of 1 to 4 stages: (N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4).

    Args:
        stage_count: number of stages.
        joint_count: number of heatmaps.
        bias: biases before the norms, as in Megvii's files; OpenMMLab's have none.
    """

    def __init__(self, stage_count: int = 2, joint_count: int = 17, *, bias: bool = True) -> None:
        super().__init__(MSPN_TRUNK, stage_count, joint_count, bias=bias)


def mspn(stage_count: int, joint_count: int = 17) -> MSPN:
    """MSPN-50 in Megvii's layout."""
    return MSPN(stage_count, joint_count)
