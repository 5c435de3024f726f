"""Assignment and loss of the compact person detector: those that NanoDet is trained with.

Which cells learn a person is decided by adaptive training sample selection (ATSS, Zhang et al.,
CVPR 2020, algorithm 1). The score is trained towards the IoU of the cell's own box, the edges as
distributions (quality and distribution focal loss: Generalized Focal Loss, Li et al., NeurIPS
2020, equations 4 and 6) and as a box by GIoU (Rezatofighi et al., CVPR 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rmpe.networks.compact_detector import (
    DISTANCES,
    STRIDES,
    cell_centres,
    cell_strides,
    mean_distances,
)


@dataclass(frozen=True)
class DetectionLossParameters:
    """Weights and exponents of the loss."""

    anchor_strides: float = 8.0
    """Side of the square that stands for a cell in the assignment, in units of its stride."""
    candidates: int = 9
    """Cells of each level, nearest to a person's middle, that may learn it."""
    focus: float = 2.0
    """Exponent of |target - score|, which keeps easy background small."""
    box_weight: float = 2.0
    """Weight of GIoU beside the score's loss."""
    edge_weight: float = 0.25
    """Weight of the distributions beside the score's loss."""


@dataclass(frozen=True)
class DetectionLoss:
    """The loss of a batch and its parts, before their weights."""

    total: Tensor
    score: Tensor
    """Quality focal loss over the number of learning cells."""
    box: Tensor
    """1 - GIoU, mean over the learning cells, weighted by their scores."""
    edge: Tensor
    """Cross entropy of the distributions, mean over edges, weighted in the same way."""


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
    truth: Tensor,
    centres: Tensor,
    strides: Tensor,
    parameters: DetectionLossParameters = DetectionLossParameters(),
) -> Tensor:
    """Choose the cells that learn each box of one picture.

    A person's candidates are the nearest cells of every level; those learn it whose squares
    overlap it more than the mean plus one deviation of all its candidates, and whose centres lie
    inside it.

    Args:
        truth: annotated boxes xyxy in input pixels, (G, 4), G at least 1.
        centres: cell centres, (A, 2).
        strides: pixels per cell, (A,).
        parameters: size of the squares and number of candidates.

    Returns:
        Index of the box that each cell learns, or -1, (A,); of several the one it overlaps most.
    """
    half = (parameters.anchor_strides / 2 * strides)[:, None]
    squares = torch.cat([centres - half, centres + half], 1)  # (A, 4)
    overlap = pair_iou(truth[:, None], squares[None])[0]  # (G, 1, 4) x (1, A, 4) -> (G, A)
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    away = torch.cdist(middle, centres)  # (G, A)
    nearest = []
    for stride in STRIDES:
        level = torch.nonzero(strides == stride)[:, 0]
        count = min(parameters.candidates, len(level))
        nearest.append(level[away[:, level].topk(count, largest=False).indices])
    candidates = torch.cat(nearest, 1)  # (G, C), C nearest cells of all levels together
    values = overlap.gather(1, candidates)  # (G, C)
    # ATSS: the threshold of a person adapts to how well its candidates overlap it.
    enough = values >= (values.mean(1) + values.std(1))[:, None]
    # Distances of each centre from the four edges, (G, A, 4): all above 0 inside the box.
    edges = torch.cat([centres[None] - truth[:, None, :2], truth[:, None, 2:] - centres[None]], -1)
    enough &= (edges.amin(-1) > 0).gather(1, candidates)
    # A cell that several people want learns the one it overlaps most, (G, A) -> (A,).
    best = torch.full_like(overlap, -1.0)
    best.scatter_(1, candidates, torch.where(enough, values, -1.0))
    most = best.max(0)
    return torch.where(most.values >= 0, most.indices, -1)


