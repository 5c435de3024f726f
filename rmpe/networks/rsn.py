"""RSN: stages of residual-steps blocks, and the pose refine machine.

Cai et al., "Learning Delicate Local Representations for Multi-Person Pose Estimation", ECCV 2020.
Key names are those of the published files. The published code and weights take the width of a
block's branches from the block's input, which makes RSN-50 smaller than the paper's.
"""

from __future__ import annotations

import re
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.layers import ConvNorm
from rmpe.networks.blocks.multistage import (
    JOINTS_KEY,
    BlockFactory,
    MultiStageNetwork,
    TrunkDesign,
    has_bias,
    stage_count,
)
from rmpe.networks.blocks.shapes import Found, Shapes, block_counts, has, size

RsnDepth = Literal[18, 50]
RsnBlock = Literal["residual_steps", "plain"]

BRANCHES = 4
CHANNELS = (64, 128, 256, 512)
DEPTHS: dict[RsnDepth, tuple[int, int, int, int]] = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}


class ResidualStepsBlock(nn.Module):
    """Four branches of 1 to 4 chained 3x3 convolutions, each step fed by the branch before.

    Section 3.2: y(i, j) = conv(y(i, j-1) + y(i-1, j)), the first step of a branch taking the
    branch's chunk of the input, and the last step of a branch nothing from the branch before.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, bias: bool) -> None:
        super().__init__()
        width = in_channels * 26 // 64
        self.conv_bn_relu1 = ConvNorm(in_channels, BRANCHES * width, 1, stride=stride, bias=bias)
        for branch in range(1, BRANCHES + 1):
            for step in range(1, branch + 1):
                self.add_module(
                    f"conv_bn_relu2_{branch}_{step}", ConvNorm(width, width, 3, bias=bias)
                )
        self.conv_bn_relu3 = ConvNorm(BRANCHES * width, out_channels, 1, bias=bias, linear=True)
        self.downsample = _shortcut(in_channels, out_channels, stride, bias)

    def forward(self, x: Tensor) -> Tensor:
        chunks = self.conv_bn_relu1(x).chunk(BRANCHES, dim=1)
        previous: list[Tensor] = []
        last_steps = []
        for branch, chunk in enumerate(chunks, start=1):
            steps: list[Tensor] = []
            y = chunk
            for step in range(1, branch + 1):
                if step < branch:
                    y = y + previous[step - 1]
                y = self.get_submodule(f"conv_bn_relu2_{branch}_{step}")(y)
                steps.append(y)
            previous = steps
            last_steps.append(y)
        out = self.conv_bn_relu3(torch.cat(last_steps, dim=1))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(out + shortcut)


class PlainBlock(nn.Module):
    """The Res-18 baseline's block: 1x1, 3x3 (stride), 1x1, all of the output's width."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, bias: bool) -> None:
        super().__init__()
        self.conv_bn_relu1 = ConvNorm(in_channels, out_channels, 1, bias=bias)
        self.conv_bn_relu2 = ConvNorm(out_channels, out_channels, 3, stride=stride, bias=bias)
        self.conv_bn_relu3 = ConvNorm(out_channels, out_channels, 1, bias=bias, linear=True)
        self.downsample = _shortcut(in_channels, out_channels, stride, bias)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv_bn_relu3(self.conv_bn_relu2(self.conv_bn_relu1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(branch + shortcut)


class PoseRefineMachine(nn.Module):
    """Channel and pixel gates on the last heatmaps, section 3.3; (N, K, h, w) → the same shape.

    a(1 + bc) with a a 3x3 convolution of the input, b a gate per channel from a's mean, c a gate
    per pixel from a 9x9 depthwise convolution. No published weights contain it. Training needs
    batches of at least two, because the channel gate's norms see one value per picture.
    """

    def __init__(self, joint_count: int) -> None:
        super().__init__()
        self.trunk = ConvNorm(joint_count, joint_count, 3)
        self.channel_gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            ConvNorm(joint_count, joint_count, 1),
            ConvNorm(joint_count, joint_count, 1),
            nn.Sigmoid(),
        )
        self.pixel_gate = nn.Sequential(
            ConvNorm(joint_count, joint_count, 1),
            ConvNorm(joint_count, joint_count, 9, groups=joint_count),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        trunk = self.trunk(x)
        return trunk * (1 + self.channel_gate(trunk) * self.pixel_gate(trunk))


class RSN(MultiStageNetwork):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4).

    Args:
        depth: 18 or 50.
        stage_count: number of stages.
        joint_count: number of heatmaps.
        block: residual steps, or the plain block of the Res-18 baseline.
        bias: biases before the norms, as in the original files; OpenMMLab's have none.
        refine: the pose refine machine on the last heatmaps.
    """

    def __init__(
        self,
        depth: RsnDepth = 18,
        stage_count: int = 1,
        joint_count: int = 17,
        *,
        block: RsnBlock = "residual_steps",
        bias: bool = True,
        refine: bool = False,
    ) -> None:
        factory: BlockFactory = ResidualStepsBlock if block == "residual_steps" else PlainBlock
        design = TrunkDesign(factory, DEPTHS[depth], CHANNELS)
        super().__init__(design, stage_count, joint_count, bias=bias)
        self.refine = PoseRefineMachine(joint_count) if refine else None

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """As in MSPN; with the refine machine the last heatmaps are the refined ones."""
        outputs = super().supervised_outputs(x)
        if self.refine is not None:
            outputs[-1] = self.refine(outputs[-1])
        return outputs


def _shortcut(in_channels: int, out_channels: int, stride: int, bias: bool) -> ConvNorm | None:
    """A projection where the shape changes, else the identity (None)."""
    if stride == 1 and in_channels == out_channels:
        return None
    return ConvNorm(in_channels, out_channels, 1, stride=stride, bias=bias, linear=True)


NAMES = re.compile(r"(?P<block>rsn|res)(?P<depth>18|50)_(?P<stages>[1-9])stage(?P<prm>_prm)?")
"""``res``: the paper's baseline of plain blocks; ``prm``: with the pose refine machine."""


def build(name: re.Match[str], joint_count: int, *, bias: bool = True) -> RSN:
    """A network of one of ``NAMES``."""
    return RSN(
        18 if name["depth"] == "18" else 50,
        int(name["stages"]),
        joint_count,
        block="residual_steps" if name["block"] == "rsn" else "plain",
        bias=bias,
        refine=bool(name["prm"]),
    )


def read(shapes: Shapes) -> Found:
    """Which RSN has these keys and shapes."""
    joint_count = size(shapes, JOINTS_KEY, "mspn, rsn")
    counts = block_counts(shapes, "stage0.downsample.")
    depth = next((known for known, blocks in DEPTHS.items() if blocks == counts), None)
    if depth is None:
        raise ValueError(
            f"the checkpoint is an RSN with {counts} blocks, supported are {list(DEPTHS.values())}"
        )
    steps = has(shapes, r"stage\d+\.downsample\.layer\d\.\d+\.conv_bn_relu2_1_1\.")
    name = f"{'rsn' if steps else 'res'}{depth}_{stage_count(shapes)}stage"
    name += "_prm" if has(shapes, r"refine\.") else ""
    return Found((name,), joint_count, {"bias": has_bias(shapes)})
