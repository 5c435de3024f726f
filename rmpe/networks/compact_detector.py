"""The compact one-stage person detector: BlazePose's detector backbone with body-box heads.

The backbone and its top-down neck have the layout of MediaPipe's ``pose_detection.tflite``
(Apache-2.0, see NOTICE); batch norms are folded into the convolutions as in the original file.
All of it is convolutional, so any input whose sides are multiples of 32 will do. The anchor-free
head on strides 8, 16 and 32 (FCOS, Tian et al. 2019, without centre-ness; the score is trained
towards the box's IoU as in Generalized Focal Loss, Li et al. 2020) is this project's own; it sees
what BlazePose's anchor heads say about the cell, which is where its training starts from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
"""Input pixels per cell of the three levels, in the order of the network's output."""

NECK_CHANNELS = (96, 192, 1152)
"""Channels of the neck's maps at strides 8, 16 and 32."""


class InvertedResidual(nn.Module):
    """Widen by a 1x1 convolution, filter each channel, narrow again; add the input if it fits.

    MobileNetV2 (Sandler et al. 2018), section 3.3, with biases in place of batch norms.
    """

    def __init__(
        self, in_channels: int, wide: int, out_channels: int, kernel: int, stride: int = 1
    ):
        super().__init__()
        self.expand = nn.Conv2d(in_channels, wide, 1)
        self.filter = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide)
        self.project = nn.Conv2d(wide, out_channels, 1)
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H / stride, W / stride)."""
        y = functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.filter(y)))
        return x + y if self.has_shortcut else y


class SeparableResidual(nn.Module):
    """Add a depthwise 3x3 and a 1x1 convolution to the input, then ReLU6."""

    def __init__(self, channels: int):
        super().__init__()
        self.filter = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return functional.relu6(x + self.mix(self.filter(x)))


class Lateral(nn.Module):
    """Carry a backbone map into the neck: depthwise 3x3, then 1x1 and ReLU6."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.filter = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels)
        self.mix = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H, W)."""
        return functional.relu6(self.mix(self.filter(x)))


class TopDown(nn.Module):
    """Bring a coarse map to the next finer level: 1x1, twice the size (bilinear), ReLU6.

    The original enlarges before the 1x1; both are linear and commute, this order is 4x cheaper.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.mix = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, 2 H, 2 W)."""
        y = functional.interpolate(self.mix(x), scale_factor=2.0, mode="bilinear")
        return functional.relu6(y)


class BlazeBackbone(nn.Module):
    """BlazePose's detector without its anchor heads: RGB in -1..1 to maps at strides 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, 2, 1)
        self.stem_filter = nn.Conv2d(24, 24, 3, padding=1, groups=24)
        self.stem_project = nn.Conv2d(24, 16, 1)
        self.to_stride8 = nn.Sequential(
            InvertedResidual(16, 64, 24, 3, 2),
            InvertedResidual(24, 144, 24, 3),
            InvertedResidual(24, 144, 40, 5, 2),
            InvertedResidual(40, 240, 40, 5),
        )
        self.to_stride16 = nn.Sequential(
            InvertedResidual(40, 240, 80, 3, 2),
            InvertedResidual(80, 480, 80, 3),
            InvertedResidual(80, 480, 80, 3),
            InvertedResidual(80, 480, 112, 5),
            InvertedResidual(112, 672, 112, 5),
            InvertedResidual(112, 672, 112, 5),
        )
        self.to_stride32 = nn.Sequential(
            InvertedResidual(112, 672, 192, 5, 2),
            InvertedResidual(192, 1152, 192, 5),
            InvertedResidual(192, 1152, 192, 5),
            InvertedResidual(192, 1152, 192, 5),
        )
        self.last_expand = nn.Conv2d(192, 1152, 1)
        self.last_filter = nn.Conv2d(1152, 1152, 3, padding=1, groups=1152)
        self.lateral8 = Lateral(40, 96)
        self.lateral16 = Lateral(112, 192)
        self.down16 = TopDown(1152, 192)
        self.down8 = TopDown(192, 96)
        self.refine16 = nn.Sequential(SeparableResidual(192), SeparableResidual(192))
        self.refine8 = nn.Sequential(SeparableResidual(96), SeparableResidual(96))

    def early(self, x: Tensor) -> Tensor:
        """Map the input (N, 3, H, W) to the backbone's 40 channels at stride 8."""
        y = functional.relu6(self.stem(x))
        y = self.stem_project(functional.relu6(self.stem_filter(y)))
        stride8: Tensor = self.to_stride8(y)
        return stride8

    def late(self, stride8: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map ``early``'s output to the three maps of ``forward``."""
        stride16 = self.to_stride16(stride8)
        stride32 = functional.relu6(self.last_expand(self.to_stride32(stride16)))
        stride32 = functional.relu6(self.last_filter(stride32))
        stride16 = self.refine16(self.lateral16(stride16) + self.down16(stride32))
        return self.refine8(self.lateral8(stride8) + self.down8(stride16)), stride16, stride32

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 3, H, W), sides multiples of 32, to 96, 192 and 1152 channels.

        Returns:
            Maps of H/8 x W/8, H/16 x W/16 and H/32 x W/32 cells.
        """
        return self.late(self.early(x))


ANCHORS_PER_CELL = (2, 2, 6)
"""Anchors of BlazePose's heads at strides 8, 16 and 32."""
VALUES_PER_ANCHOR = 12
"""Centre, width, height and four points (hips, body circle, shoulders, upper circle), in pixels."""