def detection_loss(
    logits: Tensor,
    edges: Tensor,
    truth: Sequence[Tensor],
    background_weight: Tensor,
    parameters: DetectionLossParameters = DetectionLossParameters(),
) -> DetectionLoss:
    """Return the loss of a batch.

    Args:
        logits: of the person, as ``CompactDetector.distributions`` gives them, (N, A).
        edges: logits of the edges' distributions, (N, A, 4, DISTANCES).
        truth: boxes xyxy of every picture in input pixels, (G, 4) each.
        background_weight: how sure nobody is in cells of 8x8 pixels, 0 to 1, (N, H / 8, W / 8);
            cells of the coarser strides take the least of the cells they cover.
        parameters: assignment and weights.
    """
    height, width = (side * STRIDES[0] for side in background_weight.shape[1:])
    logits, edges = logits.float(), edges.float()
    centres = cell_centres(height, width).to(logits)  # (A, 2)
    strides = cell_strides(height, width).to(logits)  # (A,)
    targets, weights = torch.zeros_like(logits), cell_weights(background_weight).to(logits)
    gious, entropies, confidences = [], [], []
    for row, known in enumerate(truth):
        if not len(known):
            continue
        index = assign(known, centres, strides, parameters)  # (A,), -1 where nobody is
        learns = index >= 0
        # L cells learn a box: wanted (L, 4), middle (L, 2), distribution (L, 4, DISTANCES).
        wanted, middle = known[index[learns]], centres[learns]
        stride, distribution = strides[learns, None], edges[row, learns]
        distances = mean_distances(distribution) * stride  # (L, 4), pixels
        box = torch.cat([middle - distances[:, :2], middle + distances[:, 2:]], -1)
        iou, giou = pair_iou(box, wanted)
        targets[row, learns] = iou.detach()
        weights[row, learns] = 1.0
        gious.append(giou)
        right = torch.cat([middle - wanted[:, :2], wanted[:, 2:] - middle], -1) / stride  # (L, 4)
        entropies.append(distance_entropy(distribution, right).mean(-1))
        confidences.append(logits[row, learns].detach().sigmoid())
    count = max(sum(len(giou) for giou in gious), 1)
    focus = (targets - logits.sigmoid()).abs().pow(parameters.focus)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    score_loss = (weights * focus * entropy).sum() / count
    box_loss, edge_loss = edges.sum() * 0, edges.sum() * 0
    if gious:
        # A box counts as far as its cell is sure of a person, so that doubtful cells teach little.
        confidence = torch.cat(confidences)  # (sum of L,)
        share = confidence / confidence.sum().clamp(min=1e-6)
        box_loss = (share * (1 - torch.cat(gious))).sum()
        edge_loss = (share * torch.cat(entropies)).sum()
    total = score_loss + parameters.box_weight * box_loss + parameters.edge_weight * edge_loss
    return DetectionLoss(total, score_loss, box_loss, edge_loss)


def distance_entropy(edges: Tensor, wanted: Tensor) -> Tensor:
    """Return the cross entropy of distributions towards the two distances around the right one.

    Args:
        edges: logits, (..., DISTANCES).
        wanted: right distances in strides, (...); beyond the last one they count as just below it.
    """
    # Each distance lies between two classes: DISTANCES - 1.01 keeps one above it.
    wanted = wanted.clamp(0, DISTANCES - 1.01)
    below = wanted.floor()
    upper_share = wanted - below
    logs = edges.log_softmax(-1)  # (..., DISTANCES)
    lower = logs.gather(-1, below.long()[..., None])[..., 0]  # (...)
    upper = logs.gather(-1, below.long()[..., None] + 1)[..., 0]
    return -(lower * (1 - upper_share) + upper * upper_share)


def cell_weights(background_weight: Tensor) -> Tensor:
    """Spread weights of 8x8 cells (N, h, w) over the cells of all strides, (N, A)."""
    levels = []
    for stride in STRIDES:
        step = stride // STRIDES[0]
        # (N, 1, h, w) -> (N, 1, h / step, w / step), the least of what a coarse cell covers.
        least = -functional.max_pool2d(-background_weight[:, None], step)
        levels.append(least.flatten(1))
    return torch.cat(levels, 1)
