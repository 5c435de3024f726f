"""Integral regression: the joint is the expectation of the normalised map.

AlphaPose's combined convention reads the body by heatmaps, face and hands so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rmpe.heatmaps._peaks import checked_maps
from rmpe.heatmaps._targets import gaussian_maps
from rmpe.heatmaps.argmax import ArgmaxCodec
from rmpe.heatmaps.codec import Codec

FACE_AND_HANDS = 110
"""68 joints of a face and 21 of each hand."""
HANDS_ONLY = 42
"""21 joints of each hand."""


def soft_argmax(weights: Tensor) -> Tensor:
    """Return the expected x, y (..., 2) in cells of non-negative maps (..., h, w).

    The maps need not sum to 1. Differentiable.
    Sun et al., Integral human pose regression, ECCV 2018, eq. 1.
    """
    # (..., h, w) -> columns (..., w) and rows (..., h) -> x, y (..., 2)
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
            weights = maps.flatten(1).softmax(-1).view_as(maps)  # over the cells, (M, h, w)
            scores = maps.new_ones(len(maps))
        else:
            weights = maps.sigmoid()
            scores = weights.amax(dim=(1, 2))
        return soft_argmax(weights) * self.stride, scores


@dataclass(frozen=True, kw_only=True)
class CombinedCodec(Codec):
    """Of K joints the first K - 110 (K - 42 if K is 68) are heatmaps, the rest sigmoid integrals.

    Networks of fewer joints have no second group. Fang et al., AlphaPose, TPAMI 2022, section 3.2.
    """

    flip_shift: bool = True
    # AlphaPose's flip test averages the second group's coordinates; here both groups' maps.

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Targets of both groups."""
        first = heatmap_joint_count(joints.shape[1])
        body = ArgmaxCodec(stride=self.stride).encode(
            joints[:, :first], visible[:, :first], height, width
        )
        rest = IntegralCodec(norm="sigmoid", stride=self.stride).encode(
            joints[:, first:], visible[:, first:], height, width
        )
        return torch.cat([body, rest], dim=1)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and scores (N, K) of maps (N, K, h, w)."""
        heatmaps = checked_maps(heatmaps)
        first = heatmap_joint_count(heatmaps.shape[1])
        body = ArgmaxCodec(stride=self.stride).decode(heatmaps[:, :first])
        rest = IntegralCodec(norm="sigmoid", stride=self.stride).decode(heatmaps[:, first:])
        return torch.cat([body[0], rest[0]], dim=1), torch.cat([body[1], rest[1]], dim=1)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("which group a map is of depends on its joint: see decode")


def heatmap_joint_count(joint_count: int) -> int:
    """Return how many of the joints, from the first, are read as heatmaps."""
    if joint_count > FACE_AND_HANDS:
        return joint_count - FACE_AND_HANDS
    return joint_count - HANDS_ONLY if joint_count == 68 else joint_count
