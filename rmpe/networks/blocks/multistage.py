"""The stages that MSPN and RSN share: a trunk down, a path up, maps handed to the next stage.

Li et al., "Rethinking on Multi-Stage Networks for Human Pose Estimation", 2019, section 3. A stage
is four layers down (strides 4, 8, 16, 32) and four units up (``up1`` at stride 32 ... ``up4`` at
stride 4); every unit predicts heatmaps and hands features on by ``skip1`` and ``skip2``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.layers import ConvNorm, resize_bilinear
from rmpe.networks.blocks.shapes import Shapes, count, has

STEM_CHANNELS = 64
UNIT_CHANNELS = 256
LEVELS = 4


class BlockFactory(Protocol):
    """Builds one residual block of a layer."""

    def __call__(
        self, in_channels: int, out_channels: int, *, stride: int, bias: bool
    ) -> nn.Module:
        """A module (N, in_channels, h, w) → (N, out_channels, h/stride, w/stride)."""


class TrunkDesign(NamedTuple):
    """What tells the networks of this kind apart."""

    block: BlockFactory
    """Residual block."""
    depths: tuple[int, int, int, int]
    """Blocks in layer1..layer4."""
    channels: tuple[int, int, int, int]
    """Output channels of layer1..layer4."""


class Trunk(nn.Module):
    """The four layers down."""

    def __init__(self, design: TrunkDesign, *, bias: bool) -> None:
        super().__init__()
        in_channels = STEM_CHANNELS
        for level, (depth, channels) in enumerate(zip(design.depths, design.channels, strict=True)):
            blocks = []
            for index in range(depth):
                stride = 2 if level > 0 and index == 0 else 1
                blocks.append(design.block(in_channels, channels, stride=stride, bias=bias))
                in_channels = channels
            self.add_module(f"layer{level + 1}", nn.Sequential(*blocks))

    def forward(self, x: Tensor, carried: Sequence[Tensor] | None) -> list[Tensor]:
        """(N, 64, h, w) → the maps of layer1..layer4, each with what is carried from before."""
        maps = []
        for level in range(LEVELS):
            x = self.get_submodule(f"layer{level + 1}")(x)
            if carried is not None:
                x = x + carried[level]
            maps.append(x)
        return maps


class UpUnit(nn.Module):
    """One level of the path up.

    Args:
        in_channels: channels of the trunk's map at this level.
        joint_count: number of heatmaps.
        first: the coarsest unit, which has no unit below.
        carries: a further stage follows.
        crosses: this unit's features are the next stage's input.
    """

    def __init__(
        self,
        in_channels: int,
        joint_count: int,
        *,
        first: bool,
        carries: bool,
        crosses: bool,
        bias: bool,
    ) -> None:
        super().__init__()
        self.u_skip = ConvNorm(in_channels, UNIT_CHANNELS, 1, bias=bias, linear=True)
        self.up_conv = (
            None if first else ConvNorm(UNIT_CHANNELS, UNIT_CHANNELS, 1, bias=bias, linear=True)
        )
        self.skip1 = ConvNorm(in_channels, in_channels, 1, bias=bias) if carries else None
        self.skip2 = ConvNorm(UNIT_CHANNELS, in_channels, 1, bias=bias) if carries else None
        self.cross_conv = ConvNorm(UNIT_CHANNELS, STEM_CHANNELS, 1, bias=bias) if crosses else None
        self.res_conv1 = ConvNorm(UNIT_CHANNELS, UNIT_CHANNELS, 1, bias=bias)
        self.res_conv2 = ConvNorm(UNIT_CHANNELS, joint_count, 3, bias=bias, linear=True)

    def forward(self, x: Tensor, below: Tensor | None) -> Tensor:
        """Trunk map (N, C, h, w) and the unit below's features → features (N, 256, h, w)."""
        features = self.u_skip(x)
        if self.up_conv is not None and below is not None:
            features = features + self.up_conv(resize_bilinear(below, x.shape[-2:]))
        return functional.relu(features)

    def heatmaps(self, features: Tensor) -> Tensor:
        """(N, 256, h, w) → (N, K, h, w)."""
        return self.res_conv2(self.res_conv1(features))

    def carried(self, x: Tensor, features: Tensor) -> Tensor | None:
        """What the next stage adds to its map of this level, if there is a next stage."""
        if self.skip1 is None or self.skip2 is None:
            return None
        return self.skip1(x) + self.skip2(features)


