"""The compact network's convention, read in numpy: it runs where torch is not needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from rmpe.heatmaps.codec import Codec, Maps

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]

OVER_CELLS = ("compact", "compact_accurate")
"""Names of the codecs whose maps are distributions over the cells, not peaks of height 1."""

_LEAST = np.float32(1e-10)


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
    score_slope: float = 1.916
    """Of the logistic calibration, against the logarithm of the blurred peak (``softmax``)."""
    score_offset: float = 2.545
    """Its value at the peak of a perfect map."""

    def decode(self, heatmaps: Maps) -> tuple[Maps, Maps]:
        """Return joints (N, K, 2) in input pixels and scores (N, K) of maps (N, K, h, w).

        Arrays give arrays, and tensors give tensors on their device.

        Raises:
            ValueError: the maps are not of four dimensions, or have no cells.
        """
        if not isinstance(heatmaps, np.ndarray):
            return super().decode(heatmaps)
        if heatmaps.ndim != 4 or 0 in heatmaps.shape[2:]:
            raise ValueError(
                f"got heatmaps of shape {heatmaps.shape}, needed is (N, K, height, width)"
            )
        count, joints, height, width = heatmaps.shape
        maps = np.ascontiguousarray(heatmaps, np.float32).reshape(-1, height, width)  # (M, h, w)
        xy, scores = self.read(maps)
        return xy.reshape(count, joints, 2), scores.reshape(count, joints)

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Gaussians of peak 1 at the exact position."""
        from rmpe.heatmaps._targets import gaussian_maps

        centres = (joints - self.offset_px) / self.stride
        return gaussian_maps(centres, visible, height, width, self.sigma)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The scores are probabilities, see the class."""
        import torch

        xy, scores = self.read(maps.cpu().numpy())
        return torch.from_numpy(xy).to(maps.device), torch.from_numpy(scores).to(maps.device)

    def read(self, maps: Floats) -> tuple[Floats, Floats]:
        """Return places (M, 2) in input pixels and scores (M,) of maps (M, h, w)."""
        count, height, width = maps.shape
        if count == 0:
            return np.zeros((0, 2), np.float32), np.zeros(0, np.float32)
        if self.activation == "softmax":
            maps = self._blurred(_softmax(maps))
        cells = maps.reshape(count, -1).argmax(1)  # (M, h w) -> (M,), the first of equal ones
        rows = np.arange(count)
        y, x = np.divmod(cells, width)
        # The cell and its neighbours left, right, above, below: (5, M), -inf outside the map.
        around = np.full((5, count), -np.inf, np.float32)
        steps = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
        for values, (down, right) in zip(around, steps):
            inside = (y + down >= 0) & (y + down < height) & (x + right >= 0) & (x + right < width)
            values[inside] = maps[rows[inside], (y + down)[inside], (x + right)[inside]]
        peaks = around[0].copy()
        middle, left, right_, above, below = self._logarithms(around)
        step_x = _parabola_step(left, middle, right_)
        step_y = _parabola_step(above, middle, below)
        cell_xy = np.stack([x + step_x, y + step_y], -1)  # (M, 2)
        xy = (cell_xy * self.stride + self.offset_px).astype(np.float32)
        return xy, self._scores(peaks).astype(np.float32)

    def _blurred(self, probabilities: Floats) -> Floats:
        """Return maps (M, h, w) after a Gaussian blur, zeros outside."""
        if self.blur_sigma == 0:
            return probabilities
        height, width = probabilities.shape[1:]
        across, down = _blur_band(width, self.blur_sigma), _blur_band(height, self.blur_sigma)
        # Products with a band matrix: on one core ten times as fast as one-channel convolutions.
        return np.asarray(down @ (probabilities @ across), np.float32)

    def _logarithms(self, values: Floats) -> Floats:
        """Return logarithms of what the maps hold; -inf, outside the map, stays."""
        outside = np.isneginf(values)
        if self.activation == "sigmoid":
            logs = -np.logaddexp(0, -np.where(outside, 0, values))
        else:
            logs = np.log(np.maximum(np.where(outside, 1, values), _LEAST))
        return np.where(outside, -np.inf, logs).astype(np.float32)

    def _scores(self, peaks: Floats) -> Floats:
        """Return probabilities of the peaks (M,) of the maps that were read."""
        if self.activation == "none":
            return peaks
        if self.activation == "sigmoid":
            return _sigmoid(peaks)
        perfect = np.float32(1 / (2 * math.pi * (self.sigma**2 + self.blur_sigma**2)))
        certainty = np.log(np.maximum(peaks, _LEAST) / perfect)
        return _sigmoid(self.score_slope * certainty + self.score_offset)


@lru_cache(maxsize=32)
def _blur_band(length: int, sigma: float) -> Floats:
    """Return the symmetric matrix (length, length) that blurs one axis, zeros outside it."""
    radius = math.ceil(3 * sigma)
    steps = np.arange(length)
    distance = np.abs(steps[:, None] - steps)
    weights = np.exp(-(distance.astype(np.float64) ** 2) / (2 * sigma**2))
    total = np.exp(-(np.arange(-radius, radius + 1.0) ** 2) / (2 * sigma**2)).sum()
    return np.where(distance <= radius, weights / total, 0).astype(np.float32)


def _softmax(maps: Floats) -> Floats:
    """Return the distributions over the cells that logits (M, h, w) stand for."""
    raised = np.exp(maps - maps.max((1, 2), keepdims=True))
    raised /= raised.sum((1, 2), keepdims=True)
    return np.asarray(raised, np.float32)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)


def _parabola_step(before: Floats, middle: Floats, after: Floats) -> Floats:
    """Return where in [-0.5, 0.5] the parabola through three values (M,) peaks; 0 at a border."""
    inside = np.isfinite(before) & np.isfinite(after)
    before, after = np.where(inside, before, middle), np.where(inside, after, middle)
    curvature = before - 2 * middle + after
    usable = inside & (curvature < 0)
    step = 0.5 * (before - after) / np.where(usable, curvature, -1)
    return np.asarray(np.clip(np.where(usable, step, 0), -0.5, 0.5), np.float32)
