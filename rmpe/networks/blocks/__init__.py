"""What several families are built of, and how a family reads itself from a checkpoint's keys."""

from __future__ import annotations

from rmpe.networks.blocks.layers import ConvNorm, SqueezeExcitation, resize_bilinear
from rmpe.networks.blocks.multistage import MultiStageNetwork
from rmpe.networks.blocks.resnet import Bottleneck, ResNet
from rmpe.networks.blocks.shapes import Found, Shapes

__all__ = [
    "Bottleneck",
    "ConvNorm",
    "Found",
    "MultiStageNetwork",
    "ResNet",
    "Shapes",
    "SqueezeExcitation",
    "resize_bilinear",
]
