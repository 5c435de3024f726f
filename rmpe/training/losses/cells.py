"""Losses of heatmap networks on logits: where is the joint, as a choice among the cells."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

STRIDE = 4
"""Input pixels per heatmap cell."""


def cell_targets(keypoints_xy: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """Gaussian distributions over the cells, each summing to 1.

    Cell (i, j) has its centre at input pixel (4j + 1.5, 4i + 1.5).

    Args:
        keypoints_xy: joints in input pixels (N, K, 2).
        height: rows of the heatmap.
        width: columns of the heatmap.
        sigma: standard deviation in cells.

    Returns:
        (N, K, height, width) float32.
    """
    cells = (keypoints_xy + 0.5) / STRIDE - 0.5  # (N, K, 2), in cells
    columns = torch.arange(width, dtype=torch.float32, device=cells.device)
    rows = torch.arange(height, dtype=torch.float32, device=cells.device)
    along_x = torch.softmax(-((columns - cells[..., :1]) ** 2) / (2 * sigma**2), -1)  # (N, K, w)
    along_y = torch.softmax(-((rows - cells[..., 1:]) ** 2) / (2 * sigma**2), -1)  # (N, K, h)
    # (N, K, h, 1) * (N, K, 1, w): two distributions give one over the cells, which sums to 1 too.
    return along_y[..., :, None] * along_x[..., None, :]


def spatial_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Mean cross-entropy of the softmax over cells, weighted by joint.

    Args:
        logits: (N, K, h, w).
        targets: distributions of the same shape.
        weights: (N, K), 0 for a joint that teaches nothing.

    Returns:
        Scalar; 0 when all weights are 0.
    """
    log_probability = functional.log_softmax(logits.float().flatten(2), -1)  # (N, K, h * w)
    entropy = -(targets.flatten(2) * log_probability).sum(-1)  # (N, K)
    return (weights * entropy).sum() / weights.sum().clamp(min=1.0)


def spatial_divergence(logits: Tensor, teacher_logits: Tensor, weights: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence from the teacher's distribution over cells.

    Shapes and weights as in ``spatial_cross_entropy``.
    """
    teacher = functional.log_softmax(teacher_logits.float().flatten(2), -1)  # (N, K, h * w)
    student = functional.log_softmax(logits.float().flatten(2), -1)
    divergence = (teacher.exp() * (teacher - student)).sum(-1)  # (N, K)
    return (weights * divergence).sum() / weights.sum().clamp(min=1.0)
