"""Assignment and loss of the anchor-free person detector.

Cells are matched to boxes by how well the network already scores and places them (task-aligned
assignment, Feng et al., TOOD, ICCV 2021, section 3.2), the score is trained towards the box's
IoU with a focusing factor (Li et al., Generalized Focal Loss, NeurIPS 2020, equation 4), the
distances by GIoU (Rezatofighi et al., CVPR 2019).
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

    cells_per_box: int = 10
    """Most cells that learn one box."""
    score_exponent: float = 0.5
    """Exponent of the score in the match of cell and box."""
    iou_exponent: float = 4.0
    """Exponent of the IoU in the match of cell and box."""
    focus: float = 2.0
    """Exponent of |target - score|, which keeps easy background small."""
    box_weight: float = 2.0
    """Weight of GIoU beside the score's loss."""


@dataclass(frozen=True)
class DetectionLoss:
    """The loss of a batch and its parts, each divided by the sum of the score targets."""

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
    scores: Tensor,
    boxes: Tensor,
    truth: Tensor,
    centres: Tensor,
    strides: Tensor,
    parameters: DetectionLossParameters,
) -> tuple[Tensor, Tensor]:
    """Choose the cells that learn each box of one picture.

    Args:
        scores: predicted 0..1, (A,).
        boxes: predicted xyxy in input pixels, (A, 4).
        truth: annotated xyxy, (G, 4), G at least 1.
        centres: cell centres, (A, 2).
        strides: pixels per cell, (A,).

    Returns:
        Index of the box that each cell learns, or -1, (A,), and the score it shall give, (A,).
    """
    iou, _ = pair_iou(boxes[None], truth[:, None])  # (G, A)
    to_low = centres[None] - truth[:, None, :2]
    to_high = truth[:, None, 2:] - centres[None]
    inside = torch.cat([to_low, to_high], -1).amin(-1) > 0
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    near = (centres[None] - middle[:, None]).abs().amax(-1) < strides * 0.75
    match = scores.pow(parameters.score_exponent) * iou.pow(parameters.iou_exponent)
    match = match * (inside | near)
    count = min(parameters.cells_per_box, match.shape[1])
    best, cells = match.topk(count, 1)
    chosen = torch.zeros_like(match, dtype=torch.bool).scatter_(1, cells, best > 1e-12)
    owner = torch.where(chosen, iou + 1e-6, torch.zeros_like(iou)).max(0)
    learns = owner.values > 0
    index = torch.where(learns, owner.indices, torch.full_like(owner.indices, -1))
    kept = functional.one_hot(owner.indices, len(truth)).T.bool() & chosen & learns
    match = match * kept
    best_match = match.amax(1, keepdim=True).clamp(min=1e-12)
    best_iou = (iou * kept).amax(1, keepdim=True)
    return index, (match / best_match * best_iou).amax(0)


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
    """
    height, width = (side * STRIDES[0] for side in background_weight.shape[1:])
    centres = cell_centres(height, width)
    strides = cell_strides(height, width)
    output = output.float()
    boxes = torch.cat([centres - output[..., 1:3], centres + output[..., 3:5]], -1)
    logits = output[..., 0]
    scores = logits.sigmoid()
    targets = torch.zeros_like(logits)
    weights = cell_weights(background_weight)
    gious, target_of_positive = [], []
    for row, picture_truth in enumerate(truth):
        if not len(picture_truth):
            continue
        with torch.no_grad():
            index, target = assign(
                scores[row], boxes[row], picture_truth, centres, strides, parameters
            )
        positive = index >= 0
        targets[row] = torch.where(positive, target, targets[row])
        weights[row] = torch.where(positive, torch.ones_like(target), weights[row])
        gious.append(pair_iou(boxes[row][positive], picture_truth[index[positive]])[1])
        target_of_positive.append(target[positive])
    total_target = targets.sum().clamp(min=1.0)
    focus = (targets - scores.detach()).abs().pow(parameters.focus)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    score_loss = (weights * focus * entropy).sum() / total_target
    box_loss = output.new_zeros(())
    if gious:
        box_loss = ((1 - torch.cat(gious)) * torch.cat(target_of_positive)).sum() / total_target
    return DetectionLoss(score_loss + parameters.box_weight * box_loss, score_loss, box_loss)


def cell_weights(background_weight: Tensor) -> Tensor:
    """Spread weights of 8x8 cells (N, h, w) over the cells of all strides, (N, A)."""
    levels = []
    for stride in STRIDES:
        step = stride // STRIDES[0]
        least = -functional.max_pool2d(-background_weight[:, None], step)
        levels.append(least.flatten(1))
    return torch.cat(levels, 1)
