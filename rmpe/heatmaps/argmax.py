"""Argmax and a quarter cell toward the higher neighbour: AlphaPose, HRNet, Hourglass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rmpe.heatmaps._peaks import first_maximum, neighbour_differences
from rmpe.heatmaps._targets import gaussian_maps
from rmpe.heatmaps.codec import Codec


@dataclass(frozen=True, kw_only=True)
class ArgmaxCodec(Codec):
    """AlphaPose's, HRNet's and SimpleBaseline's convention: heatmap cell c lies at ``stride * c``.

    The first highest cell moves by a quarter toward the higher neighbour, each axis apart, if it
    lies well inside the map; a map without a positive value gives (0, 0).
    Source: measured rules of the public AlphaPose and HRNet code.
    """

    sigma: float = 2.0
    """Standard deviation of the target in cells; 3 for inputs of 384x288."""
    margin: int = 1
    """A peak moves only if ``margin < x < width - 1`` and ``margin < y < height - 1``."""
    offset_cells: float = 0.0
    """Added to both coordinates after the move, in cells."""
    flip_shift: bool = True

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Gaussians of peak 1 at the nearest cell."""
        cells = torch.floor(joints / self.stride - self.offset_cells + 0.5)
        return gaussian_maps(cells, visible, height, width, self.sigma, 3 * self.sigma)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are the peaks' values."""
        height, width = maps.shape[1:]
        flat = maps.flatten(1)  # (M, h * w)
        values, cells = first_maximum(flat)
        positive = values > 0
        cells = cells * positive
        x, y = cells % width, cells // width
        inside = (x > self.margin) & (x < width - 1) & (y > self.margin) & (y < height - 1)
        dx, dy = neighbour_differences(flat, x, y, height, width)
        # Differences (M,) each -> moves (M, 2) of a quarter cell or none.
        move = torch.stack([dx, dy], -1).sign() * (0.25 * inside[:, None])
        xy = torch.stack([x, y], -1) + move + self.offset_cells
        return xy * self.stride, values


@dataclass(frozen=True, kw_only=True)
class HourglassCodec(Codec):
    """The stacked hourglass's convention: cell c of size ``stride`` has its middle at c + 0.5.

    The maps are cut to at most 1; the peak always moves by a quarter, to the right or down only if
    that neighbour is strictly higher. Source: measured rule of the public PyTorch code.
    """

    sigma: float = 1.0
    """Standard deviation of the target in cells."""

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Gaussians of peak 1 at the joint's cell."""
        cells = torch.floor(joints / self.stride)
        return gaussian_maps(cells, visible, height, width, self.sigma, 3 * self.sigma + 1)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are the peaks' values."""
        height, width = maps.shape[1:]
        flat = maps.clamp(max=1.0).flatten(1)  # (M, h * w)
        values, cells = first_maximum(flat)
        x, y = cells % width, cells // width
        dx, dy = neighbour_differences(flat, x, y, height, width)
        ahead = torch.stack([dx, dy], -1) > 0
        xy = torch.stack([x, y], -1) + torch.where(ahead, 0.25, -0.25) + 0.5
        return xy * self.stride, values
