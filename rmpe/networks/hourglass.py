"""Stacked hourglass: repeated trips down and up with pre-activation residuals.

Newell et al., "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016, section 3. Key
names are those of the published Princeton PyTorch files.
"""

from __future__ import annotations

import re

from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.shapes import Found, Shapes, count, size

CHANNELS = 256
DEPTH = 4


class WrappedConv(nn.Module):
    """Convolution with bias under ``conv``, then optionally a norm and ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        *,
        stride: int = 1,
        norm_relu: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride=stride, padding=(kernel_size - 1) // 2
        )
        self.bn = nn.BatchNorm2d(out_channels) if norm_relu else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.bn is None else functional.relu(self.bn(x))


class Residual(nn.Module):
    """Norm, ReLU, convolution three times (1x1, 3x3, 1x1), plus the shortcut.

    The files hold ``skip_layer`` in every residual; it is used only where the width changes.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = WrappedConv(in_channels, half)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = WrappedConv(half, half, 3)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv3 = WrappedConv(half, out_channels)
        self.skip_layer = WrappedConv(in_channels, out_channels)
        self.changes_width = in_channels != out_channels

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv1(functional.relu(self.bn1(x)))
        branch = self.conv2(functional.relu(self.bn2(branch)))
        branch = self.conv3(functional.relu(self.bn3(branch)))
        return branch + (self.skip_layer(x) if self.changes_width else x)


class HourglassLevel(nn.Module):
    """One level: (N, 256, h, w) → the same shape; h and w in multiples of 2^depth."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.up1 = Residual(CHANNELS, CHANNELS)
        self.low1 = Residual(CHANNELS, CHANNELS)
        self.low2 = HourglassLevel(depth - 1) if depth > 1 else Residual(CHANNELS, CHANNELS)
        self.low3 = Residual(CHANNELS, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        low = self.low3(self.low2(self.low1(functional.max_pool2d(x, 2))))
        return self.up1(x) + functional.interpolate(low, scale_factor=2.0, mode="nearest")


class StackedHourglass(nn.Module):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4); H and W in multiples of 64.

    The original takes its pictures as (N, H, W, 3); that order is accepted too.

    Args:
        stack_count: hourglasses, one after the other.
        joint_count: number of heatmaps.
    """

    def __init__(self, stack_count: int = 8, joint_count: int = 16) -> None:
        super().__init__()
        self.pre = nn.Sequential(
            WrappedConv(3, 64, 7, stride=2, norm_relu=True),
            Residual(64, 128),
            nn.MaxPool2d(2),
            Residual(128, 128),
            Residual(128, CHANNELS),
        )
        self.hgs = nn.ModuleList(nn.Sequential(HourglassLevel(DEPTH)) for _ in range(stack_count))
        self.features = nn.ModuleList(
            nn.Sequential(
                Residual(CHANNELS, CHANNELS), WrappedConv(CHANNELS, CHANNELS, norm_relu=True)
            )
            for _ in range(stack_count)
        )
        self.outs = nn.ModuleList(WrappedConv(CHANNELS, joint_count) for _ in range(stack_count))
        self.merge_features = nn.ModuleList(
            nn.ModuleDict({"conv": WrappedConv(CHANNELS, CHANNELS)}) for _ in range(stack_count - 1)
        )
        self.merge_preds = nn.ModuleList(
            nn.ModuleDict({"conv": WrappedConv(joint_count, CHANNELS)})
            for _ in range(stack_count - 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.supervised_outputs(x)[-1]

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps of each hourglass, first to last; the last is decoded."""
        if x.shape[1] != 3 and x.shape[-1] == 3:
            x = x.permute(0, 3, 1, 2)
        x = self.pre(x)
        outputs: list[Tensor] = []
        for stack, (hourglass, head, out) in enumerate(
            zip(self.hgs, self.features, self.outs, strict=True)
        ):
            feature = head(hourglass(x))
            outputs.append(out(feature))
            if stack + 1 < len(self.outs):
                merge_prediction = self.merge_preds[stack].get_submodule("conv")
                merge_feature = self.merge_features[stack].get_submodule("conv")
                x = x + merge_prediction(outputs[-1]) + merge_feature(feature)
        return outputs


NAMES = re.compile(r"hourglass_(?P<stacks>[1-9])stack")


def build(name: re.Match[str], joint_count: int) -> StackedHourglass:
    """A network of one of ``NAMES``."""
    return StackedHourglass(int(name["stacks"]), joint_count)


def read(shapes: Shapes) -> Found:
    """Which stacked hourglass has these keys and shapes."""
    joint_count = size(shapes, "outs.0.conv.weight", "hourglass")
    return Found((f"hourglass_{count(shapes, r'hgs.([0-9]+).')}stack",), joint_count)
