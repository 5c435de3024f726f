"""The compact pose network: MobileNetV2 with a light top-down pyramid.

It has the layers of MoveNet (Google, 2021, Apache-2.0; "Lightning" at width 1, "Thunder" at width
1.75), whose weights it starts from: the trunk of MobileNetV2 (Sandler et al., 2018), a feature
pyramid down to stride 4, the keypoint heatmap head with an own output for 19 joints, and the heads
of the person's centre and of the joints as seen from there. Batch norms are folded into the
convolutions. 2.3 M parameters at width 1, 6.2 M at 1.75; any height and width that divide by 32.

**Focus.** A crop often shows several people. As in MoveNet, the one whose centre is nearest to the
middle of the crop is meant: the joints as seen from that centre give a first guess of each, and the
heatmaps lose weight with the distance from it. MoveNet takes the one best cell as the centre; here
it is a mean over the cells, sharp enough to be the same, so that the focus learns too.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.shapes import Found, Shapes, size

__all__ = ["CompactPose", "Head", "compact_pose"]

NAMES = re.compile("compact(-accurate)?")

PYRAMID_CHANNELS = (24, 32, 64)
"""Channels of the pyramid at strides 4, 8 and 16 before they are added up."""
TRUNK_CHANNELS = 1280
"""Channels of the trunk's last map, at every width."""
HEAD_CHANNELS = 96
ACCURATE_WIDTH = 1.75
"""Width multiplier of the accurate network, MoveNet Thunder's."""

FOCUS_CELLS = 1.8
"""MoveNet's constant: a peak counts half when it lies this far, in cells, from where it is due."""
SHARPNESS = 2.0
"""Power of the focused maps: a distribution over cells out of peaks on a low background."""
CENTRE_SHARPNESS = 4.0
"""Power of the centre map before the mean over its cells; infinity would take the best cell."""
LARGEST_LOGIT = 16.0
"""Logits are cut off here, so that no runtime's exponential overflows."""


