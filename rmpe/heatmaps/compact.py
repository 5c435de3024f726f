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
Cells = NDArray[np.int64]

OVER_CELLS = ("compact", "compact_accurate")
"""Names of the codecs whose maps are distributions over the cells, not peaks of height 1."""

_LEAST = np.float32(1e-10)
"""Keeps divisors and logarithms finite; below what a cell of a map ever matters."""
_REACH = 4.0
"""Standard deviations of the blur beyond which a cell no longer counts for a peak."""
_MOST_STEPS = 30
"""Newton takes a few; more mean a flat top, where any place on it is as good."""
_LONGEST_STEP, _SHORTEST_STEP = 0.5, 2e-4
"""In standard deviations of the blur; a peak is found when a step is shorter."""
_LEAST_CURVATURE = 0.05
"""A flatter top is climbed as if it were as curved as that."""


@dataclass(frozen=True, kw_only=True)
class CompactCodec(Codec):
    """The compact network's convention: logits over the cells, half-pixel aligned.

    Cell c lies at ``stride * c + offset_px``, the middle of the pixels that it covers. With
    ``softmax`` a joint's map is the distribution of its place, which is blurred a little before the
    highest cell is sought, so that two halves of a split peak count together. The joint is the peak
    near that cell, and between the cells, of the distribution blurred by ``place_sigma``: it does
    not jump where two cells are level. Without a blur the parabola through the logarithms of the
    cell and its four neighbours refines it. Both are exact for a Gaussian. The score is a
    calibrated probability: that the joint lies within 0.2 torsos.
    """

    offset_px: float = 1.5
    """Where cell 0 lies, in input pixels; (stride - 1) / 2 when pixel areas are aligned."""
    sigma: float = 1.0
    """Standard deviation of the target in cells."""
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    """``softmax``: logits over the cells; ``sigmoid``: logits of each cell; ``none``: neither."""
    blur_sigma: float = 1.0
    """Standard deviation of the blur in cells, with ``softmax``; 0 for none."""
    place_sigma: float = 2.0
    """That of the blur whose peak is the joint's place, in cells, where there is a blur at all."""
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
        count, _, width = maps.shape
        if count == 0:
            return np.zeros((0, 2), np.float32), np.zeros(0, np.float32)
        probabilities = _softmax(maps) if self.activation == "softmax" else None
        if probabilities is not None:
            maps = self._blurred(probabilities)
        cells = maps.reshape(count, -1).argmax(1)  # (M, h w) -> (M,), the first of equal ones
        y, x = np.divmod(cells, width)  # (M,) each
        if probabilities is not None and self.blur_sigma > 0:
            steps_xy = _steps_to_peaks(probabilities, x, y, self.place_sigma)
        else:
            steps_xy = self._parabola_steps(maps, x, y)
        xy = ((np.stack([x, y], -1) + steps_xy) * self.stride + self.offset_px).astype(np.float32)
        return xy, self._scores(maps[np.arange(count), y, x]).astype(np.float32)

    def _parabola_steps(self, maps: Floats, x: Cells, y: Cells) -> Floats:
        """Return how far the peaks lie from their cells (M,) by the cells around them, (M, 2)."""
        count, height, width = maps.shape
        rows = np.arange(count)
        # The cell and its neighbours left, right, above, below: (5, M), -inf outside the map.
        around = np.full((5, count), -np.inf, np.float32)
        steps = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
        for values, (down, right) in zip(around, steps):
            inside = (y + down >= 0) & (y + down < height) & (x + right >= 0) & (x + right < width)
            values[inside] = maps[rows[inside], (y + down)[inside], (x + right)[inside]]
        middle, left, right_, above, below = self._logarithms(around)
        across, down_ = _parabola_step(left, middle, right_), _parabola_step(above, middle, below)
        return np.stack([across, down_], -1)

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
        return _sigmoid(np.asarray(self.score_slope * certainty + self.score_offset, np.float32))


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


