"""FastPose: SE-ResNet and PixelShuffle ("DUC") upsampling, AlphaPose's own network.

Fang et al., "RMPE: Regional Multi-Person Pose Estimation", ICCV 2017, and "AlphaPose:
Whole-Body Regional Multi-Person Pose Estimation and Tracking in Real-Time", TPAMI 2022,
section 3.2. Key names are those of the published files (``suffle1`` owns none).
"""

from __future__ import annotations

import re
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.resnet import ResNet, ResNetDepth, as_depth, resnet_depth
from rmpe.networks.blocks.shapes import Found, Shapes, has, size

DUC_CONVOLUTIONS = (4, 2, 1)
"""3x3 convolutions in duc1..duc3 of the DUC variant."""


class DenseUpsampling(nn.Module):
    """3x3 convolution, norm, ReLU and 2x2 channels to pixels: (N, C, h, w) → (N, out/4, 2h, 2w)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return functional.pixel_shuffle(functional.relu(self.bn(self.conv(x))), 2)


class FastPose(nn.Module):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4).

    Args:
        depth: ResNet depth.
        joint_count: number of heatmaps.
        head_channels: channels before the last convolution, 128 or 256 (``CONV_DIM``).
        deformable: deformable 3x3 convolutions in layers 2-4.
    """

    def __init__(
        self,
        depth: ResNetDepth = 50,
        joint_count: int = 17,
        *,
        head_channels: Literal[128, 256] = 128,
        deformable: bool = False,
    ) -> None:
        super().__init__()
        middle: Literal["plain", "deformable"] = "deformable" if deformable else "plain"
        self.preact = ResNet(depth, squeeze_excitation=True, middle=middle)
        self.duc1 = DenseUpsampling(512, 1024)
        self.duc2 = DenseUpsampling(256, 4 * head_channels)
        self.conv_out = nn.Conv2d(head_channels, joint_count, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pixel_shuffle(self.preact(x), 2)  # (N, 512, H/16, W/16)
        return self.conv_out(self.duc2(self.duc1(x)))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps alone: this family has no intermediate supervision."""
        return [self(x)]


class FastPoseDuc(nn.Module):
    """FastPose with three upsampling stages of several convolutions each.

    Args:
        depth: ResNet depth.
        joint_count: number of heatmaps.
        unshuffle: the trunk halves its maps with PixelUnshuffle instead of strided convolutions.
    """

    def __init__(
        self, depth: ResNetDepth = 152, joint_count: int = 17, *, unshuffle: bool = False
    ) -> None:
        super().__init__()
        middle: Literal["plain", "unshuffle"] = "unshuffle" if unshuffle else "plain"
        self.preact = ResNet(depth, squeeze_excitation=True, middle=middle)
        self.duc1 = _upsampling_stage(2048, DUC_CONVOLUTIONS[0])
        self.duc2 = _upsampling_stage(1024, DUC_CONVOLUTIONS[1])
        self.duc3 = _upsampling_stage(512, DUC_CONVOLUTIONS[2])
        self.conv_out = nn.Conv2d(256, joint_count, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.duc3(self.duc2(self.duc1(self.preact(x)))))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps alone: this family has no intermediate supervision."""
        return [self(x)]


def _upsampling_stage(in_channels: int, convolutions: int) -> nn.Sequential:
    """PixelShuffle(2), then 3x3 convolutions with norm and ReLU; the last doubles the channels."""
    channels = in_channels // 4
    modules: list[nn.Module] = [nn.PixelShuffle(2)]
    for index in range(convolutions):
        out_channels = channels * 2 if index == convolutions - 1 else channels
        modules += [
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        ]
    return nn.Sequential(*modules)


NAMES = re.compile(
    r"fastpose_(?P<duc>duc_)?res(?P<depth>50|101|152)(?P<unshuffle>_unshuffle)?"
    r"(?P<dcn>_dcn)?(?P<wide>_wide)?|duc_se_resnet101"
)
"""``wide``: 256 head channels, as Halpe-136 has (its "res152 duc" is a plain FastPose);
``duc_se_resnet101`` is the 2018 model, of whose 33 maps the first 17 are COCO's joints."""


def build(name: re.Match[str], joint_count: int) -> FastPose | FastPoseDuc:
    """A network of one of ``NAMES``."""
    if name[0] == "duc_se_resnet101":
        return FastPose(101, joint_count)
    depth = as_depth(name["depth"])
    if name["duc"]:
        return FastPoseDuc(depth, joint_count, unshuffle=bool(name["unshuffle"]))
    return FastPose(
        depth,
        joint_count,
        head_channels=256 if name["wide"] else 128,
        deformable=bool(name["dcn"]),
    )


def read(shapes: Shapes) -> Found:
    """Which FastPose has these keys and shapes."""
    depth = resnet_depth(shapes, "preact.")
    joint_count = size(shapes, "conv_out.weight", "fastpose")
    if has(shapes, r"duc3\."):
        unshuffle = has(shapes, r"preact\.layer\d\.0\.conv2\.1\.")
        return Found(
            (f"fastpose_duc_res{depth}" + ("_unshuffle" if unshuffle else ""),), joint_count
        )
    deformable = has(shapes, r"preact\.layer\d\.\d+\.conv2_offset\.")
    wide = size(shapes, "conv_out.weight", "fastpose", 1) == 256
    if depth == 101 and joint_count == 33 and not deformable and not wide:
        return Found(("duc_se_resnet101",), joint_count)
    name = f"fastpose_res{depth}" + ("_dcn" if deformable else "") + ("_wide" if wide else "")
    return Found((name,), joint_count)
