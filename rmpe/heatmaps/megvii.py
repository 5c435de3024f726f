"""Peaks of Gaussian-smoothed maps: MSPN, RSN, CPN, and mmpose's variant of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rmpe.heatmaps.peaks import checked_maps, first_maximum, neighbour_differences, values_at
from rmpe.heatmaps.targets import blurred_pixel_maps
from rmpe.heatmaps.two_highest import ZeroPlane, two_highest


@dataclass(frozen=True)
class SmoothedCodec:
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
    stride: int = 4
    """Input pixels per heatmap cell."""
    offset_px: float = 2.0
    """Where cell 0 lies, in input pixels."""
    peak: float = 255.0
    """Highest value of a target."""
    target_kernel_size: int = 7
    """Gaussian kernel of the target; the coarser outputs of training use larger ones."""
    flip_shift: bool = False
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "heatmaps"
    """What the flip test averages."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width): the joint's cell blurred and rescaled to 255.

        Args:
            keypoints_xy_input: joints in pixels of the network's input, (N, K, 2).
            visible: (N, K), > 0 where the joint is to be shown.
            height: rows of the heatmap.
            width: columns of the heatmap.
        """
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        cells = torch.floor(joints / self.stride)
        return blurred_pixel_maps(cells, visible, height, width, self.target_kernel_size, self.peak)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and scores (N, K) of maps (N, K, h, w)."""
        maps = checked_maps(heatmaps)
        count, joints, height, width = maps.shape
        stack = maps.view(count * joints, height, width)
        highest, second = two_highest(stack, self.kernel_size)
        if self.divide_by_maximum and len(stack):
            # Only the divisor's sign moves a peak: a wholly negative map is turned over.
            turned = (stack.flatten(1).amax(1) < 0).nonzero()[:, 0]
            highest[turned], second[turned] = two_highest(-stack[turned], self.kernel_size)
        way = second - highest
        length = way.norm(dim=1, keepdim=True)
        xy = highest + torch.where(length > 1e-3, 0.25 * way / length.clamp(min=1e-3), 0.0)
        last = torch.tensor([width - 1, height - 1], dtype=xy.dtype, device=xy.device)
        xy = torch.minimum(xy.clamp(min=0.0), last)
        cell = xy.round().to(torch.int64)
        values = values_at(stack.view(-1, height * width), cell[:, 0], cell[:, 1], width)
        scores = values / self.peak + 0.5
        return (
            (xy * self.stride + self.offset_px).view(count, joints, 2),
            scores.view(count, joints),
        )


@dataclass(frozen=True)
class MegviiCodec:
    """mmpose's reading of MSPN and RSN maps: smoothed argmax, quarter cell and half a cell.

    Both moves happen only inside ``1 < x < width - 1, 1 < y < height - 1``; cell c lies at
    ``stride * c``; a map without a positive value gives cell (-1, -1). Source: mmpose's
    ``megvii`` post-processing, read as facts.
    """

    kernel_size: int = 5
    """Gaussian kernel of the smoothing."""
    stride: int = 4
    """Input pixels per heatmap cell."""
    peak: float = 255.0
    """Highest value of a target."""
    target_kernel_size: int = 7
    """Gaussian kernel of the target; the coarser outputs of training use larger ones."""
    flip_shift: bool = False
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "heatmaps"
    """What the flip test averages."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width), as :meth:`SmoothedCodec.encode`."""
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        cells = torch.floor(joints / self.stride)
        return blurred_pixel_maps(cells, visible, height, width, self.target_kernel_size, self.peak)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and scores (N, K) of maps (N, K, h, w)."""
        maps = checked_maps(heatmaps)
        count, joints, height, width = maps.shape
        stack = maps.view(count * joints, height, width)
        radius = self.kernel_size // 2
        smoothed = ZeroPlane(stack, self.kernel_size).smooth(stack)
        smoothed = smoothed[:, radius : radius + height, radius : radius + width]
        flat = smoothed.reshape(-1, height * width)
        _, cells = first_maximum(flat)
        highest = stack.amax(dim=(1, 2)) if len(stack) else stack.new_zeros(0)
        x, y = cells % width, cells // width
        inside = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
        dx, dy = neighbour_differences(flat, x, y, height, width)
        move = (torch.stack([dx, dy], -1).sign() * 0.25 + 0.5) * inside[:, None]
        xy = torch.where(highest[:, None] > 0, torch.stack([x, y], -1) + move, -1.0)
        scores = highest / self.peak + 0.5
        return (xy * self.stride).view(count, joints, 2), scores.view(count, joints)