def scaled(channels: int, width: float) -> int:
    """Channels at a width multiplier: the nearest multiple of 8 (MobileNetV2's rule)."""
    return max(8, int(channels * width + 4) // 8 * 8)


def convolution3(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A 3x3 convolution; with stride 2 its input is padded by ``pad_for_stride2``."""
    return nn.Conv2d(inputs, outputs, 3, stride, 2 - stride, groups=groups)


def pad_for_stride2(x: Tensor) -> Tensor:
    """Zeros below and to the right, where TensorFlow's "SAME" puts them for even sides."""
    return functional.pad(x, (0, 1, 0, 1))


class InvertedResidual(nn.Module):
    """Expand 1x1, filter in depth, project 1x1; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        wide = 6 * inputs  # MobileNetV2's expansion
        self.expand = nn.Conv2d(inputs, wide, 1)
        self.filter = convolution3(wide, wide, stride, groups=wide)
        self.is_halving = stride == 2
        self.project = nn.Conv2d(wide, outputs, 1)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h / stride, w / stride)."""
        y = functional.relu6(self.expand(x))
        y = self.filter(pad_for_stride2(y) if self.is_halving else y)
        y = self.project(functional.relu6(y))
        return x + y if self.has_shortcut else y


class Separable(nn.Module):
    """A depthwise 3x3 without activation, then a 1x1 with ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.mix = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h, w)."""
        return functional.relu(self.mix(self.filter(x)))


class Head(nn.Module):
    """Dense predictions from the pyramid's finest map: a separable convolution and a 1x1."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.hidden = Separable(PYRAMID_CHANNELS[0], HEAD_CHANNELS)
        self.output = nn.Conv2d(HEAD_CHANNELS, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 24, h, w) -> (N, outputs, h, w)."""
        y: Tensor = self.output(self.hidden(x))
        return y


def _level(inputs: int, outputs: int, count: int, stride: int) -> list[InvertedResidual]:
    blocks = [InvertedResidual(inputs, outputs, stride)]
    return blocks + [InvertedResidual(outputs, outputs) for _ in range(count - 1)]


class CompactPose(nn.Module):
    """Heatmap network for one upright person crop, RGB in 0..1.

    The outputs are logits: a softmax over the cells of one joint's map is the distribution of its
    place. Cell (i, j) covers input pixels 4i..4i+3, so its centre lies at 4i + 1.5.
    """

    def __init__(self, joint_count: int = 19, width: float = 1.0, focused: bool = True) -> None:
        """Build the network.

        Args:
            joint_count: heatmaps.
            width: MobileNetV2's multiplier of the trunk's channels.
            focused: whether the maps are those of the person in the middle; without it they show
                everybody, as the joint-candidate loss wants them.
        """
        super().__init__()
        stem, c2, c4, c8, c16, middle, c32, last = (
            scaled(channels, width) for channels in (32, 16, 24, 32, 64, 96, 160, 320)
        )
        fine, half, coarse = PYRAMID_CHANNELS
        self.stem = convolution3(3, stem, stride=2)
        self.stem_filter = convolution3(stem, stem, groups=stem)
        self.stem_project = nn.Conv2d(stem, c2, 1)
        self.level4 = nn.Sequential(*_level(c2, c4, 2, stride=2))
        self.level8 = nn.Sequential(*_level(c4, c8, 3, stride=2))
        self.level16 = nn.Sequential(*_level(c8, c16, 4, stride=2))
        self.level32 = nn.Sequential(
            *_level(c16, middle, 3, stride=1),
            *_level(middle, c32, 3, stride=2),
            *_level(c32, last, 1, stride=1),
        )
        self.last = nn.Conv2d(last, TRUNK_CHANNELS, 1)
        self.lateral4 = nn.Conv2d(c4, fine, 1)
        self.lateral8 = nn.Conv2d(c8, half, 1)
        self.lateral16 = nn.Conv2d(c16, coarse, 1)
        self.lateral32 = nn.Conv2d(TRUNK_CHANNELS, coarse, 1)
        self.merge16 = Separable(coarse, half)
        self.merge8 = Separable(half, fine)
        self.merge4 = Separable(fine, fine)
        self.head = Head(joint_count)
        self.focused = focused
        self.focus_cells, self.centre_sharpness = FOCUS_CELLS, CENTRE_SHARPNESS
        if focused:
            self.centre = Head(1)
            self.from_centre = Head(2 * joint_count)

    def fine_levels(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Trunk to stride 8: RGB 0..1 (N, 3, H, W) -> (N, c4, H/4, W/4), (N, c8, H/8, W/8)."""
        y = functional.relu6(self.stem(pad_for_stride2(2.0 * x - 1.0)))
        y = self.stem_project(functional.relu6(self.stem_filter(y)))
        level4 = self.level4(y)
        return level4, self.level8(level4)

    def pyramid(self, level4: Tensor, level8: Tensor) -> Tensor:
        """The trunk's rest and the way back to stride 4 -> (N, 24, H/4, W/4)."""
        level16 = self.level16(level8)
        y = self.lateral32(functional.relu6(self.last(self.level32(level16))))
        y = self.merge16(_double(y) + self.lateral16(level16))
        y = self.merge8(_double(y) + self.lateral8(level8))
        finest: Tensor = self.merge4(_double(y) + self.lateral4(level4))
        return finest

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in 0..1 -> heatmap logits (N, K, H/4, W/4).

        Raises ValueError when H or W does not divide by 32.
        """
        if x.shape[-2] % 32 or x.shape[-1] % 32:
            raise ValueError(
                f"got an input of {x.shape[-2]}x{x.shape[-1]} pixels, supported are multiples of 32"
            )
        finest = self.pyramid(*self.fine_levels(x))
        logits: Tensor = self.head(finest)
        return self.focus(logits, self.guess(finest)) if self.focused else logits

    def guess(self, finest: Tensor) -> Tensor:
        """Where the joints of the person in the middle are due, from the pyramid's finest map.

        Args:
            finest: (N, 24, h, w).

        Returns:
            Rows and columns in cells, (N, K, 2), float32.
        """
        read, middle = self.pooled(finest)
        # Half precision would be too coarse for places among 80 cells.
        with torch.autocast(finest.device.type, enabled=False):
            output = self.from_centre.output
            assert output.bias is not None
            offsets = functional.linear(read, output.weight.flatten(1).float(), output.bias.float())
            return middle[:, None] + offsets.unflatten(1, (-1, 2))  # (N, 1, 2) + (N, K, 2)

    def pooled(self, finest: Tensor) -> tuple[Tensor, Tensor]:
        """What the joints are told from (N, 96), and the person's centre in cells (N, 2)."""
        height, width = (int(side) for side in finest.shape[-2:])
        # The centre of the person that is meant lies in the middle half of the crop.
        rows = slice(height // 4, height - height // 4)
        columns = slice(width // 4, width - width // 4)
        finest = finest[..., rows, columns]
        centre = self.centre(finest).float().flatten(1)  # (N, 1, h / 2, w / 2) -> (N, cells)
        hidden = self.from_centre.hidden(finest).float().flatten(2)  # (N, 96, cells)
        with torch.autocast(finest.device.type, enabled=False):
            cells = _cells(height, width, rows, columns).to(finest.device)  # from the middle
            near = _log_sigmoid(centre) - torch.log(cells.norm(dim=-1) + self.focus_cells)
            weights = torch.softmax(self.centre_sharpness * near, -1)  # (N, cells)
            # The output layer is linear, so that one mean of what it reads serves for all cells.
            read = torch.matmul(hidden, weights[..., None])[..., 0]  # (N, 96)
            middle = torch.matmul(weights, cells) + cells.new_tensor([height / 2, width / 2])
            return read, middle

    def focus(self, logits: Tensor, guess_yx: Tensor) -> Tensor:
        """Weigh the maps (N, K, h, w) down around the guess (N, K, 2): logits over cells.

        ``SHARPNESS * log(sigmoid(logits) / (distance / focus_cells + 1))``, in one logarithm.
        """
        height, width = (int(side) for side in logits.shape[-2:])
        rows = torch.arange(height, dtype=torch.float32, device=logits.device)
        columns = torch.arange(width, dtype=torch.float32, device=logits.device)
        along_y = ((rows - guess_yx[..., :1]) / self.focus_cells).square()  # (N, K, h)
        # The small number keeps the gradient finite at the guess itself.
        along_x = ((columns - guess_yx[..., 1:]) / self.focus_cells).square() + 1e-4  # (N, K, w)
        distance = torch.sqrt(along_y[..., :, None] + along_x[..., None, :])  # (N, K, h, w)
        inverse = 1 + torch.exp((-logits.float()).clamp(max=LARGEST_LOGIT))  # 1 / sigmoid
        return -SHARPNESS * torch.log(inverse * (distance + 1))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The one output that is trained: [logits]."""
        return [self(x)]


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _log_sigmoid(logits: Tensor) -> Tensor:
    return -functional.softplus(-logits.clamp(-LARGEST_LOGIT, LARGEST_LOGIT))


def _cells(height: int, width: int, rows: slice, columns: slice) -> Tensor:
    """Places of some cells (rows, columns) as seen from the middle of the map, (cells, 2)."""
    y = torch.arange(height, dtype=torch.float32)[rows] - height / 2
    x = torch.arange(width, dtype=torch.float32)[columns] - width / 2
    return torch.stack(torch.meshgrid(y, x, indexing="ij"), -1).flatten(0, 1)


def compact_pose(joint_count: int = 19, focused: bool = True) -> CompactPose:
    """The bundled network for speed: COCO-17 and neck and head top, 256x192 crops."""
    return CompactPose(joint_count, focused=focused)


def build(name: re.Match[str], joint_count: int, focused: bool = True) -> CompactPose:
    """``compact`` for speed, or ``compact-accurate``; weights of old have no heads to focus."""
    return CompactPose(joint_count, ACCURATE_WIDTH if name[1] else 1.0, focused)


def read(shapes: Shapes) -> Found:
    """Width and heads of some keys and shapes."""
    joint_count = size(shapes, "head.output.weight", "compact")
    stem = size(shapes, "stem.weight", "compact")
    variants = {scaled(32, 1.0): "compact", scaled(32, ACCURATE_WIDTH): "compact-accurate"}
    if stem not in variants:
        raise ValueError(f"a compact pose network's stem has {', '.join(map(str, variants))} "
                         f"channels, this one has {stem}")  # fmt: skip
    return Found((variants[stem],), joint_count, {"focused": "centre.output.weight" in shapes})
