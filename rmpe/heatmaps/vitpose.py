"""ViTPose's convention as Hugging Face's ``VitPoseImageProcessor`` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from rmpe.heatmaps._peaks import first_maximum
from rmpe.heatmaps._targets import gaussian_maps
from rmpe.heatmaps.codec import Codec

BLUR_SIGMA = 0.8
"""Of the image processor's blur, in cells."""
BLUR_RADIUS = 5
"""Where its kernel of 11 cells ends."""
FLOOR, CEILING = 0.001, 50.0
"""What the blurred maps are cut to before their logarithm."""


@dataclass(frozen=True, kw_only=True)
class VitPoseCodec(Codec):
    """First and last cell lie on the first and last pixel; one Newton step on the blurred log-map.

    Huang et al., The devil is in the details, CVPR 2020 (UDP), and Zhang et al., DARK, CVPR 2020. A
    map without a positive value starts from cell (-1, -1), as there. Its crops are those of
    ``rmpe.geometry.crop.VITPOSE``.
    """

    sigma: float = 2.0
    """Standard deviation of the target in cells."""

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Gaussians of peak 1 at the exact position."""
        return gaussian_maps(
            joints / self._pixels_per_cell(height, width), visible, height, width, self.sigma
        )

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are the peaks' values."""
        height, width = maps.shape[1:]
        values, cells = first_maximum(maps.detach().flatten(1))
        start = torch.stack([cells % width, cells // width], -1)  # (M, 2)
        start = torch.where(values[:, None] > 0, start, -1)
        blurred = _blur(height).to(maps.device) @ maps.double() @ _blur(width).to(maps.device).T
        log = blurred.float().clamp(FLOOR, CEILING).log()
        if len(maps) == 0:
            return start.float(), values
        # The cell and its neighbours, (M, 3, 3), on maps with a repeated border that lie one after
        # another in memory: around (-1, -1) the reference reads the end of the map before.
        flat = functional.pad(log[:, None], (1, 1, 1, 1), mode="replicate").flatten()
        row, size = width + 2, (width + 2) * (height + 2)
        steps = torch.arange(-1, 2, device=maps.device)
        place = torch.arange(len(maps), device=maps.device) * size
        place = place + start[:, 0] + 1 + (start[:, 1] + 1) * row
        around = place[:, None, None] + steps[:, None] * row + steps
        patch = flat[around.remainder(len(flat))]
        xy = start + _newton_step(patch.double()).float()
        return xy * self._pixels_per_cell(height, width).to(xy.device), values

    def _pixels_per_cell(self, height: int, width: int) -> Tensor:
        """Return the input pixels between two cells along x and y, (2,)."""
        cells = torch.tensor([width, height], dtype=torch.float32)
        return (self.stride * cells - 1) / (cells - 1).clamp(min=1)


def _newton_step(patch: Tensor) -> Tensor:
    """Return -H^-1 g, (M, 2), of patches (M, 3, 3) by the differences that UDP takes."""
    middle, right, left = patch[:, 1, 1], patch[:, 1, 2], patch[:, 1, 0]
    lower, upper = patch[:, 2, 1], patch[:, 0, 1]
    dx, dy = 0.5 * (right - left), 0.5 * (lower - upper)
    epsilon = torch.finfo(torch.float32).eps
    xx = right - 2 * middle + left + epsilon
    yy = lower - 2 * middle + upper + epsilon
    xy = 0.5 * (patch[:, 2, 2] - right - lower + 2 * middle - left - upper + patch[:, 0, 0])
    determinant = xx * yy - xy * xy
    return torch.stack([xy * dy - yy * dx, xy * dx - xx * dy], -1) / determinant[:, None]


@lru_cache(maxsize=32)
def _blur(length: int) -> Tensor:
    """Return the matrix (length, length) that blurs one axis, mirrored at the borders."""
    steps = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1)
    weights = torch.exp(-0.5 * (steps.double() / BLUR_SIGMA) ** 2)
    weights = weights / weights.sum()
    places = torch.arange(length)[:, None] + steps  # (length, 11)
    # ... c b a | a b c ... : the border cell is repeated.
    places = places.remainder(2 * length)
    places = torch.where(places < length, places, 2 * length - 1 - places)
    band = torch.zeros(length, length, dtype=torch.float64)
    return band.scatter_add_(1, places, weights.expand(length, -1))
