"""Hourglass-52 of OpenMMLab: CornerNet's hourglass of basic blocks, one stack in the public files.

Law and Deng, "CornerNet: Detecting Objects as Paired Keypoints", ECCV 2018, section 3.3. It is not
the Princeton network, and no file is known beyond OpenMMLab's, whose key names are kept.
"""

from __future__ import annotations

import re

from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.layers import ConvNorm
from rmpe.networks.blocks.shapes import Found, Shapes, has, size

LEVEL_CHANNELS = (256, 256, 384, 384, 384, 512)
LEVEL_BLOCKS = (2, 2, 2, 2, 2, 4)


class ResidualPair(nn.Module):
    """Two 3x3 convolutions with norms; the shortcut is projected where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        branch = functional.relu(self.bn1(self.conv1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(self.bn2(self.conv2(branch)) + shortcut)


class NestedHourglass(nn.Module):
    """One level: (N, C0, h, w) → the same shape; h and w in multiples of 2^(levels below).

    Args:
        channels: widths of this level and all below.
        blocks: residuals of this level and all below.
    """

    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        here, below = channels[:2]
        self.up1 = _residuals(here, here, blocks[0])
        self.low1 = _residuals(here, below, blocks[0], stride=2)
        self.low2: nn.Module
        if len(channels) > 2:
            self.low2 = NestedHourglass(channels[1:], blocks[1:])
        else:
            self.low2 = _residuals(below, below, blocks[1])
        self.low3 = _residuals(below, here, blocks[0], change_last=True)

    def forward(self, x: Tensor) -> Tensor:
        low = self.low3(self.low2(self.low1(x)))
        return self.up1(x) + functional.interpolate(low, scale_factor=2.0, mode="nearest")


class Hourglass52(nn.Module):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4); H and W in multiples of 128.

    Args:
        joint_count: number of heatmaps.
    """

    def __init__(self, joint_count: int = 17) -> None:
        super().__init__()
        width = LEVEL_CHANNELS[0]
        self.backbone = nn.ModuleDict(
            {
                "stem": nn.Sequential(
                    ConvNorm(3, 128, 7, stride=2), _residuals(128, width, 1, stride=2)
                ),
                "hourglass_modules": nn.ModuleList([NestedHourglass(LEVEL_CHANNELS, LEVEL_BLOCKS)]),
                # Belongs to the merging of further stacks; with one stack the files hold it unused.
                "inters": _residuals(width, width, 1),
                "out_convs": nn.ModuleList([ConvNorm(width, width, 3)]),
            }
        )
        self.head = nn.ModuleDict(
            {"multi_final_layers": nn.ModuleList([nn.Conv2d(width, joint_count, 1)])}
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.backbone["stem"](x)
        x = self.backbone.get_submodule("hourglass_modules.0")(x)
        x = self.backbone.get_submodule("out_convs.0")(x)
        return self.head.get_submodule("multi_final_layers.0")(x)

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps of the one stack."""
        return [self(x)]


def _residuals(
    in_channels: int, out_channels: int, count: int, *, stride: int = 1, change_last: bool = False
) -> nn.Sequential:
    """``count`` residuals; the first changes width and size, or the last with ``change_last``."""
    if change_last:
        plain = [ResidualPair(in_channels, in_channels) for _ in range(count - 1)]
        return nn.Sequential(*plain, ResidualPair(in_channels, out_channels, stride))
    plain = [ResidualPair(out_channels, out_channels) for _ in range(count - 1)]
    return nn.Sequential(ResidualPair(in_channels, out_channels, stride), *plain)


NAMES = re.compile("hourglass52")


def build(name: re.Match[str], joint_count: int) -> Hourglass52:
    """The one-stack network."""
    return Hourglass52(joint_count)


def read(shapes: Shapes) -> Found | None:
    """The one-stack network, if these are its keys; other OpenMMLab files share their first parts.

    The published files are of 256x256 pixels, which 128 divides.
    """
    if not has(shapes, r"backbone\.hourglass_modules\."):
        return None
    joint_count = size(shapes, "head.multi_final_layers.0.weight", "hourglass52")
    return Found(("hourglass52",), joint_count, usual_size_hw=(256, 256))