def _steps_to_peaks(probabilities: Floats, x: Cells, y: Cells, sigma: float) -> Floats:
    """Return how far from their cells blurred distributions peak, in cells, (M, 2).

    Every cell is a Gaussian of its probability. From the highest cell Newton's steps lead uphill to
    the peak of the logarithm of their sum.

    Args:
        probabilities: not blurred, (M, h, w).
        x: column of the cell near each peak, (M,).
        y: its row, (M,).
        sigma: standard deviation of the blur in cells.
    """
    reach = math.ceil(_REACH * sigma)
    steps = np.arange(-reach, reach + 1)
    # Each cell with those in reach: (M, h, w) -> (M, 2 reach + 1, 2 reach + 1).
    around = _around(probabilities, y[:, None] + steps, x[:, None] + steps)
    cells = (steps / sigma).astype(np.float32)  # (2 reach + 1,), in deviations of the blur
    found = np.zeros((len(x), 2), np.float32)
    moving = np.arange(len(x))
    for _ in range(_MOST_STEPS):
        across, down = (cells - found[moving, axis, None] for axis in (0, 1))
        weights_x, weights_y = np.exp(-0.5 * across**2), np.exp(-0.5 * down**2)
        by_x = np.stack([weights_x, weights_x * across, weights_x * across**2], 2)
        by_y = np.stack([weights_y, weights_y * down, weights_y * down**2], 1)
        # (m, 3, down) @ (m, down, across) @ (m, across, 3) -> moments of the powers 0 to 2
        step = _newton_step(by_y @ around[moving] @ by_x)
        found[moving] += step
        moving = moving[np.abs(step).max(1) > _SHORTEST_STEP]
        if len(moving) == 0:
            break
    return found * np.float32(sigma)


def _around(maps: Floats, rows: Cells, columns: Cells) -> Floats:
    """Return cells (M, R, C) of maps (M, h, w) by rows (M, R) and columns (M, C), zeros outside."""
    height, width = maps.shape[1:]
    down, across = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    rows, columns = np.where(down, rows, 0), np.where(across, columns, 0)
    cells = maps[np.arange(len(maps))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return np.asarray(cells * (down[:, :, None] & across[:, None, :]), np.float32)


def _newton_step(moments: Floats) -> Floats:
    """Return the steps (M, 2) towards the peaks that have these moments around, (M, 3, 3)."""
    moments = np.asarray(moments / np.maximum(moments[:, :1, :1], _LEAST), np.float32)
    shift = np.stack([moments[:, 0, 1], moments[:, 1, 0]], 1)  # (M, 2)
    # The logarithm's curvature, downwards, and what stretches its two directions to a step.
    curved_x = 1 - (moments[:, 0, 2] - shift[:, 0] ** 2)
    curved_y = 1 - (moments[:, 2, 0] - shift[:, 1] ** 2)
    curved_xy = shift[:, 0] * shift[:, 1] - moments[:, 1, 1]
    middle, half = (curved_x + curved_y) / 2, np.hypot((curved_x - curved_y) / 2, curved_xy)
    high, low = (1 / np.maximum(np.abs(middle + sign * half), _LEAST_CURVATURE) for sign in (1, -1))
    slope = (high - low) / np.maximum(2 * half, _LEAST)
    plain = high - slope * (middle + half)
    turned_x = curved_x * shift[:, 0] + curved_xy * shift[:, 1]
    turned_y = curved_xy * shift[:, 0] + curved_y * shift[:, 1]
    step = plain[:, None] * shift + slope[:, None] * np.stack([turned_x, turned_y], 1)
    lengths = np.linalg.norm(step, axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1, _LONGEST_STEP / np.maximum(lengths, _LEAST)), np.float32)


def _parabola_step(before: Floats, middle: Floats, after: Floats) -> Floats:
    """Return where in [-0.5, 0.5] the parabola through three values (M,) peaks; 0 at a border."""
    inside = np.isfinite(before) & np.isfinite(after)
    before, after = np.where(inside, before, middle), np.where(inside, after, middle)
    curvature = before - 2 * middle + after
    usable = inside & (curvature < 0)
    step = 0.5 * (before - after) / np.where(usable, curvature, -1)
    return np.asarray(np.clip(np.where(usable, step, 0), -0.5, 0.5), np.float32)
