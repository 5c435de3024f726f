"""The compact one-stage person detector, in the layout of NanoDet-g.

NanoDet-g (RangiLyu, Apache-2.0, see NOTICE) is a small cross-stage-partial backbone of plain 3x3
convolutions (Wang et al. 2020), a path aggregation neck (Liu et al. 2018) that only adds, and a
convolution per level that says both score and edges. The edges are distributions over eleven
distances (Generalized Focal Loss, Li et al. 2020, section 3.2). Batch norms are folded into the
convolutions; of the original's eighty classes the person alone is kept. All of it is
convolutional, so any input whose sides are multiples of 32 will do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
"""Input pixels per cell of the three levels, in the order of the network's output."""

DISTANCES = 11
"""Distances of an edge's distribution: 0, 1, ... 10 strides from the cell's centre."""

MEAN_BGR = (103.53 / 255, 116.28 / 255, 123.675 / 255)
STD_BGR = (57.375 / 255, 57.12 / 255, 58.395 / 255)
"""What the network's input is normalised by, for values of 0..1, blue-green-red."""

NECK_CHANNELS = 128
_SLOPE = 0.1


class Convolution(nn.Conv2d):
    """A convolution that keeps the size (or halves it), then LeakyReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__(in_channels, out_channels, 3, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H / stride, W / stride)."""
        return functional.leaky_relu(super().forward(x), _SLOPE)


class HalfBlock(nn.Module):
    """Two convolutions of half the channels, one behind the other; both results are kept."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = Convolution(channels, channels // 2)
        self.second = Convolution(channels // 2, channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        x = self.first(x)
        return torch.cat([self.second(x), x], 1)


class CrossStage(nn.Module):
    """A convolution whose result goes on both through the blocks and beside them."""

    def __init__(self, channels: int, blocks: int, stride: int):
        super().__init__()
        self.enter = Convolution(channels, channels, stride)
        self.blocks = nn.Sequential(*(HalfBlock(channels) for _ in range(blocks)))
        self.leave = Convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 2 C, H / stride, W / stride)."""
        x = self.enter(x)
        return torch.cat([self.leave(self.blocks(x)), x], 1)


class Backbone(nn.Module):
    """The picture's features at strides 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 2)
        self.to_stride4 = CrossStage(32, 1, 1)
        self.to_stride8 = CrossStage(64, 2, 2)
        self.to_stride16 = CrossStage(128, 2, 2)
        self.to_stride32 = CrossStage(256, 3, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 3, H, W) to 128, 256 and 512 channels of strides 8, 16 and 32."""
        x = functional.max_pool2d(self.stem(x), 3, 2, 1)
        stride8 = self.to_stride8(self.to_stride4(x))
        stride16 = self.to_stride16(stride8)
        return stride8, stride16, self.to_stride32(stride16)


class Neck(nn.Module):
    """Bring the levels to one width, add the coarse ones to the fine ones and back again."""

    def __init__(self) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Conv2d(channels, NECK_CHANNELS, 1) for channels in (128, 256, 512)
        )

    def forward(self, levels: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Map the backbone's three maps to three of ``NECK_CHANNELS`` channels."""
        fine, middle, coarse = (lateral(x) for lateral, x in zip(self.laterals, levels))
        middle = middle + _twice(coarse)
        fine = fine + _twice(middle)
        middle = middle + functional.avg_pool2d(fine, 2)
        return fine, middle, coarse + functional.avg_pool2d(middle, 2)


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Head(nn.Module):
    """Score and edges of one level's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = Convolution(NECK_CHANNELS, NECK_CHANNELS)
        self.output = nn.Conv2d(NECK_CHANNELS, 1 + 4 * DISTANCES, 1)
        nn.init.normal_(self.output.weight, std=0.01)
        nn.init.zeros_(self.output.bias)  # type: ignore[arg-type]
        nn.init.constant_(self.output.bias[:1].detach(), -4.6)  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, h * w, 1 + 4 * DISTANCES), cells row by row."""
        output: Tensor = self.output(self.tower(x))
        return output.flatten(2).transpose(1, 2)


class CompactDetector(nn.Module):
    """Person boxes of a BGR picture in one pass.

    Input: (N, 3, H, W), BGR normalised by ``MEAN_BGR`` and ``STD_BGR``, H and W multiples of 32.
    Output: (N, cells, 5), for every cell of strides 8, 16, 32 in turn, row by row: the person
    logit and the distances left, top, right, bottom from the cell's centre to the box's edges in
    input pixels. ``rmpe.detectors.compact`` turns that into boxes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.neck = Neck()
        self.heads = nn.ModuleList(Head() for _ in STRIDES)

    def distributions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, H, W) to person logits (N, cells) and edge logits (N, cells, 4, DISTANCES).

        The edges are left, top, right, bottom; the softmax over the last axis is the probability
        of 0, 1, ... 10 strides.
        """
        return _logits_and_edges(torch.cat(self._levels(x), 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, cells, 5)."""
        boxes = []
        # Level by level, so that no constant of a traced network depends on the picture's size.
        for level, stride in zip(self._levels(x), STRIDES):
            logits, edges = _logits_and_edges(level)
            boxes.append(torch.cat([logits[..., None], mean_distances(edges) * float(stride)], -1))
        return torch.cat(boxes, 1)

    def _levels(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, H, W) to (N, cells, 1 + 4 * DISTANCES) of strides 8, 16 and 32."""
        features = self.neck(self.backbone(x))
        return [head(level) for head, level in zip(self.heads, features)]


def _logits_and_edges(output: Tensor) -> tuple[Tensor, Tensor]:
    return output[..., 0], output[..., 1:].unflatten(-1, (4, DISTANCES))


def mean_distances(edges: Tensor) -> Tensor:
    """Return the mean of the distributions (..., DISTANCES) in strides, (...)."""
    places = torch.arange(edges.shape[-1], device=edges.device, dtype=edges.dtype)
    return (edges.softmax(-1) * places).sum(-1)


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
