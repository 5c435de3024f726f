"""Sub-cell peaks from a second-order expansion of the log-map: DARK, and the compact network's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from rmpe.heatmaps._gaussian import gaussian_kernel
from rmpe.heatmaps._peaks import first_maximum
from rmpe.heatmaps._targets import gaussian_maps
from rmpe.heatmaps.codec import Codec

OVER_CELLS = ("compact", "compact_accurate")
"""Names of the codecs whose maps are distributions over the cells, not peaks of height 1."""


def _patches(maps: Tensor, x: Tensor, y: Tensor, radius: int, border: float) -> Tensor:
    """Return the squares (M, 2r+1, 2r+1) around cells x, y (M,) of maps (M, h, w).

    Cells outside the map have the value ``border``.
    """
    padded = functional.pad(maps, (radius,) * 4, value=border)
    steps = torch.arange(2 * radius + 1, device=maps.device)
    rows = (y[:, None] + steps)[:, :, None]
    columns = (x[:, None] + steps)[:, None, :]
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
        x, y = cells % width, cells // width
        # Only the 5x5 cells around the peak matter, so only they are smoothed.
        patch = _patches(maps, x, y, 2 + self.kernel_size // 2, border=0.0)
        # (M, 5 + 2r, 5 + 2r) -> (M, 5, 5 + 2r) -> (M, 5, 5), r the kernel's reach.
        weights = torch.tensor(gaussian_kernel(self.kernel_size), device=maps.device)
        smooth = patch.unfold(1, self.kernel_size, 1) @ weights
        smooth = smooth.unfold(2, self.kernel_size, 1) @ weights
        # Rescaled to the peak as DARK does, so that the floor of 1e-10 means the same.
        top = smooth.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)
        log = (smooth * (values[:, None, None] / top)).clamp(min=1e-10).log()
        gradient = 0.5 * torch.stack([log[:, 2, 3] - log[:, 2, 1], log[:, 3, 2] - log[:, 1, 2]], -1)
        xx = 0.25 * (log[:, 2, 4] - 2 * log[:, 2, 2] + log[:, 2, 0])
        yy = 0.25 * (log[:, 4, 2] - 2 * log[:, 2, 2] + log[:, 0, 2])
        xy = 0.25 * (log[:, 3, 3] - log[:, 1, 3] - log[:, 3, 1] + log[:, 1, 1])
        inside = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
        step = _newton_step(gradient, xx, xy, yy)
        position = torch.stack([x, y], -1) + torch.where(inside[:, None], step, 0.0)
        position = torch.where(values[:, None] > 0, position, 0.0)
        return position * self.stride, values


@dataclass(frozen=True, kw_only=True)
class CompactCodec(Codec):
    """The compact network's convention: logits over the cells, half-pixel aligned.

    Cell c lies at ``stride * c + offset_px``, the middle of the pixels that it covers. With
    ``softmax`` a joint's map is the distribution of its place, which is blurred a little before the
    peak is sought, so that two halves of a split peak count together. The peak is refined by the
    parabola through the log-probabilities of the cell and its four neighbours, which is exact for a
    Gaussian. The score is a calibrated probability: that the joint lies within 0.2 torsos.
    """

    offset_px: float = 1.5
    """Where cell 0 lies, in input pixels; (stride - 1) / 2 when pixel areas are aligned."""
    sigma: float = 1.0
    """Standard deviation of the target in cells."""
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    """``softmax``: logits over the cells; ``sigmoid``: logits of each cell; ``none``: neither."""
    blur_sigma: float = 1.0
    """Standard deviation of the blur in cells, with ``softmax``; 0 for none."""
    score_slope: float = 2.1
    """Of the logistic calibration, against the logarithm of the blurred peak (``softmax``)."""
    score_offset: float = 2.8
    """Its value at the peak of a perfect map."""

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Gaussians of peak 1 at the exact position."""
        centres = (joints - self.offset_px) / self.stride
        return gaussian_maps(centres, visible, height, width, self.sigma)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are probabilities, see the class."""
        width = maps.shape[2]
        if self.activation == "softmax":
            maps = self._blurred(maps.flatten(1).softmax(-1).view_as(maps))
        values, cells = first_maximum(maps.flatten(1))
        x, y = cells % width, cells // width
        patch = _patches(maps, x, y, 1, border=-torch.inf)
        sigmoid = self.activation == "sigmoid"
        log = functional.logsigmoid(patch) if sigmoid else _safe_log(patch)
        step_x = _parabola_step(log[:, 1, 0], log[:, 1, 1], log[:, 1, 2])
        step_y = _parabola_step(log[:, 0, 1], log[:, 1, 1], log[:, 2, 1])
        xy = torch.stack([x + step_x, y + step_y], -1) * self.stride + self.offset_px
        return xy, self._scores(values)

    def _blurred(self, probabilities: Tensor) -> Tensor:
        """Return maps (M, h, w) after a Gaussian blur, zeros outside."""
        if self.blur_sigma == 0:
            return probabilities
        height, width = probabilities.shape[1:]
        across = _blur_band(width, self.blur_sigma).to(probabilities.device)
        down = _blur_band(height, self.blur_sigma).to(probabilities.device)
        # Products with a band matrix: on one core ten times as fast as one-channel convolutions.
        return down @ (probabilities @ across)

    def _scores(self, peaks: Tensor) -> Tensor:
        """Return probabilities of the peaks (M,) of the maps that were read."""
        if self.activation == "none":
            return peaks
        if self.activation == "sigmoid":
            return peaks.sigmoid()
        perfect = 1 / (2 * math.pi * (self.sigma**2 + self.blur_sigma**2))
        certainty = (peaks.clamp(min=1e-10) / perfect).log()
        return (self.score_slope * certainty + self.score_offset).sigmoid()


@lru_cache(maxsize=32)
def _blur_band(length: int, sigma: float) -> Tensor:
    """Return the symmetric matrix (length, length) that blurs one axis, zeros outside it."""
    radius = math.ceil(3 * sigma)
    steps = torch.arange(length)
    distance = (steps[:, None] - steps).abs()
    weights = torch.exp(-(distance.float() ** 2) / (2 * sigma**2))
    total = torch.exp(-(torch.arange(-radius, radius + 1).float() ** 2) / (2 * sigma**2)).sum()
    return torch.where(distance <= radius, weights / total, 0.0)


def _safe_log(patch: Tensor) -> Tensor:
    """Return the logarithm of probabilities; cells outside the map (-inf) stay below all others."""
    return torch.where(torch.isinf(patch), patch, patch.clamp(min=1e-10).log())


def _parabola_step(before: Tensor, middle: Tensor, after: Tensor) -> Tensor:
    """Return where in [-0.5, 0.5] the parabola through three values (M,) peaks; 0 at a border."""
    curvature = before - 2 * middle + after
    usable = torch.isfinite(curvature) & (curvature < 0)
    step = 0.5 * (before - after) / torch.where(usable, curvature, -1.0)
    return torch.where(usable, step, 0.0).clamp(-0.5, 0.5)
