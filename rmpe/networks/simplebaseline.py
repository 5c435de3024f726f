"""SimpleBaseline ("pose_resnet"): ResNet and three transposed convolutions.

Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018, section 2.
"""

from __future__ import annotations

from torch import Tensor, nn

from rmpe.networks.resnet import ResNet, ResNetDepth

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


def pose_resnet50(joint_count: int = 17) -> SimpleBaseline:
    """Depth 50."""
    return SimpleBaseline(50, joint_count)


def pose_resnet101(joint_count: int = 17) -> SimpleBaseline:
    """Depth 101."""
    return SimpleBaseline(101, joint_count)


def pose_resnet152(joint_count: int = 17) -> SimpleBaseline:
    """Depth 152."""
    return SimpleBaseline(152, joint_count)


def pose_resnet_caffe(depth: ResNetDepth, joint_count: int = 17) -> SimpleBaseline:
    """Any depth with Caffe's place of the stride."""
    return SimpleBaseline(depth, joint_count, stride_first=True)


def simplepose_res50(joint_count: int = 17) -> SimplePose:
    """AlphaPose's depth 50."""
    return SimplePose(50, joint_count)
