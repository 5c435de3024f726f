"""From the compact network's output to boxes, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.geometry.boxes import box_iou_matrix, box_xyxy_to_xywh
from rmpe.records import FloatArray

STRIDES = (8, 16, 32)
"""Input pixels per cell of the output's three levels, in their order."""


@lru_cache(maxsize=16)
def cells_of(height: int, width: int) -> FloatArray:
    """Return the centres (x, y) of the output's cells in input pixels, (cells, 2)."""
    levels = []
    for stride in STRIDES:
        y, x = np.indices((height // stride, width // stride), np.float32)
        levels.append(np.stack([x, y], -1).reshape(-1, 2) * stride + (stride - 1) / 2)
    return np.concatenate(levels).astype(np.float32)


def read_output(
    output: FloatArray, height: int, width: int, lowest_score: float
) -> tuple[FloatArray, FloatArray]:
    """Return boxes xyxy (A, 4) in input pixels and scores (A,) of one picture, as cells come.

    Args:
        output: logit and distances left, top, right, bottom of every cell, (cells, 5).
        height: rows of the network's input.
        width: columns of it.
        lowest_score: boxes below this score are left out.
    """
    # Most cells say no: the logits are compared, and only those that say yes are worked on.
    lowest = -np.inf if lowest_score <= 0 else np.log(lowest_score / max(1 - lowest_score, 1e-9))
    rows = np.flatnonzero(output[:, 0] >= lowest - 1e-4)
    chosen = output[rows]
    centres = cells_of(height, width)[rows]
    boxes = np.concatenate([centres - chosen[:, 1:3], centres + chosen[:, 3:5]], -1)
    return boxes, (1 / (1 + np.exp(-chosen[:, 0]))).astype(np.float32)


def box_nms(boxes_xyxy: FloatArray, scores: FloatArray, iou: float) -> NDArray[np.int64]:
    """Return the rows that no better box overlaps by more than ``iou``, best first.

    Args:
        boxes_xyxy: (A, 4).
        scores: (A,); of equal ones the first counts as better.
        iou: intersection over union.
    """
    xywh = box_xyxy_to_xywh(boxes_xyxy).astype(np.float64)
    # OpenCV wants scores above 0.
    above = np.maximum(np.asarray(scores, np.float32), np.float32(1e-12))
    kept = cv2.dnn.NMSBoxes(xywh, above, 0.0, iou)  # type: ignore[arg-type]
    return np.asarray(kept, np.int64).reshape(-1)


def join_sides(
    boxes_xyxy: Sequence[FloatArray],
    scores: Sequence[FloatArray],
    same_iou: float,
    exponent: float,
    lowest_score: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Return boxes (M, 4) and scores (M,) from what was found at several input sides.

    The best box takes along all that overlap it by more than ``same_iou``: their mean, weighted by
    their scores, is the box. The score is the power mean of the sides' best scores, 0 for a side
    that has none, so that what only one side sees counts less.

    Args:
        boxes_xyxy: of each side, (N, 4), all in the same pixels.
        scores: of each side, (N,).
        same_iou: intersection over union.
        exponent: of the power mean.
        lowest_score: people whom no side is as sure of are left out.
    """
    boxes, values = np.concatenate(boxes_xyxy), np.concatenate(scores)
    sides = np.repeat(np.arange(len(scores)), [len(side) for side in scores])
    order = np.argsort(-values, kind="stable")
    order = order[values[order] >= lowest_score]
    free = np.ones(len(values), bool)
    corners, joined = [], []
    for best, overlap in zip(order, box_iou_matrix(boxes[order], boxes)):
        if not free[best]:
            continue
        group = free & (overlap > same_iou)
        group[best] = True
        free &= ~group
        weights = values[group]
        corners.append((boxes[group] * weights[:, None]).sum(0) / weights.sum())
        of_sides = np.zeros(len(scores))
        np.maximum.at(of_sides, sides[group], weights)
        joined.append(np.mean(of_sides**exponent) ** (1 / exponent))
    return np.array(corners, np.float32).reshape(-1, 4), np.array(joined, np.float32)
