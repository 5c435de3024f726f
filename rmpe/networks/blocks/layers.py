"""Building blocks that several families share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvNorm(nn.Module):
    """Convolution, batch norm and, unless ``linear``, ReLU; keys ``conv.*`` and ``bn.*``.

    The padding keeps the size for odd kernels. ``bias`` adds a bias before the norm, as the
    published MSPN, RSN and Hourglass files have it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=(kernel_size - 1) // 2,
            groups=groups,
            bias=bias,
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return x if self.linear else functional.relu(x)


class SqueezeExcitation(nn.Module):
    """Channel gate: global mean, linear, ReLU, linear, sigmoid, multiply (reduction 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels),
            nn.ReLU(),
            nn.Linear(channels, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.fc(x.mean(dim=(2, 3)))  # (N, C)
        return x * gate[:, :, None, None]


class ResizeBilinear(nn.Module):
    """Bilinear resize by a whole factor with the corner pixels aligned."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        return resize_bilinear(x, (height * self.factor, width * self.factor))


def resize_bilinear(x: Tensor, size_hw: tuple[int, int] | torch.Size) -> Tensor:
    """Resize (N, C, h, w) maps to ``size_hw`` with the corner pixels aligned."""
    if tuple(x.shape[-2:]) == tuple(size_hw):
        return x
    return functional.interpolate(x, size=tuple(size_hw), mode="bilinear", align_corners=True)
