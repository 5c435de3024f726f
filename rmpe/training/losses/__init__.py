"""Losses of heatmaps, coordinates, cells, transformers and detections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.training.losses.cells import spatial_cross_entropy, spatial_divergence
    from rmpe.training.losses.detection import detection_loss
    from rmpe.training.losses.extra import extra_losses
    from rmpe.training.losses.published import (
        JointTruth,
        coordinate_error,
        heatmap_error,
        output_losses,
    )
    from rmpe.training.losses.transformer import transformer_losses

__all__ = [
    "JointTruth",
    "coordinate_error",
    "detection_loss",
    "extra_losses",
    "heatmap_error",
    "output_losses",
    "spatial_cross_entropy",
    "spatial_divergence",
    "transformer_losses",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "JointTruth": "rmpe.training.losses.published",
        "coordinate_error": "rmpe.training.losses.published",
        "detection_loss": "rmpe.training.losses.detection",
        "extra_losses": "rmpe.training.losses.extra",
        "heatmap_error": "rmpe.training.losses.published",
        "output_losses": "rmpe.training.losses.published",
        "spatial_cross_entropy": "rmpe.training.losses.cells",
        "spatial_divergence": "rmpe.training.losses.cells",
        "transformer_losses": "rmpe.training.losses.transformer",
    },
)