class AnchorView(nn.Module):
    """What BlazePose's own head says about every cell: a logit and twelve distances.

    The original spreads a cell's channels over 2x2 cells, filters them with stride 2 and mixes
    them; without an activation in between that is a depthwise 3x3 and a 1x1 on the cell itself.
    """

    def __init__(self, in_channels: int, anchors: int):
        super().__init__()
        self.score_filter = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels)
        self.score = nn.Conv2d(in_channels, anchors, 1)
        self.value_filter = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels)
        self.value = nn.Conv2d(in_channels, anchors * VALUES_PER_ANCHOR, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, in, h, w) to logits (N, anchors, h, w) and pixels (N, anchors, 12, h, w)."""
        logits = self.score(self.score_filter(x))
        values = self.value(self.value_filter(x))
        return logits, values.unflatten(1, (-1, VALUES_PER_ANCHOR))


class BoxHead(nn.Module):
    """Score and four distances for every cell of one level, beside BlazePose's view of it."""

    LOGIT_SCALE = 4.0
    """Divides BlazePose's logits to the size of the other channels."""

    def __init__(self, in_channels: int, channels: int, anchors: int, stride: int):
        super().__init__()
        self.stride = stride
        self.anchor_view = AnchorView(in_channels, anchors)
        self.reduce: nn.Module = (
            nn.Identity() if in_channels == channels else nn.Conv2d(in_channels, channels, 1)
        )
        self.score_tower = nn.Sequential(SeparableResidual(channels), SeparableResidual(channels))
        self.box_tower = nn.Sequential(SeparableResidual(channels), SeparableResidual(channels))
        self.score = nn.Conv2d(channels + 1, 1, 1)
        self.distances = nn.Conv2d(channels + VALUES_PER_ANCHOR, 4, 1)
        self._initialise()

    def _initialise(self) -> None:
        for module in (*self.score_tower.modules(), *self.box_tower.modules()):
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
            if isinstance(module, SeparableResidual):
                module.mix.weight.data.mul_(0.3)
        for output in (self.score, self.distances):
            nn.init.normal_(output.weight, std=0.03)
        nn.init.constant_(self.score.weight[:, -1:].detach(), 2.0)
        nn.init.constant_(self.score.bias, -1.5)  # type: ignore[arg-type]
        nn.init.constant_(self.distances.bias, 2.0)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, h, w) to (N, h * w, 5): logit, then left, top, right, bottom in pixels."""
        logits, values = self.anchor_view(x)
        seen = logits.amax(1, keepdim=True).clamp(-16.0, 16.0) / self.LOGIT_SCALE
        points = (values.mean(1) / self.stride).clamp(-32.0, 32.0)
        x = functional.relu6(self.reduce(x))
        score = self.score(torch.cat([self.score_tower(x), seen], 1))
        distances = self.distances(torch.cat([self.box_tower(x), points], 1))
        output = torch.cat([score, functional.softplus(distances) * self.stride], 1)
        return output.flatten(2).transpose(1, 2)


class CompactDetector(nn.Module):
    """Person boxes of an RGB picture in one pass.

    Input: (N, 3, H, W), RGB scaled to -1..1, H and W multiples of 32.
    Output: (N, cells, 5), for every cell of strides 8, 16, 32 in turn, row by row: the person
    logit and the distances left, top, right, bottom from the cell's centre to the box's edges in
    input pixels. ``rmpe.detectors.compact`` turns that into boxes.
    """

    def __init__(self, head_channels: int = 96):
        super().__init__()
        self.backbone = BlazeBackbone()
        self.heads = nn.ModuleList(
            BoxHead(channels, head_channels, anchors, stride)
            for channels, anchors, stride in zip(NECK_CHANNELS, ANCHORS_PER_CELL, STRIDES)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, cells, 5)."""
        levels = self.backbone(x)
        return torch.cat([head(level) for head, level in zip(self.heads, levels)], 1)


def cell_centres(height: int, width: int) -> Tensor:
    """Return the centres (x, y) of the output's cells in input pixels, (cells, 2).

    Pixels as in ``rmpe.records``: the centre of the top-left pixel is (0, 0), so the first cell of
    stride 8 is centred at (3.5, 3.5).

    Raises:
        ValueError: a side is not a positive multiple of 32.
    """
    if height % 32 or width % 32 or min(height, width) < 32:
        raise ValueError(f"the input is {width}x{height}, its sides must be multiples of 32")
    levels = []
    for stride in STRIDES:
        y, x = torch.meshgrid(
            torch.arange(height // stride), torch.arange(width // stride), indexing="ij"
        )
        centres = torch.stack([x, y], -1).reshape(-1, 2).float() * stride + (stride - 1) / 2
        levels.append(centres)
    return torch.cat(levels)


def cell_strides(height: int, width: int) -> Tensor:
    """Return the stride of every cell of the output, (cells,), for an input of that size."""
    counts = [(height // stride) * (width // stride) for stride in STRIDES]
    return torch.repeat_interleave(torch.tensor(STRIDES), torch.tensor(counts)).float()


def boxes_from_output(output: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return boxes xyxy (N, cells, 4) in input pixels and scores (N, cells) in 0..1."""
    centres = cell_centres(height, width).to(output)
    boxes = torch.cat([centres - output[..., 1:3], centres + output[..., 3:5]], -1)
    return boxes, output[..., 0].sigmoid()
