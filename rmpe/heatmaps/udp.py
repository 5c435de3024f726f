"""UDP's unbiased convention: the first and the last cell lie on the crop's borders."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rmpe.heatmaps._targets import gaussian_maps
from rmpe.heatmaps.codec import Codec
from rmpe.heatmaps.dark import DarkCodec


@dataclass(frozen=True, kw_only=True)
class UdpCodec(Codec):
    """Huang et al., The devil is in the details, CVPR 2020: cell c at ``c / (cells - 1)`` of it.

    UDP's own crop is 1 / side smaller than the crops here; measured on the person box both put a
    joint at the same place. Peaks are refined as DARK does, which the paper recommends.
    """

    kernel_size: int = 11
    """Gaussian kernel of the smoothing; 17 for inputs of 384x288."""
    sigma: float = 2.0
    """Standard deviation of the target in cells; 3 for inputs of 384x288."""

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Gaussians of peak 1 at the exact position."""
        cells = joints / self._pixels_per_cell(height, width)
        return gaussian_maps(cells, visible, height, width, self.sigma)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are the peaks' values."""
        cells, scores = DarkCodec(kernel_size=self.kernel_size, stride=1)._read(maps)
        height, width = maps.shape[1:]
        return cells * self._pixels_per_cell(height, width).to(cells.device), scores

    def _pixels_per_cell(self, height: int, width: int) -> Tensor:
        """Return the input pixels between two cells along x and y, (2,)."""
        cells = torch.tensor([width, height], dtype=torch.float32)
        return self.stride * cells / (cells - 1).clamp(min=1)
