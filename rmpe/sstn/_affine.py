"""Affine maps of the spatial transformers, batched and differentiable.

A map θ is (N, 2, 3) on normalised coordinates, -1..1 from edge to edge of a picture (torch's
``align_corners=False``): ``source = [θ1 θ2] · target + θ3``, the direction of RMPE's equation 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_DETERMINANT = 1e-4
"""A transform that shrinks its crop to less than this is inverted as if to this."""

SizeHW = tuple[int, int]
"""Rows and columns of a picture."""


def invert_affine(theta: Tensor) -> Tensor:
    """Return the inverse maps γ, (N, 2, 3): ``[γ1 γ2] = [θ1 θ2]⁻¹``, ``γ3 = −[γ1 γ2] θ3``.

    The determinant is kept away from 0, so that a map that folds its picture to a line gives a
    finite inverse and finite gradients instead of an error in the middle of a training.
    """
    a, b, c, d = theta[:, 0, 0], theta[:, 0, 1], theta[:, 1, 0], theta[:, 1, 1]
    determinant = a * d - b * c
    side = torch.where(determinant < 0, -1.0, 1.0).to(determinant.dtype)
    safe = torch.where(
        determinant.abs() < SMALLEST_DETERMINANT, side * SMALLEST_DETERMINANT, determinant
    )
    linear = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], 1)
    linear = linear / safe[:, None, None]
    shift = -(linear @ theta[:, :, 2:])
    return torch.cat([linear, shift], 2)


def apply_affine(theta: Tensor, points_xy: Tensor, target_hw: SizeHW, source_hw: SizeHW) -> Tensor:
    """Return pixels of the target picture mapped by θ to pixels of the source picture.

    Args:
        theta: (N, 2, 3), normalised.
        points_xy: (N, K, 2), pixels of the target; the centre of the top-left pixel is (0, 0).
        target_hw: rows and columns of the target picture.
        source_hw: rows and columns of the source picture.
    """
    target = points_xy.new_tensor([target_hw[1], target_hw[0]])
    source = points_xy.new_tensor([source_hw[1], source_hw[0]])
    normalised = (2 * points_xy + 1) / target - 1
    mapped = normalised @ theta[:, :, :2].transpose(1, 2) + theta[:, None, :, 2]
    return ((mapped + 1) * source - 1) / 2
