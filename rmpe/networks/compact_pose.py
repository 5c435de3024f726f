"""The compact pose network: an inverted-residual trunk with a light top-down pyramid.

It has the layers of the heatmap branch of MediaPipe's BlazePose "full" landmark network
(Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020, Apache-2.0), whose
weights it starts from, and an own head. 1.6 M parameters; fully convolutional: any height and width
that divide by 32. The trunk follows MobileNetV2 (Sandler et al., 2018): expand 1x1, depthwise,
project 1x1, batch norms folded into the convolutions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["CompactPose", "compact_pose"]

PYRAMID_CHANNELS = 48


def convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps (stride 1) or halves (stride 2) the map, zeros around it."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)


def depthwise(channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """One ``kernel`` x ``kernel`` filter for every channel."""
    return nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels)


class InvertedResidual(nn.Module):
    """Expand, filter in depth, project; added to its input where the shapes agree."""

    def __init__(
        self, inputs: int, expanded: int, outputs: int, kernel: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.expand = convolution(inputs, expanded)
        self.filter = depthwise(expanded, kernel, stride)
        self.project = convolution(expanded, outputs)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h / stride, w / stride)."""
        y = functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.filter(y)))
        return x + y if self.has_shortcut else y


class Lateral(nn.Module):
    """Separable convolution that brings a trunk level to the pyramid's width."""

    def __init__(self, inputs: int, outputs: int = PYRAMID_CHANNELS) -> None:
        super().__init__()
        self.filter = depthwise(inputs, 3)
        self.project = convolution(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h, w)."""
        return functional.relu6(self.project(functional.relu6(self.filter(x))))


class DeepLateral(nn.Module):
    """The lateral of the deepest level: an expansion, two depthwise filters, the projection."""

    def __init__(self, inputs: int, expanded: int, outputs: int = PYRAMID_CHANNELS) -> None:
        super().__init__()
        self.expand = convolution(inputs, expanded)
        self.filter = depthwise(expanded, 3)
        self.lateral = Lateral(expanded, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h, w)."""
        y: Tensor = self.lateral(functional.relu6(self.filter(functional.relu6(self.expand(x)))))
        return y


class CompactPose(nn.Module):
    """Heatmap network for one upright person crop, RGB in 0..1.

    The outputs are logits: a softmax over the cells of one joint's map is the distribution of its
    place. Cell (i, j) covers input pixels 4i..4i+3, so its centre lies at 4i + 1.5.
    """

    def __init__(self, joint_count: int = 19, refinement_channels: int = 0) -> None:
        """``refinement_channels``: width of an extra block before the output, 0 for none."""
        super().__init__()
        self.stem = convolution(3, 24, 3, stride=2)
        self.stem_filter = depthwise(24, 3)
        self.stem_project = convolution(24, 16)
        self.level4 = nn.Sequential(
            InvertedResidual(16, 64, 24, kernel=3, stride=2),
            InvertedResidual(24, 144, 24, kernel=3),
        )
        self.level8 = nn.Sequential(
            InvertedResidual(24, 144, 32, kernel=5, stride=2),
            InvertedResidual(32, 192, 32, kernel=5),
        )
        self.level16 = nn.Sequential(
            InvertedResidual(32, 192, 64, kernel=3, stride=2),
            InvertedResidual(64, 384, 64, kernel=3),
            InvertedResidual(64, 384, 64, kernel=3),
            InvertedResidual(64, 384, 88, kernel=5),
            InvertedResidual(88, 528, 88, kernel=5),
            InvertedResidual(88, 528, 88, kernel=5),
        )
        self.level32 = nn.Sequential(
            InvertedResidual(88, 528, 144, kernel=5, stride=2),
            InvertedResidual(144, 864, 144, kernel=5),
            InvertedResidual(144, 864, 144, kernel=5),
            InvertedResidual(144, 864, 144, kernel=5),
        )
        self.lateral4 = Lateral(24)
        self.lateral8 = Lateral(32)
        self.lateral16 = Lateral(88)
        self.lateral32 = DeepLateral(144, 864)
        self.refinement: nn.Module = (
            InvertedResidual(PYRAMID_CHANNELS, refinement_channels, PYRAMID_CHANNELS, kernel=5)
            if refinement_channels
            else nn.Identity()
        )
        self.output = convolution(PYRAMID_CHANNELS, joint_count)

    def fine_levels(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Trunk down to stride 8: (N, 3, H, W) -> (N, 24, H/4, W/4), (N, 32, H/8, W/8)."""
        y = functional.relu6(self.stem_filter(functional.relu6(self.stem(x))))
        level4 = self.level4(self.stem_project(y))
        return level4, self.level8(level4)

    def from_fine_levels(self, level4: Tensor, level8: Tensor) -> Tensor:
        """The rest of the network: what ``fine_levels`` returns -> logits (N, K, H/4, W/4)."""
        level16 = self.level16(level8)
        y = self.lateral32(self.level32(level16))
        y = _double(y) + self.lateral16(level16)
        y = _double(y) + self.lateral8(level8)
        y = _double(y) + self.lateral4(level4)
        logits: Tensor = self.output(self.refinement(y))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in 0..1 -> heatmap logits (N, K, H/4, W/4).

        Raises ValueError when H or W does not divide by 32.
        """
        if x.shape[-2] % 32 or x.shape[-1] % 32:
            raise ValueError(
                f"got an input of {x.shape[-2]}x{x.shape[-1]} pixels, supported are multiples of 32"
            )
        return self.from_fine_levels(*self.fine_levels(x))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The one output that is trained: [logits]."""
        return [self(x)]


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def compact_pose(joint_count: int = 19, refinement_channels: int = 0) -> CompactPose:
    """The bundled network: COCO-17 and neck and head top, 256x192 crops."""
    return CompactPose(joint_count, refinement_channels)


def initialise_refinement(network: CompactPose) -> None:
    """Make the refinement block an identity, so that it can be added to a trained network."""
    if isinstance(network.refinement, InvertedResidual):
        with torch.no_grad():
            network.refinement.project.weight.zero_()
            if network.refinement.project.bias is not None:
                network.refinement.project.bias.zero_()
