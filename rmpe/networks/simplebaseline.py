"""SimpleBaseline ("pose_resnet"): ResNet and three transposed convolutions.

Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018, section 2.
"""

from __future__ import annotations

import re

from torch import Tensor, nn

from rmpe.networks.blocks.resnet import ResNet, ResNetDepth, as_depth, resnet_depth
from rmpe.networks.blocks.shapes import Found, Shapes, size

HEAD_CHANNELS = 256


class SimpleBaseline(ResNet):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4); the trunk's keys have no prefix.

    Args:
        depth: ResNet depth.
        joint_count: number of heatmaps.
        stride_first: the "caffe" variant; its files have the same keys, so it has to be named.
    """

    def __init__(
        self, depth: ResNetDepth = 50, joint_count: int = 17, *, stride_first: bool = False
    ) -> None:
        super().__init__(depth, stride_first=stride_first)
        self.deconv_layers = _transposed_convolutions()
        self.final_layer = nn.Conv2d(HEAD_CHANNELS, joint_count, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.deconv_layers(self.features(x)[-1]))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps alone: this family has no intermediate supervision."""
        return [self(x)]


class SimplePose(nn.Module):
    """AlphaPose's SimpleBaseline: the same network with its trunk under ``preact.``."""

    def __init__(self, depth: ResNetDepth = 50, joint_count: int = 17) -> None:
        super().__init__()
        self.preact = ResNet(depth)
        self.deconv_layers = _transposed_convolutions()
        self.final_layer = nn.Conv2d(HEAD_CHANNELS, joint_count, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.deconv_layers(self.preact(x)))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps alone: this family has no intermediate supervision."""
        return [self(x)]


def _transposed_convolutions() -> nn.Sequential:
    """Three times: 4x4 transposed convolution of stride 2, norm, ReLU; (N, 2048, h, w) → 8h, 8w."""
    modules: list[nn.Module] = []
    in_channels = 2048
    for _ in range(3):
        modules += [
            nn.ConvTranspose2d(in_channels, HEAD_CHANNELS, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(HEAD_CHANNELS),
            nn.ReLU(),
        ]
        in_channels = HEAD_CHANNELS
    return nn.Sequential(*modules)


NAMES = re.compile(r"pose_resnet(?P<depth>50|101|152)(?P<caffe>_caffe)?")
"""``caffe``: Caffe's place of the stride, which no key tells."""
SIMPLEPOSE_NAMES = re.compile(r"simplepose_res(?P<depth>50|101|152)")


def build(name: re.Match[str], joint_count: int) -> SimpleBaseline:
    """A network of one of ``NAMES``."""
    return SimpleBaseline(as_depth(name["depth"]), joint_count, stride_first=bool(name["caffe"]))


def read(shapes: Shapes) -> Found:
    """Which SimpleBaseline has these keys and shapes."""
    name = f"pose_resnet{resnet_depth(shapes, '')}"
    joint_count = size(shapes, "final_layer.weight", "simplebaseline")
    return Found((name, f"{name}_caffe"), joint_count)


def build_simplepose(name: re.Match[str], joint_count: int) -> SimplePose:
    """A network of one of ``SIMPLEPOSE_NAMES``."""
    return SimplePose(as_depth(name["depth"]), joint_count)


def read_simplepose(shapes: Shapes) -> Found:
    """Which of AlphaPose's SimpleBaselines has these keys and shapes."""
    name = f"simplepose_res{resnet_depth(shapes, 'preact.')}"
    return Found((name,), size(shapes, "final_layer.weight", "simplepose"))
