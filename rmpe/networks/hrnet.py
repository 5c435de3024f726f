"""HRNet: parallel branches of several resolutions that exchange maps all the way.

Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation",
CVPR 2019, section 3. Key names are those of the published files.
"""

from __future__ import annotations

import re

from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.resnet import Bottleneck
from rmpe.networks.blocks.shapes import Found, Shapes, size

STAGE_MODULES = (1, 4, 3)
"""Exchange modules in stage2, stage3, stage4."""

BLOCKS_PER_BRANCH = 4


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around an identity shortcut; (N, C, h, w) → the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        branch = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(branch)) + x)


class ExchangeModule(nn.Module):
    """Four blocks on every branch, then each output is the sum of all branches, resized.

    Args:
        widths: channels of the branches, finest first.
        output_count: how many of the outputs are computed (the network's last module: one).
    """

    def __init__(self, widths: tuple[int, ...], output_count: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width) for _ in range(BLOCKS_PER_BRANCH)))
            for width in widths
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_exchange(widths, source, target) for source in range(len(widths)))
            for target in range(output_count)
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        outputs = []
        for exchanges in self.fuse_layers:
            assert isinstance(exchanges, nn.ModuleList)
            total = exchanges[0](maps[0])
            for exchange, x in zip(exchanges[1:], maps[1:], strict=True):
                total = total + exchange(x)
            outputs.append(functional.relu(total))
        return outputs


class HRNet(nn.Module):
    """(N, 3, H, W) → heatmaps (N, joint_count, H/4, W/4); H and W in multiples of 32.

    Args:
        width: channels of the finest branch, 32 or 48 in the published files.
        joint_count: number of heatmaps.
    """

    def __init__(self, width: int = 32, joint_count: int = 17) -> None:
        super().__init__()
        widths = tuple(width * 2**level for level in range(4))
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Bottleneck(64, 64), *(Bottleneck(256, 64) for _ in range(3)))
        self.transition1 = nn.ModuleList(
            (_conv_norm_relu(256, widths[0], 1), nn.Sequential(_conv_norm_relu(256, widths[1], 2)))
        )
        self.stage2 = _stage(widths[:2], STAGE_MODULES[0])
        self.transition2 = _new_branch(widths[:3])
        self.stage3 = _stage(widths[:3], STAGE_MODULES[1])
        self.transition3 = _new_branch(widths)
        self.stage4 = _stage(widths, STAGE_MODULES[2], last_output_count=1)
        self.final_layer = nn.Conv2d(width, joint_count, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        x = self.layer1(x)
        maps = [transition(x) for transition in self.transition1]
        for module in self.stage2:
            maps = module(maps)
        maps = [*maps, self.transition2[-1](maps[-1])]
        for module in self.stage3:
            maps = module(maps)
        maps = [*maps, self.transition3[-1](maps[-1])]
        for module in self.stage4:
            maps = module(maps)
        return self.final_layer(maps[0])

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps alone: this family has no intermediate supervision."""
        return [self(x)]


def _conv_norm_relu(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def _new_branch(widths: tuple[int, ...]) -> nn.ModuleList:
    """Identities for the branches there are and one strided convolution for the new one."""
    identities = (nn.Identity() for _ in widths[:-1])
    return nn.ModuleList((*identities, nn.Sequential(_conv_norm_relu(widths[-2], widths[-1], 2))))


def _stage(
    widths: tuple[int, ...], module_count: int, last_output_count: int | None = None
) -> nn.Sequential:
    output_counts = [len(widths)] * module_count
    if last_output_count is not None:
        output_counts[-1] = last_output_count
    return nn.Sequential(*(ExchangeModule(widths, count) for count in output_counts))


def _exchange(widths: tuple[int, ...], source: int, target: int) -> nn.Module:
    """What turns branch ``source``'s map into a summand of output ``target``."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            nn.Conv2d(widths[source], widths[target], 1, bias=False),
            nn.BatchNorm2d(widths[target]),
            nn.Upsample(scale_factor=float(2 ** (source - target)), mode="nearest"),
        )
    steps: list[nn.Module] = []
    for step in range(target - source):
        is_last = step == target - source - 1
        out_channels = widths[target] if is_last else widths[source]
        halving = _conv_norm_relu(widths[source], out_channels, 2)
        steps.append(halving[:2] if is_last else halving)
    return nn.Sequential(*steps)


NAMES = re.compile(r"hrnet_w(?P<width>[1-9]\d{0,2})")
"""By the channels of the finest branch; published are 32 and 48, 18 and 64 are in use too."""


def build(name: re.Match[str], joint_count: int) -> HRNet:
    """A network of one of ``NAMES``."""
    return HRNet(int(name["width"]), joint_count)


def read(shapes: Shapes) -> Found:
    """Which HRNet has these keys and shapes."""
    joint_count = size(shapes, "final_layer.weight", "hrnet")
    width = size(shapes, "final_layer.weight", "hrnet", 1)
    return Found((f"hrnet_w{width}",), joint_count)


def hrnet_w32(joint_count: int = 17) -> HRNet:
    """32 channels in the finest branch."""
    return HRNet(32, joint_count)
