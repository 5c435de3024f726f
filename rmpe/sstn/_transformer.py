"""The spatial transformer (STN): look at a crop, decide how to cut it better, cut it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.sstn._affine import SizeHW

Freedom = Literal["affine", "shift_scale"]

GRID = (8, 6)
"""Rows and columns of places that the localisation keeps apart."""


def warp(pictures: Tensor, theta: Tensor, size_hw: SizeHW | None = None) -> Tensor:
    """Return pictures (N, C, H, W) resampled by θ (N, 2, 3); outside is zero.

    ``size_hw`` is the result's rows and columns; None keeps those of the pictures. Half precision
    is too coarse for places: they are single at least.
    """
    kind = pictures.dtype
    precise = torch.promote_types(kind, torch.float32)
    pictures, theta = pictures.to(precise), theta.to(precise)
    height, width = size_hw or (pictures.shape[2], pictures.shape[3])
    x = (2 * torch.arange(width, dtype=theta.dtype, device=theta.device) + 1) / width - 1
    y = (2 * torch.arange(height, dtype=theta.dtype, device=theta.device) + 1) / height - 1
    # (N, 1, 1, 2) for each of the three columns of θ.
    per_x, per_y, shift = (theta[:, None, None, :, column] for column in range(3))
    grid = per_x * x[:, None] + per_y * y[:, None, None] + shift
    return functional.grid_sample(pictures, grid, align_corners=False).to(kind)


class SpatialTransformer(nn.Module):
    """The localisation: from a pose network's maps of a small crop to θ.

    Where a person stands in a crop is what a pose network sees even in a small copy of it. So the
    localisation does not learn to see people anew: it reads the maps that the network itself
    gives of the crop shrunk to ``looked_at_hw``, whatever their units are, and costs little more
    than that look. It starts as the middle of the crop, ``shown_hw`` of its pixels.
    """

    sizes: Tensor

    def __init__(
        self,
        map_count: int = 19,
        freedom: Freedom = "shift_scale",
        channels: int = 32,
        looked_at_hw: SizeHW = (128, 96),
        shown_hw: SizeHW = (256, 192),
    ) -> None:
        """Make the localisation.

        Args:
            map_count: maps that the pose network gives.
            freedom: ``shift_scale`` moves, and scales both axes alike (three numbers);
                ``affine`` gives all six.
            channels: width of the first layer; the second is half as wide again.
            looked_at_hw: rows and columns that the crop is shrunk to before it is looked at.
            shown_hw: rows and columns of what is shown to the pose network.
        """
        super().__init__()
        self.freedom = freedom
        self.looked_at_hw, self.shown_hw = looked_at_hw, shown_hw
        self.register_buffer("sizes", torch.tensor([*looked_at_hw, *shown_hw]))
        deeper = channels * 3 // 2
        self.features = nn.Sequential(
            nn.BatchNorm2d(map_count),
            nn.Conv2d(map_count, channels, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, deeper, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(deeper),
            nn.ReLU(inplace=True),
        )
        self.hidden = nn.Linear(deeper * GRID[0] * GRID[1], 4 * channels)
        self.numbers = nn.Linear(4 * channels, 6 if freedom == "affine" else 3)
        nn.init.zeros_(self.numbers.weight)
        nn.init.zeros_(self.numbers.bias)

    def look(self, crops: Tensor) -> Tensor:
        """Return the small crops (N, 3, h, w) that the pose network is asked about."""
        return functional.adaptive_avg_pool2d(crops, self.looked_at_hw)

    def forward(self, maps: Tensor, crop_hw: SizeHW) -> Tensor:
        """Return θ (N, 2, 3), from what is shown to the crop.

        Args:
            maps: what the pose network gives of :meth:`look`'s crops, (N, K, h, w).
            crop_hw: rows and columns of the crops.
        """
        # In full precision: half a percent of a crop's side is half a cell.
        with torch.autocast(maps.device.type, enabled=False):
            features = self.features(maps.to(self.hidden.weight.dtype))
            features = functional.adaptive_avg_pool2d(features, GRID)
            numbers = self.numbers(functional.relu(self.hidden(features.flatten(1))))
        down, across = self.shown_hw[0] / crop_hw[0], self.shown_hw[1] / crop_hw[1]
        if self.freedom == "affine":
            start = numbers.new_tensor([[across, 0.0, 0.0], [0.0, down, 0.0]])
            return start + numbers.view(-1, 2, 3)
        scale = torch.exp(numbers[:, 0])
        zero = torch.zeros_like(scale)
        rows = [
            torch.stack([across * scale, zero, numbers[:, 1]], -1),
            torch.stack([zero, down * scale, numbers[:, 2]], -1),
        ]
        return torch.stack(rows, 1)
