"""The ResNet trunk under FastPose, SimpleBaseline and CPN (He et al., 2016, table 1).

Keys are torchvision's: ``conv1, bn1, layer1..4``, in a block ``conv1/bn1..conv3/bn3`` and
``downsample.0/.1``. AlphaPose adds ``se.fc`` and two kinds of 3x3 convolution.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import DeformConv2d, deform_conv2d

from rmpe.networks.blocks.layers import SqueezeExcitation
from rmpe.networks.blocks.shapes import Shapes, block_counts

ResNetDepth = Literal[50, 101, 152]
MiddleConvolution = Literal["plain", "deformable", "unshuffle"]

BLOCK_COUNTS: dict[ResNetDepth, tuple[int, int, int, int]] = {
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""Bottlenecks in layer1..layer4."""

OFFSET_CHANNELS = 2 * 3 * 3
"""(dy, dx) for each tap of a 3x3 kernel, taps row by row."""


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions, each with a norm, around a shortcut; (N, C, h, w) maps.

    Args:
        in_channels: channels of the input.
        width: channels of the 3x3 convolution.
        stride: 1 or 2; sits on the 3x3, or on the first 1x1 if ``stride_first`` (Caffe's place).
        expansion: output channels over ``width``.
        projection: a 1x1 convolution on the shortcut even where the shape stays.
        middle: kind of the 3x3: plain; deformable (offsets from ``conv2_offset``); or, for stride
            2, "unshuffle": 2x2 pixels to channels, then a 3x3 of stride 1.
        squeeze_excitation: gate the branch before the shortcut is added.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        expansion: int = 4,
        projection: bool = False,
        stride_first: bool = False,
        middle: MiddleConvolution = "plain",
        squeeze_excitation: bool = False,
    ) -> None:
        super().__init__()
        out_channels = width * expansion
        first_stride, middle_stride = (stride, 1) if stride_first else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=first_stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _middle_convolution(width, middle_stride, middle)
        self.conv2_offset: nn.Conv2d | None = None
        if middle == "deformable":
            self.conv2_offset = nn.Conv2d(
                width, OFFSET_CHANNELS, 3, stride=middle_stride, padding=1
            )
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.se = SqueezeExcitation(out_channels) if squeeze_excitation else None
        self.downsample: nn.Sequential | None = None
        if projection or stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        branch = functional.relu(self.bn1(self.conv1(x)))
        if self.conv2_offset is None:
            branch = self.conv2(branch)
        else:
            branch = self.conv2(branch, self.conv2_offset(branch))
        branch = functional.relu(self.bn2(branch))
        branch = self.bn3(self.conv3(branch))
        if self.se is not None:
            branch = self.se(branch)
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(branch + shortcut)


class DeformableConvolution(DeformConv2d):
    """Torchvision's, computed in float32 at least: it has no bfloat16, and offsets need digits."""

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        """(N, C, h, w) and offsets (N, 18, h/stride, w/stride) → (N, C', h/stride, w/stride)."""
        if x.dtype in (torch.float32, torch.float64):
            return super().forward(x, offset, mask)
        out = deform_conv2d(
            x.float(),
            offset.float(),
            self.weight.float(),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )
        return out.to(x.dtype)


class SpaceToChannels(nn.Module):
    """(N, C, h, w) → (N, C·f², h/f, w/f), in the channel order of ``torch.nn.PixelUnshuffle``.

    Torch's own module leaves an empty batch as it is.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        rows, columns, factor = height // self.factor, width // self.factor, self.factor
        cells = x.reshape(count, channels, rows, factor, columns, factor)
        cells = cells.permute(0, 1, 3, 5, 2, 4)  # (N, C, f, f, rows, columns)
        return cells.reshape(count, channels * factor * factor, rows, columns)


class ResNet(nn.Module):
    """Stem and four layers; the maps of all four layers, stride 4 first.

    Args:
        depth: 50, 101 or 152.
        stride_first: put the stride of a bottleneck on its first 1x1 (the "caffe" files).
        squeeze_excitation: a channel gate in the first block of each layer.
        middle: the 3x3 convolutions: "deformable" in every block of layers 2-4, "unshuffle" in
            the blocks of stride 2.
    """

    def __init__(
        self,
        depth: ResNetDepth,
        *,
        stride_first: bool = False,
        squeeze_excitation: bool = False,
        middle: MiddleConvolution = "plain",
    ) -> None:
        super().__init__()
        if depth not in BLOCK_COUNTS:
            raise ValueError(f"got ResNet depth {depth}, supported are {sorted(BLOCK_COUNTS)}")
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        layers = []
        channels = 64
        for level, count in enumerate(BLOCK_COUNTS[depth]):
            width = 64 * 2**level
            blocks = []
            for index in range(count):
                stride = 2 if level > 0 and index == 0 else 1
                blocks.append(
                    Bottleneck(
                        channels,
                        width,
                        stride=stride,
                        stride_first=stride_first,
                        middle=_block_middle(middle, level, stride),
                        squeeze_excitation=squeeze_excitation and index == 0,
                    )
                )
                channels = width * 4
            layers.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers

    def features(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) → maps of 256, 512, 1024, 2048 channels at strides 4, 8, 16, 32."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, 2048, H/32, W/32)."""
        return self.features(x)[-1]


def _middle_convolution(width: int, stride: int, middle: MiddleConvolution) -> nn.Module:
    if middle == "deformable":
        return DeformableConvolution(width, width, 3, stride=stride, padding=1, bias=False)
    if middle == "unshuffle":
        return nn.Sequential(
            SpaceToChannels(stride), nn.Conv2d(width * stride**2, width, 3, padding=1, bias=False)
        )
    return nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)


def _block_middle(middle: MiddleConvolution, level: int, stride: int) -> MiddleConvolution:
    """The 3x3 of one block: deformable from layer2 on, unshuffle only where the stride is 2."""
    if middle == "deformable" and level == 0:
        return "plain"
    if middle == "unshuffle" and stride == 1:
        return "plain"
    return middle


def as_depth(text: str) -> ResNetDepth:
    """Return the depth that a variant's name holds."""
    return next(depth for depth in BLOCK_COUNTS if str(depth) == text)


def resnet_depth(shapes: Shapes, prefix: str) -> ResNetDepth:
    """Return the depth of the trunk whose keys start with ``prefix``.

    Raises:
        ValueError: its layers have the blocks of no known depth.
    """
    counts = block_counts(shapes, prefix)
    for depth, blocks in BLOCK_COUNTS.items():
        if blocks == counts:
            return depth
    known = ", ".join(f"ResNet-{depth} {blocks}" for depth, blocks in BLOCK_COUNTS.items())
    raise ValueError(f"the checkpoint's trunk has {counts} blocks in its layers, known are {known}")
