"""Assignment and loss of the anchor-free person detector.

A person is learnt by the cells around the middle of the box, on the one stride that fits its size
(FCOS, Tian et al., ICCV 2019, with centre sampling). The score is trained towards the IoU of the
cell's own box with a focusing factor (Generalized Focal Loss, Li et al., NeurIPS 2020, equation
4), the distances by GIoU (Rezatofighi et al., CVPR 2019). Assignment by the predictions themselves
(TOOD) was tried first and learnt too slowly for a training of minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rmpe.networks.compact_detector import STRIDES, cell_centres, cell_strides


@dataclass(frozen=True)
class DetectionLossParameters:
    """Weights and exponents of the loss."""

    largest_px: tuple[float, float] = (64.0, 224.0)
    """Longer side of the largest box that strides 8 and 16 learn; stride 32 learns the rest."""
    centre_radius: float = 1.5
    """Cells this far from the box's middle learn it, in units of the stride."""
    focus: float = 1.5
    """Exponent of |target - score|, which keeps easy background small."""
    box_weight: float = 2.0
    """Weight of GIoU beside the score's loss."""


@dataclass(frozen=True)
class DetectionLoss:
    """The loss of a batch and its parts, each divided by the number of learning cells."""

    total: Tensor
    score: Tensor
    box: Tensor


def pair_iou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return IoU and GIoU of boxes xyxy (..., 4), element by element."""
    area_first = (first[..., 2:] - first[..., :2]).clamp(min=0).prod(-1)
    area_second = (second[..., 2:] - second[..., :2]).clamp(min=0).prod(-1)
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    overlap = (high - low).clamp(min=0).prod(-1)
    union = (area_first + area_second - overlap).clamp(min=1e-6)
    hull_low = torch.minimum(first[..., :2], second[..., :2])
    hull_high = torch.maximum(first[..., 2:], second[..., 2:])
    hull = (hull_high - hull_low).clamp(min=0).prod(-1).clamp(min=1e-6)
    iou = overlap / union
    return iou, iou - (hull - union) / hull


def assign(
    truth: Tensor, centres: Tensor, strides: Tensor, parameters: DetectionLossParameters
) -> Tensor:
    """Choose the cells that learn each box of one picture.

    Args:
        truth: annotated boxes xyxy in input pixels, (G, 4), G at least 1.
        centres: cell centres, (A, 2).
        strides: pixels per cell, (A,).
        parameters: size limits and radius.

    Returns:
        Index of the box that each cell learns, or -1, (A,); of several the smallest box.
    """
    sides = truth[:, 2:] - truth[:, :2]
    level = torch.bucketize(sides.amax(1), torch.tensor(parameters.largest_px))
    fits = strides[None] == torch.tensor(STRIDES)[level][:, None]
    edges = torch.cat([centres[None] - truth[:, None, :2], truth[:, None, 2:] - centres[None]], -1)
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    away = (centres[None] - middle[:, None]).abs().amax(-1) / strides
    inside = (edges.amin(-1) > 0) & (away < parameters.centre_radius)
    learns = fits & (inside | (away <= 0.5))
    area = torch.where(learns, sides.prod(1)[:, None], torch.inf)
    smallest = area.min(0)
    return torch.where(learns.any(0), smallest.indices, -1)


def detection_loss(
    output: Tensor,
    truth: Sequence[Tensor],
    background_weight: Tensor,
    parameters: DetectionLossParameters = DetectionLossParameters(),
) -> DetectionLoss:
    """Return the loss of a batch.

    Args:
        output: as ``CompactDetector`` gives it, (N, A, 5).
        truth: boxes xyxy of every picture in input pixels, (G, 4) each.
        background_weight: trust in the absence of a person for 8x8 cells, (N, H / 8, W / 8);
            cells of the coarser strides take the least of the cells they cover.
        parameters: assignment and weights.
    """
    height, width = (side * STRIDES[0] for side in background_weight.shape[1:])
    centres, strides = cell_centres(height, width), cell_strides(height, width)
    output = output.float()
    boxes = torch.cat([centres - output[..., 1:3], centres + output[..., 3:5]], -1)
    logits = output[..., 0]
    targets = torch.zeros_like(logits)
    weights = cell_weights(background_weight)
    gious = []
    for row, picture_truth in enumerate(truth):
        if not len(picture_truth):
            continue
        index = assign(picture_truth, centres, strides, parameters)
        learns = index >= 0
        iou, giou = pair_iou(boxes[row, learns], picture_truth[index[learns]])
        targets[row, learns] = iou.detach()
        weights[row, learns] = 1.0
        gious.append(giou)
    count = max(sum(len(giou) for giou in gious), 1)
    focus = (targets - logits.detach().sigmoid()).abs().pow(parameters.focus)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    score_loss = (weights * focus * entropy).sum() / count
    box_loss = output.new_zeros(())
    if gious:
        box_loss = (1 - torch.cat(gious)).sum() / count
    return DetectionLoss(score_loss + parameters.box_weight * box_loss, score_loss, box_loss)


def cell_weights(background_weight: Tensor) -> Tensor:
    """Spread weights of 8x8 cells (N, h, w) over the cells of all strides, (N, A)."""
    levels = []
    for stride in STRIDES:
        step = stride // STRIDES[0]
        least = -functional.max_pool2d(-background_weight[:, None], step)
        levels.append(least.flatten(1))
    return torch.cat(levels, 1)
