"""CPN: GlobalNet's feature pyramid and RefineNet's bottleneck cascade.

Chen et al., "Cascaded Pyramid Network for Multi-Person Pose Estimation", CVPR 2018, section 3, in
the layout of the public PyTorch weights: there the bottlenecks come before the upsampling and all
have projections, so the network costs more than the paper's table.
"""

from __future__ import annotations

import re
from typing import Literal

import torch
from torch import Tensor, nn

from rmpe.networks.blocks.layers import ResizeBilinear, resize_bilinear
from rmpe.networks.blocks.resnet import Bottleneck, ResNet, resnet_depth
from rmpe.networks.blocks.shapes import Found, Shapes, size

CpnDepth = Literal[50, 101]

LEVEL_CHANNELS = (2048, 1024, 512, 256)
"""Trunk maps, stride 32 first."""
PYRAMID_CHANNELS = 256
REFINE_WIDTH = 128
REFINE_EXPANSION = 2


class GlobalNet(nn.Module):
    """Top-down pyramid; every level predicts heatmaps."""

    def __init__(self, joint_count: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Sequential(*_conv_norm(channels), nn.ReLU()) for channels in LEVEL_CHANNELS
        )
        self.upsamples = nn.ModuleList(
            nn.Sequential(ResizeBilinear(2), *_conv_norm(PYRAMID_CHANNELS))
            for _ in LEVEL_CHANNELS[1:]
        )
        self.predict = nn.ModuleList(_predictor(joint_count) for _ in LEVEL_CHANNELS)

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Trunk maps, stride 32 first → features (N, 256, h_l, w_l) and heatmaps at stride 4."""
        features: list[Tensor] = []
        for level, x in enumerate(maps):
            feature = self.laterals[level](x)
            if level > 0:
                feature = feature + self.upsamples[level - 1](features[-1])
            features.append(feature)
        size_hw = maps[-1].shape[-2:]
        heatmaps = []
        for predict, feature in zip(self.predict, features, strict=True):
            assert isinstance(predict, nn.Sequential)
            heatmap = resize_bilinear(predict[:4](feature), size_hw)
            heatmaps.append(predict[5](heatmap))
        return features, heatmaps


class RefineNet(nn.Module):
    """3, 2, 1, 0 bottlenecks on the levels, all resized to stride 4 and joined."""

    def __init__(self, joint_count: int) -> None:
        super().__init__()
        level_count = len(LEVEL_CHANNELS)
        self.cascade = nn.ModuleList(
            nn.Sequential(
                *(_refine_bottleneck(PYRAMID_CHANNELS) for _ in range(level_count - 1 - level))
            )
            for level in range(level_count)
        )
        self.final_predict = nn.Sequential(
            _refine_bottleneck(level_count * PYRAMID_CHANNELS),
            nn.Conv2d(PYRAMID_CHANNELS, joint_count, 3, padding=1, bias=False),
            nn.BatchNorm2d(joint_count),
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Features, stride 32 first → heatmaps (N, K, h, w) at stride 4."""
        size_hw = features[-1].shape[-2:]
        resized = [
            resize_bilinear(blocks(feature), size_hw)
            for blocks, feature in zip(self.cascade, features, strict=True)
        ]
        return self.final_predict(torch.cat(resized, dim=1))


class CPN(nn.Module):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4).

    Args:
        depth: ResNet depth, 50 or 101.
        joint_count: number of heatmaps.
    """

    def __init__(self, depth: CpnDepth = 50, joint_count: int = 17) -> None:
        super().__init__()
        self.resnet = ResNet(depth)
        self.global_net = GlobalNet(joint_count)
        self.refine_net = RefineNet(joint_count)

    def forward(self, x: Tensor) -> Tensor:
        return self.supervised_outputs(x)[-1]

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """GlobalNet's heatmaps of the four levels, stride 32 first, then RefineNet's."""
        features, heatmaps = self.global_net(self.resnet.features(x)[::-1])
        return [*heatmaps, self.refine_net(features)]


def _conv_norm(in_channels: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """1x1 convolution to the pyramid's width and its norm."""
    return (
        nn.Conv2d(in_channels, PYRAMID_CHANNELS, 1, bias=False),
        nn.BatchNorm2d(PYRAMID_CHANNELS),
    )


def _predictor(joint_count: int) -> nn.Sequential:
    """Members 0-3 work at the level's own size; 4, without keys, is the resize; 5 is the norm."""
    return nn.Sequential(
        *_conv_norm(PYRAMID_CHANNELS),
        nn.ReLU(),
        nn.Conv2d(PYRAMID_CHANNELS, joint_count, 3, padding=1, bias=False),
        nn.Identity(),
        nn.BatchNorm2d(joint_count),
    )


def _refine_bottleneck(in_channels: int) -> Bottleneck:
    return Bottleneck(in_channels, REFINE_WIDTH, expansion=REFINE_EXPANSION, projection=True)


NAMES = re.compile(r"cpn(?P<depth>50|101)")


def build(name: re.Match[str], joint_count: int) -> CPN:
    """A network of one of ``NAMES``."""
    return CPN(50 if name["depth"] == "50" else 101, joint_count)


def read(shapes: Shapes) -> Found:
    """Which CPN has these keys and shapes."""
    depth = resnet_depth(shapes, "resnet.")
    if depth == 152:
        raise ValueError("the checkpoint is a CPN of ResNet depth 152, supported are 50, 101")
    return Found((f"cpn{depth}",), size(shapes, "refine_net.final_predict.1.weight", "cpn"))
