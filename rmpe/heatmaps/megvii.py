"""Peaks of Gaussian-smoothed maps: MSPN, RSN, CPN, and mmpose's variant of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rmpe.heatmaps._peaks import first_maximum, neighbour_differences, values_at
from rmpe.heatmaps._targets import blurred_pixel_maps
from rmpe.heatmaps._two_highest import ZeroPlane, two_highest
from rmpe.heatmaps.codec import Codec


@dataclass(frozen=True, kw_only=True)
class _BlurredCells(Codec):
    """Targets that both readings share: the joint's cell blurred and rescaled to the peak."""

    peak: float = 255.0
    """Highest value of a target."""
    target_kernel_size: int = 7
    """Gaussian kernel of the target; the coarser outputs of training use larger ones."""

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        cells = torch.floor(joints / self.stride)  # (N, K, 2)
        return blurred_pixel_maps(cells, visible, height, width, self.target_kernel_size, self.peak)


@dataclass(frozen=True, kw_only=True)
class SmoothedCodec(_BlurredCells):
    """MSPN's, RSN's and CPN's convention: maps of peak 255, cell c lies at ``stride * c + 2``.

    The map is smoothed inside a border of zeros; the joint is the highest cell moved by a quarter
    toward the second highest, cut to the map. The score is read from the map before smoothing at
    the rounded position. Source: measured rules of the public MSPN, RSN and CPN code.
    """

    kernel_size: int = 5
    """Gaussian kernel of the smoothing: 5 on COCO, 9 on MPII, 21 for CPN."""
    divide_by_maximum: bool = False
    """Whether a map is divided by its own maximum before smoothing (CPN); a wholly negative map is
    turned over by it, as in the public code, and a wholly empty one stays as it is."""
    offset_px: float = 2.0
    """Where cell 0 lies, in input pixels."""

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are the values before smoothing at the rounded places."""
        height, width = maps.shape[1:]
        highest, second = two_highest(maps, self.kernel_size)  # (M, 2) each
        if self.divide_by_maximum and len(maps):
            # Only the divisor's sign moves a peak: a wholly negative map is turned over.
            turned = (maps.flatten(1).amax(1) < 0).nonzero()[:, 0]
            highest[turned], second[turned] = two_highest(-maps[turned], self.kernel_size)
        way = second - highest  # (M, 2), from the first to the second highest cell
        length = way.norm(dim=1, keepdim=True)
        xy = highest + torch.where(length > 1e-3, 0.25 * way / length.clamp(min=1e-3), 0.0)
        last = torch.tensor([width - 1, height - 1], dtype=xy.dtype, device=xy.device)
        xy = torch.minimum(xy.clamp(min=0.0), last)
        cell = xy.round().to(torch.int64)  # (M, 2)
        values = values_at(maps.view(-1, height * width), cell[:, 0], cell[:, 1], width)
        # The published networks learn maps of 255; their code adds half a point to every score.
        return xy * self.stride + self.offset_px, values / self.peak + 0.5


@dataclass(frozen=True, kw_only=True)
class MegviiCodec(_BlurredCells):
    """mmpose's reading of MSPN and RSN maps: smoothed argmax, quarter cell and half a cell.

    Both moves happen only inside ``1 < x < width - 1, 1 < y < height - 1``; cell c lies at
    ``stride * c``; a map without a positive value gives cell (-1, -1). Source: mmpose's
    ``megvii`` post-processing, read as facts.
    """

    kernel_size: int = 5
    """Gaussian kernel of the smoothing."""

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are the maps' highest values."""
        height, width = maps.shape[1:]
        radius = self.kernel_size // 2
        smoothed = ZeroPlane(maps, self.kernel_size).smooth(maps)
        # What lies over the map itself: (M, h + k - 1, w + k - 1) -> (M, h, w).
        smoothed = smoothed[:, radius : radius + height, radius : radius + width]
        flat = smoothed.reshape(-1, height * width)  # (M, h * w)
        _, cells = first_maximum(flat)
        highest = maps.amax(dim=(1, 2)) if len(maps) else maps.new_zeros(0)
        x, y = cells % width, cells // width
        inside = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
        dx, dy = neighbour_differences(flat, x, y, height, width)
        move = (torch.stack([dx, dy], -1).sign() * 0.25 + 0.5) * inside[:, None]
        xy = torch.where(highest[:, None] > 0, torch.stack([x, y], -1) + move, -1.0)
        scores = highest / self.peak + 0.5
        return xy * self.stride, scores
