"""The losses of a symmetric spatial transformer: both branches, and the transform itself.

Fang et al., RMPE, ICCV 2017, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rmpe.heatmaps import Codec, soft_argmax
from rmpe.heatmaps.compact import CompactCodec
from rmpe.sstn import apply_affine, centred_targets, invert_affine, warp
from rmpe.training.data.records import CropBatch
from rmpe.training.loop.transformer_start import transform_error
from rmpe.training.losses.published import coordinate_error, heatmap_error
from rmpe.training.recipes.settings import NetworkRecipe


def transformer_losses(
    recipe: NetworkRecipe, codec: Codec, outputs: Sequence[Tensor], batch: CropBatch
) -> dict[str, Tensor]:
    """Return the loss of the main branch, of the parallel branch and of the transform.

    The main branch is compared with the labels in the crop's own frame, through the inverse
    transform, the parallel one with the centred pose in the transformed frame. Networks that give
    logits are compared by their expected joints, mapped exactly, the others by their maps.

    Args:
        recipe: kind of loss and weight of the regression.
        codec: the network's.
        outputs: maps, maps of the frozen parallel branch, and θ, as
            :meth:`SymmetricPose.supervised_outputs` gives them.
        batch: joints in the crop's frame and the transform back to the plain crop.

    Raises:
        ValueError: the parallel branch is missing.
    """
    if len(outputs) != 3:
        raise ValueError("the transformer is trained with its parallel branch; enable it first")
    maps, parallel, theta = outputs  # (N, K, h, w), the same, (N, 2, 3)
    truth = batch.truth
    crop = (batch.crops_bgr.shape[1], batch.crops_bgr.shape[2])
    rows, columns = maps.shape[-2:]
    shown = (rows * codec.stride, columns * codec.stride)
    # Where the joints are in the transformed crop, and there moved to its middle, (N, K, 2) each.
    moved = apply_affine(invert_affine(theta.detach()), truth.keypoints_xy, crop, shown)
    centred = centred_targets(moved, truth.weights > 0, *shown)
    if recipe.loss == "heatmap":
        cells = (crop[0] // codec.stride, crop[1] // codec.stride)
        # The main branch's maps, back in the crop: (N, K, h, w) -> (N, K, *cells).
        returned = warp(maps.float(), invert_affine(theta), cells)
        own = codec.encode(truth.keypoints_xy, truth.weights, *cells)
        middle = codec.encode(centred, truth.weights, rows, columns)
        losses = {
            "main": heatmap_error(returned, own, truth.weights),
            "parallel": heatmap_error(parallel, middle, truth.weights),
        }
    else:
        offset = codec.offset_px if isinstance(codec, CompactCodec) else 0.0
        found, seen = (_expected_joints(m, codec.stride, offset) for m in (maps, parallel))
        back = apply_affine(theta, found, shown, crop)  # (N, K, 2), pixels of the crop
        # Both errors in the network's own pixels, so that a larger crop weighs as much.
        size = (shown[1], shown[0])
        losses = {
            "main": coordinate_error(back, truth.keypoints_xy, truth.weights, size),
            "parallel": coordinate_error(seen, centred, truth.weights, size),
        }
    if recipe.transformer_regression:
        error = transform_error(theta, batch.theta)
        losses["transform"] = recipe.transformer_regression * error
    return losses


def _expected_joints(logits: Tensor, stride: int, offset_px: float) -> Tensor:
    """Return expected joints (N, K, 2) in input pixels of logits (N, K, h, w)."""
    chances = torch.softmax(logits.float().flatten(2), -1).view_as(logits)
    return soft_argmax(chances) * stride + offset_px