class StageOutput(NamedTuple):
    """What a stage hands on."""

    heatmaps: list[Tensor]
    """One of the four units each, coarsest first, all at stride 4."""
    crossed: Tensor | None
    """Input of the next stage."""
    carried: list[Tensor]
    """Sums for the next stage's layer1..layer4; empty in the last stage."""


class Stage(nn.Module):
    """One trip down and up."""

    def __init__(self, design: TrunkDesign, joint_count: int, *, is_last: bool, bias: bool) -> None:
        super().__init__()
        self.downsample = Trunk(design, bias=bias)
        self.upsample = nn.Module()
        for unit in range(1, LEVELS + 1):
            self.upsample.add_module(
                f"up{unit}",
                UpUnit(
                    design.channels[LEVELS - unit],
                    joint_count,
                    first=unit == 1,
                    carries=not is_last,
                    crosses=not is_last and unit == LEVELS,
                    bias=bias,
                ),
            )

    def forward(self, x: Tensor, carried: Sequence[Tensor] | None) -> StageOutput:
        maps = self.downsample(x, carried)
        features: Tensor | None = None
        crossed: Tensor | None = None
        heatmaps: list[Tensor] = []
        carry: list[Tensor] = []
        for unit_number, level_map in enumerate(reversed(maps), start=1):
            unit = self.upsample.get_submodule(f"up{unit_number}")
            assert isinstance(unit, UpUnit)
            features = unit(level_map, features)
            assert features is not None
            heatmaps.append(resize_bilinear(unit.heatmaps(features), maps[0].shape[-2:]))
            carried_map = unit.carried(level_map, features)
            if carried_map is not None:
                carry.insert(0, carried_map)
            if unit.cross_conv is not None:
                crossed = unit.cross_conv(features)
        return StageOutput(heatmaps, crossed, carry)


class MultiStageNetwork(nn.Module):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4).

    Args:
        design: block, depths and channels of the trunks.
        stage_count: stages, one after the other.
        joint_count: number of heatmaps.
        bias: biases before the norms, as in Megvii's files; OpenMMLab's have none.
    """

    def __init__(
        self, design: TrunkDesign, stage_count: int, joint_count: int, *, bias: bool = True
    ) -> None:
        super().__init__()
        if stage_count < 1:
            raise ValueError(f"got {stage_count} stages, at least 1 is needed")
        self.stage_count = stage_count
        self.top = nn.ModuleDict({"conv": ConvNorm(3, STEM_CHANNELS, 7, stride=2, bias=bias)})
        for stage in range(stage_count):
            is_last = stage == stage_count - 1
            self.add_module(f"stage{stage}", Stage(design, joint_count, is_last=is_last, bias=bias))

    def forward(self, x: Tensor) -> Tensor:
        return self.supervised_outputs(x)[-1]

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """Four heatmaps of each stage, first stage and coarsest unit first; the last is decoded."""
        x = functional.max_pool2d(self.top["conv"](x), 3, stride=2, padding=1)
        crossed: Tensor | None = x
        carried: list[Tensor] | None = None
        outputs: list[Tensor] = []
        for stage in range(self.stage_count):
            heatmaps, crossed, carried = self.get_submodule(f"stage{stage}")(crossed, carried)
            outputs += heatmaps
        return outputs


JOINTS_KEY = "stage0.upsample.up4.res_conv2.bn.weight"
"""A tensor of as many values as there are heatmaps."""


def stage_count(shapes: Shapes) -> int:
    """Return the number of stages that a checkpoint's keys show."""
    return count(shapes, r"stage(\d+)\.")


def has_bias(shapes: Shapes) -> bool:
    """Tell whether the convolutions before the norms have biases."""
    return has(shapes, r"(top|stage\d+)\..*conv\.bias$")
