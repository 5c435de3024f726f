"""Integral regression: the joint is the expectation of the normalised map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rmpe.heatmaps._targets import gaussian_maps
from rmpe.heatmaps.codec import Codec


def soft_argmax(weights: Tensor) -> Tensor:
    """Return the expected x, y (..., 2) in cells of non-negative maps (..., h, w).

    The maps need not sum to 1. Differentiable.
    Sun et al., Integral human pose regression, ECCV 2018, eq. 1.
    """
    return torch.stack([_expectation(weights.sum(-2)), _expectation(weights.sum(-1))], -1)


def _expectation(profile: Tensor) -> Tensor:
    """Return the mean position (...) in float32 of weights along one axis, (..., length)."""
    # In 64 bit: the error of 32 would be some thousandths of a pixel on a large person.
    weights = profile.double()
    positions = torch.arange(profile.shape[-1], device=profile.device, dtype=torch.float64)
    return ((weights @ positions) / weights.sum(-1).clamp(min=1e-300)).to(torch.float32)


@dataclass(frozen=True, kw_only=True)
class IntegralCodec(Codec):
    """AlphaPose's regression networks: soft-argmax of logits, cell c at ``stride * c``.

    Gradients pass through :meth:`decode`, so that it serves as the loss's first half too.
    """

    has_gradients: ClassVar[bool] = True

    norm: Literal["softmax", "sigmoid"] = "softmax"
    """``softmax`` over all cells, or ``sigmoid`` divided by its sum."""
    sigma: float = 2.0
    """Standard deviation in cells of the map that :meth:`encode` gives."""
    flip_shift: bool = True
    flip_average_of: Literal["heatmaps", "coordinates"] = "coordinates"

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Logits whose expectation is the joint.

        The published networks are trained on the coordinates themselves; these maps are the
        Gaussian that the same reader understands. A joint that is not visible gets a flat map.
        """
        maps = gaussian_maps(joints / self.stride, visible, height, width, self.sigma)
        floored = maps.clamp(1e-7, 1 - 1e-6)
        return floored.log() if self.norm == "softmax" else torch.logit(floored)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The score is the highest sigmoid, and always 1 for softmax."""
        if self.norm == "softmax":
            weights = maps.flatten(1).softmax(-1).view_as(maps)
            scores = maps.new_ones(len(maps))
        else:
            weights = maps.sigmoid()
            scores = weights.amax(dim=(1, 2))
        return soft_argmax(weights) * self.stride, scores
