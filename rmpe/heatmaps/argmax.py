"""Argmax and a quarter cell toward the higher neighbour: AlphaPose, HRNet, Hourglass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rmpe.heatmaps.peaks import checked_maps, first_maximum, neighbour_differences
from rmpe.heatmaps.targets import gaussian_maps


@dataclass(frozen=True)
class QuarterCodec:
    """AlphaPose's, HRNet's and SimpleBaseline's convention: heatmap cell c lies at ``stride * c``.

    The first highest cell moves by a quarter toward the higher neighbour, each axis apart, if it
    lies well inside the map; a map without a positive value gives (0, 0).
    Source: measured rules of the public AlphaPose and HRNet code.
    """

    stride: int = 4
    """Input pixels per heatmap cell."""
    sigma: float = 2.0
    """Standard deviation of the target in cells; 3 for inputs of 384x288."""
    margin: int = 1
    """A peak moves only if ``margin < x < width - 1`` and ``margin < y < height - 1``."""
    offset_cells: float = 0.0
    """Added to both coordinates after the move, in cells."""
    flip_shift: bool = True
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "heatmaps"
    """What the flip test averages."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width): Gaussians of peak 1 at the nearest cell.

        Args:
            keypoints_xy_input: joints in pixels of the network's input, (N, K, 2).
            visible: (N, K), > 0 where the joint is to be shown.
            height: rows of the heatmap.
            width: columns of the heatmap.
        """
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        cells = torch.floor(joints / self.stride - self.offset_cells + 0.5)
        return gaussian_maps(cells, visible, height, width, self.sigma, 3 * self.sigma)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and peak values (N, K) of maps (N, K, h, w)."""
        maps = checked_maps(heatmaps)
        count, joints, height, width = maps.shape
        flat = maps.view(count * joints, height * width)
        values, cells = first_maximum(flat)
        positive = values > 0
        cells = cells * positive
        x, y = cells % width, cells // width
        inside = (x > self.margin) & (x < width - 1) & (y > self.margin) & (y < height - 1)
        dx, dy = neighbour_differences(flat, x, y, height, width)
        move = torch.stack([dx, dy], -1).sign() * (0.25 * inside[:, None])
        xy = torch.stack([x, y], -1) + move + self.offset_cells
        return (xy * self.stride).view(count, joints, 2), values.view(count, joints)


@dataclass(frozen=True)
class HourglassCodec:
    """The stacked hourglass's convention: cell c of size ``stride`` has its middle at c + 0.5.

    The maps are cut to at most 1; the peak always moves by a quarter, to the right or down only if
    that neighbour is strictly higher. Source: measured rule of the public PyTorch code.
    """

    stride: int = 4
    """Input pixels per heatmap cell."""
    sigma: float = 1.0
    """Standard deviation of the target in cells."""
    flip_shift: bool = False
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "heatmaps"
    """What the flip test averages."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width): Gaussians of peak 1 at the joint's cell.

        Args: as :meth:`QuarterCodec.encode`.
        """
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        cells = torch.floor(joints / self.stride)
        return gaussian_maps(cells, visible, height, width, self.sigma, 3 * self.sigma + 1)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and peak values (N, K) of maps (N, K, h, w)."""
        maps = checked_maps(heatmaps).clamp(max=1.0)
        count, joints, height, width = maps.shape
        flat = maps.view(count * joints, height * width)
        values, cells = first_maximum(flat)
        x, y = cells % width, cells // width
        dx, dy = neighbour_differences(flat, x, y, height, width)
        ahead = torch.stack([dx, dy], -1) > 0
        xy = torch.stack([x, y], -1) + torch.where(ahead, 0.25, -0.25) + 0.5
        return (xy * self.stride).view(count, joints, 2), values.view(count, joints)
