"""Integral regression: the joint is the expectation of the normalised map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rmpe.heatmaps.targets import gaussian_maps


def soft_argmax(weights: Tensor) -> Tensor:
    """Return the expected x, y (N, K, 2) in cells of non-negative maps (N, K, h, w).

    The maps need not sum to 1. Differentiable.
    Sun et al., Integral human pose regression, ECCV 2018, eq. 1.
    """
    return torch.stack([_expectation(weights.sum(-2)), _expectation(weights.sum(-1))], -1)


def _expectation(profile: Tensor) -> Tensor:
    """Return the mean position (N, K) in float32 of weights along one axis, (N, K, length)."""
    # In 64 bit: the error of 32 would be some thousandths of a pixel on a large person.
    weights = profile.double()
    positions = torch.arange(profile.shape[-1], device=profile.device, dtype=torch.float64)
    return ((weights @ positions) / weights.sum(-1).clamp(min=1e-300)).to(torch.float32)


@dataclass(frozen=True)
class IntegralCodec:
    """AlphaPose's regression networks: soft-argmax of logits, cell c at ``stride * c``.

    Gradients pass through :meth:`decode`, so that it serves as the loss's first half too.
    """

    norm: Literal["softmax", "sigmoid"] = "softmax"
    """``softmax`` over all cells, or ``sigmoid`` divided by its sum."""
    stride: int = 4
    """Input pixels per heatmap cell."""
    sigma: float = 2.0
    """Standard deviation in cells of the map that :meth:`encode` gives."""
    flip_shift: bool = True
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "coordinates"
    """What the flip test averages."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return logits (N, K, height, width) whose expectation is the joint.

        The published networks are trained on the coordinates themselves; these maps are the
        Gaussian that the same reader understands. A joint that is not visible gets a flat map.

        Args:
            keypoints_xy_input: joints in pixels of the network's input, (N, K, 2).
            visible: (N, K), > 0 where the joint is to be shown.
            height: rows of the heatmap.
            width: columns of the heatmap.
        """
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        maps = gaussian_maps(joints / self.stride, visible, height, width, self.sigma)
        floored = maps.clamp(1e-7, 1 - 1e-6)
        return floored.log() if self.norm == "softmax" else torch.logit(floored)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and scores (N, K) of logits (N, K, h, w).

        The score is the highest sigmoid, and always 1 for softmax.

        Raises:
            ValueError: the tensor is not of four dimensions.
        """
        if heatmaps.ndim != 4:
            raise ValueError(
                f"got heatmaps of shape {tuple(heatmaps.shape)}, needed is (N, K, height, width)"
            )
        logits = heatmaps.to(torch.float32)
        if self.norm == "softmax":
            weights = logits.flatten(2).softmax(-1).view_as(logits)
            scores = logits.new_ones(logits.shape[:2])
        else:
            weights = logits.sigmoid()
            scores = weights.amax(dim=(2, 3))
        return soft_argmax(weights) * self.stride, scores
