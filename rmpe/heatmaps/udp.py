"""UDP's unbiased convention: the first and the last cell lie on the crop's borders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rmpe.heatmaps.dark import DarkCodec
from rmpe.heatmaps.targets import gaussian_maps


@dataclass(frozen=True)
class UdpCodec:
    """Huang et al., The devil is in the details, CVPR 2020: cell c at ``c / (cells - 1)`` of it.

    UDP's own crop is 1 / side smaller than the crops here; measured on the person box both put a
    joint at the same place. Peaks are refined as DARK does, which the paper recommends.
    """

    kernel_size: int = 11
    """Gaussian kernel of the smoothing; 17 for inputs of 384x288."""
    stride: int = 4
    """Input pixels per heatmap cell, side over side."""
    sigma: float = 2.0
    """Standard deviation of the target in cells; 3 for inputs of 384x288."""
    flip_shift: bool = False
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "heatmaps"
    """What the flip test averages."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width): Gaussians of peak 1 at the exact position.

        Args: as :meth:`DarkCodec.encode`.
        """
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        cells = joints / self._pixels_per_cell(height, width)
        return gaussian_maps(cells, visible, height, width, self.sigma)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and peak values (N, K) of maps (N, K, h, w)."""
        cells, scores = DarkCodec(self.kernel_size, stride=1).decode(heatmaps)
        height, width = heatmaps.shape[-2:]
        return cells * self._pixels_per_cell(height, width).to(cells.device), scores

    def _pixels_per_cell(self, height: int, width: int) -> Tensor:
        """Return the input pixels between two cells along x and y, (2,)."""
        cells = torch.tensor([width, height], dtype=torch.float32)
        return self.stride * cells / (cells - 1).clamp(min=1)
