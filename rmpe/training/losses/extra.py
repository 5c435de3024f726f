"""Losses beside those of the labels: a teacher's maps, joints that cannot be seen."""

from __future__ import annotations

import torch
from torch import Tensor

from rmpe.training.data.records import CropBatch
from rmpe.training.losses.cells import spatial_cross_entropy, spatial_divergence
from rmpe.training.recipes.settings import NetworkRecipe


def extra_losses(recipe: NetworkRecipe, logits: Tensor, batch: CropBatch) -> dict[str, Tensor]:
    """Return the losses that only some recipes have beside those of the labels.

    Args:
        recipe: their weights.
        logits: the network's last output, (N, K, h, w).
        batch: with a teacher's maps, and which joints are known to be out of sight.
    """
    losses = {}
    if recipe.teacher_weight:
        taught = logits[:, : batch.teacher.shape[1]]
        divergence = spatial_divergence(taught, batch.teacher.float(), batch.teacher_weights)
        losses["teacher"] = recipe.teacher_weight * divergence
    if recipe.absent_weight:
        # Nothing is to be said of where a joint is that cannot be seen: no cell before another.
        even = torch.full_like(logits, 1 / (logits.shape[-2] * logits.shape[-1]))
        losses["absent"] = recipe.absent_weight * spatial_cross_entropy(logits, even, batch.absent)
    return losses
