"""Sub-cell peaks from a second-order expansion of the log-map: DARK."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rmpe.heatmaps._gaussian import gaussian_kernel
from rmpe.heatmaps._peaks import first_maximum
from rmpe.heatmaps._targets import gaussian_maps
from rmpe.heatmaps.codec import Codec


def _patches(maps: Tensor, x: Tensor, y: Tensor, radius: int, border: float) -> Tensor:
    """Return the squares (M, 2r+1, 2r+1) around cells x, y (M,) of maps (M, h, w).

    Cells outside the map have the value ``border``.
    """
    padded = functional.pad(maps, (radius,) * 4, value=border)
    steps = torch.arange(2 * radius + 1, device=maps.device)
    rows = (y[:, None] + steps)[:, :, None]  # (M, 2r + 1, 1)
    columns = (x[:, None] + steps)[:, None, :]  # (M, 1, 2r + 1)
    return padded[torch.arange(len(maps), device=maps.device)[:, None, None], rows, columns]


def _newton_step(gradient: Tensor, xx: Tensor, xy: Tensor, yy: Tensor) -> Tensor:
    """Return -H^-1 g, (M, 2), from gradients (M, 2) and Hessians; 0 where H is singular."""
    determinant = xx * yy - xy * xy
    safe = torch.where(determinant == 0, 1.0, determinant)
    dx, dy = gradient[:, 0], gradient[:, 1]
    step = torch.stack([xy * dy - yy * dx, xy * dx - xx * dy], -1) / safe[:, None]
    return torch.where(determinant[:, None] == 0, 0.0, step)


@dataclass(frozen=True, kw_only=True)
class DarkCodec(Codec):
    """DARK: unquantised Gaussian targets; Taylor expansion of the smoothed log-map at the peak.

    Zhang et al., Distribution-aware coordinate representation, CVPR 2020; cell c lies at
    ``stride * c``. Peaks within two cells of the border stay where they are.
    """

    kernel_size: int = 11
    """Gaussian kernel of the smoothing; 17 for inputs of 384x288."""
    sigma: float = 2.0
    """Standard deviation of the target in cells; 3 for inputs of 384x288."""
    flip_shift: bool = True

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Gaussians of peak 1 at the exact position."""
        return gaussian_maps(joints / self.stride, visible, height, width, self.sigma)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are the peaks' values."""
        height, width = maps.shape[1:]
        values, cells = first_maximum(maps.flatten(1))
        x, y = cells % width, cells // width  # (M,) each
        # Only the 5x5 cells around the peak matter, so only they are smoothed.
        patch = _patches(maps, x, y, 2 + self.kernel_size // 2, border=0.0)
        # (M, 5 + 2r, 5 + 2r) -> (M, 5, 5 + 2r) -> (M, 5, 5), r the kernel's reach.
        weights = torch.tensor(gaussian_kernel(self.kernel_size), device=maps.device)
        smooth = patch.unfold(1, self.kernel_size, 1) @ weights
        smooth = smooth.unfold(2, self.kernel_size, 1) @ weights
        # Rescaled to the peak as DARK does, so that the floor of 1e-10 means the same.
        top = smooth.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)
        log = (smooth * (values[:, None, None] / top)).clamp(min=1e-10).log()
        # Gradient (M, 2) and Hessian by central differences at the middle of the five, [2, 2].
        gradient = 0.5 * torch.stack([log[:, 2, 3] - log[:, 2, 1], log[:, 3, 2] - log[:, 1, 2]], -1)
        xx = 0.25 * (log[:, 2, 4] - 2 * log[:, 2, 2] + log[:, 2, 0])
        yy = 0.25 * (log[:, 4, 2] - 2 * log[:, 2, 2] + log[:, 0, 2])
        xy = 0.25 * (log[:, 3, 3] - log[:, 1, 3] - log[:, 3, 1] + log[:, 1, 1])
        inside = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
        step = _newton_step(gradient, xx, xy, yy)
        position = torch.stack([x, y], -1) + torch.where(inside[:, None], step, 0.0)
        position = torch.where(values[:, None] > 0, position, 0.0)
        return position * self.stride, values
