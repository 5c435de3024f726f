"""From the compact network's output to boxes, in numpy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rmpe.geometry.boxes import box_area
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
    order = np.argsort(-scores, kind="stable")
    boxes = boxes_xyxy[order]
    areas = box_area(boxes)
    kept = []
    alive = np.ones(len(order), bool)
    for place in range(len(order)):
        if not alive[place]:
            continue
        kept.append(place)
        rest = boxes[place + 1 :]
        low = np.maximum(rest[:, :2], boxes[place, :2])
        high = np.minimum(rest[:, 2:], boxes[place, 2:])
        shared = np.maximum(high - low, 0).prod(1)
        union = areas[place + 1 :] + areas[place] - shared
        alive[place + 1 :] &= shared <= iou * union
    return order[kept]
