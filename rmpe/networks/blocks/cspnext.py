"""CSPNeXt: the trunk of RTMDet and RTMPose, and the layers that RTMDet's pyramid shares with it.

Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", 2022, section 3.1.
Key names are OpenMMLab's. Convolution, norm and SiLU throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.layers import ConvNorm
from rmpe.networks.blocks.shapes import Shapes, count, has, size

SizeName = Literal["nano", "t", "s", "m", "l", "x"]

STAGE_WIDTHS = (128, 256, 512, 1024)
STAGE_BLOCKS = (3, 6, 6, 3)
POOLS = (5, 9, 13)
"""Sides of the max pools of the last stage's spatial pyramid."""


@dataclass(frozen=True)
class Scale:
    """Width, depth and kind of one published size."""

    widen: float
    """Factor of the channels."""
    deepen: float
    """Factor of the blocks of a stage, rounded, at least 1."""
    depthwise: bool = False
    """Whether 3x3 convolutions behind the stem are depthwise separable."""

    @property
    def stem_width(self) -> int:
        """Channels of the stem's last convolution."""
        return int(64 * self.widen)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the four stages, strides 4 to 32."""
        return tuple(int(width * self.widen) for width in STAGE_WIDTHS)

    @property
    def blocks(self) -> tuple[int, ...]:
        """Blocks of the four stages."""
        return tuple(max(round(blocks * self.deepen), 1) for blocks in STAGE_BLOCKS)


SCALES: dict[SizeName, Scale] = {
    "nano": Scale(0.25, 0.33, depthwise=True),
    "t": Scale(0.375, 0.167),
    "s": Scale(0.5, 0.33),
    "m": Scale(0.75, 0.67),
    "l": Scale(1.0, 1.0),
    "x": Scale(1.25, 1.33),
}


class ConvSilu(ConvNorm):
    """Convolution without bias, batch norm, SiLU; keys ``conv.*`` and ``bn.*``."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(self.bn(self.conv(x)))


class SeparableSilu(nn.Module):
    """A depthwise convolution and a 1x1 one, each with norm and SiLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.depthwise_conv = ConvSilu(
            in_channels, in_channels, kernel_size, stride=stride, groups=in_channels
        )
        self.pointwise_conv = ConvSilu(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise_conv(self.depthwise_conv(x))


def convolution3(
    in_channels: int, out_channels: int, *, stride: int = 1, depthwise: bool
) -> ConvSilu | SeparableSilu:
    """A 3x3 of the size's kind."""
    kind = SeparableSilu if depthwise else ConvSilu
    return kind(in_channels, out_channels, 3, stride=stride)


class CspNextBlock(nn.Module):
    """3x3, then depthwise 5x5 and 1x1, around an identity or none; (N, C, h, w) maps."""

    def __init__(self, channels: int, *, identity: bool, depthwise: bool) -> None:
        super().__init__()
        self.conv1 = convolution3(channels, channels, depthwise=depthwise)
        self.conv2 = SeparableSilu(channels, channels, 5)
        self.identity = identity

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv2(self.conv1(x))
        return branch + x if self.identity else branch


class ChannelAttention(nn.Module):
    """Channel gate: global mean, 1x1 with bias, hard sigmoid, multiply."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = functional.hardsigmoid(self.fc(x.mean((2, 3), keepdim=True)))  # (N, C, 1, 1)
        return x * gate


class CspLayer(nn.Module):
    """Cross-stage layer: blocks on one half-width branch, joined with the other."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        block_count: int,
        *,
        identity: bool,
        attention: bool,
        depthwise: bool,
    ) -> None:
        super().__init__()
        half = out_channels // 2
        self.main_conv = ConvSilu(in_channels, half, 1)
        self.short_conv = ConvSilu(in_channels, half, 1)
        self.final_conv = ConvSilu(2 * half, out_channels, 1)
        self.blocks = nn.Sequential(
            *(
                CspNextBlock(half, identity=identity, depthwise=depthwise)
                for _ in range(block_count)
            )
        )
        self.attention = ChannelAttention(2 * half) if attention else None

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([self.blocks(self.main_conv(x)), self.short_conv(x)], dim=1)
        if self.attention is not None:
            joined = self.attention(joined)
        return self.final_conv(joined)


class SpatialPyramid(nn.Module):
    """1x1 to half the width, max pools of three sizes beside it, 1x1 back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvSilu(channels, channels // 2, 1)
        self.conv2 = ConvSilu(channels // 2 * (1 + len(POOLS)), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        pooled = [functional.max_pool2d(x, side, stride=1, padding=side // 2) for side in POOLS]
        return self.conv2(torch.cat([x, *pooled], dim=1))


class CspNext(nn.Module):
    """The trunk: (N, 3, H, W) → maps at strides 4, 8, 16, 32."""

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        width = scale.stem_width
        self.stem = nn.Sequential(
            ConvSilu(3, width // 2, 3, stride=2),
            ConvSilu(width // 2, width // 2, 3),
            ConvSilu(width // 2, width, 3),
        )
        stages = []
        for place, (out_channels, blocks) in enumerate(zip(scale.widths, scale.blocks)):
            is_last = place == len(STAGE_WIDTHS) - 1
            layers: list[nn.Module] = [
                convolution3(width, out_channels, stride=2, depthwise=scale.depthwise)
            ]
            if is_last:
                layers.append(SpatialPyramid(out_channels))
            layers.append(
                CspLayer(
                    out_channels,
                    out_channels,
                    blocks,
                    identity=not is_last,
                    attention=True,
                    depthwise=scale.depthwise,
                )
            )
            stages.append(nn.Sequential(*layers))
            width = out_channels
        self.stage1, self.stage2, self.stage3, self.stage4 = stages

    def features(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) → the maps of the four stages, stride 4 first."""
        x = self.stem(x)
        maps = []
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            x = stage(x)
            maps.append(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → the last map (N, C, H/32, W/32)."""
        return self.features(x)[-1]


def read_scale(shapes: Shapes, family: str) -> SizeName | None:
    """Return which size's trunk the keys under ``backbone.`` are, or None if they are none.

    Raises:
        ValueError: they are a CSPNeXt of no published size.
    """
    if not has(shapes, r"backbone\.stage1\.1\.main_conv\."):
        return None
    width = size(shapes, "backbone.stem.2.conv.weight", family)
    depthwise = has(shapes, r"backbone\.stage1\.0\.depthwise_conv\.")
    blocks = tuple(
        count(shapes, rf"backbone\.stage{stage}\.{place}\.blocks\.(\d+)\.")
        for stage, place in ((1, 1), (2, 1), (3, 1), (4, 2))
    )
    for name, scale in SCALES.items():
        if (scale.stem_width, scale.blocks, scale.depthwise) == (width, blocks, depthwise):
            return name
    raise ValueError(
        f"the checkpoint looks like {family}, but its trunk of width {width} with {blocks} blocks "
        f"is of no published size; known are {', '.join(SCALES)}"
    )
