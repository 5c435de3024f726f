"""Arithmetic on person boxes; the format of every argument is in the function's name.

``xyxy`` is x1 y1 x2 y2 and ``xywh`` is x1 y1 width height, both in pixels, shape (..., 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float32]

_SNAPS = np.float32(8)
"""Places in a pixel to which boxes that were found snap."""


def box_xyxy_to_xywh(boxes_xyxy: ArrayLike) -> NDArray[np.float64]:
    """Return boxes (..., 4) as corner, width and height; in float64, so that they undo exactly."""
    boxes = np.asarray(boxes_xyxy, np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], -1)


def box_xywh_to_xyxy(boxes_xywh: ArrayLike) -> FloatArray:
    """Return boxes (..., 4) as two corners, added in float64."""
    boxes = np.asarray(boxes_xywh, np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], -1).astype(np.float32)


def box_area(boxes_xyxy: ArrayLike) -> FloatArray:
    """Return areas in square pixels, (...,); a box turned inside out has none."""
    boxes = np.asarray(boxes_xyxy, np.float32)
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)


def box_iou_matrix(first_xyxy: ArrayLike, second_xyxy: ArrayLike) -> FloatArray:
    """Return the intersection over union of every pair of boxes, (N, 4) x (M, 4) -> (N, M)."""
    first = np.asarray(first_xyxy, np.float32)[:, None]
    second = np.asarray(second_xyxy, np.float32)[None]
    top_left = np.maximum(first[..., :2], second[..., :2])
    bottom_right = np.minimum(first[..., 2:], second[..., 2:])
    overlap = np.maximum(bottom_right - top_left, 0)
    intersection = overlap[..., 0] * overlap[..., 1]
    union = box_area(first) + box_area(second) - intersection
    return np.asarray(intersection / np.maximum(union, np.float32(1e-9)), np.float32)


def clip_boxes(boxes_xyxy: ArrayLike, width: int, height: int) -> FloatArray:
    """Return boxes (..., 4) cut to a picture of ``width`` x ``height`` pixels."""
    limits = np.array([width, height, width, height], np.float32)
    return np.asarray(np.clip(np.asarray(boxes_xyxy, np.float32), 0, limits), np.float32)


def snap_boxes(boxes_xyxy: ArrayLike) -> FloatArray:
    """Return boxes (..., 4) to the nearest eighth of a pixel.

    A found corner's further digits depend on the engine that computed it. Without them nearly all
    crops are the same on every engine, and so are the poses; a corner halfway between two eighths
    may still go either way.
    """
    return np.asarray(np.rint(np.asarray(boxes_xyxy, np.float32) * _SNAPS) / _SNAPS, np.float32)


def grow_boxes(boxes_xyxy: ArrayLike, factor: float) -> FloatArray:
    """Return boxes (..., 4) with both sides ``factor`` times as long about the same centre."""
    boxes = np.asarray(boxes_xyxy, np.float32)
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    half = (boxes[..., 2:] - boxes[..., :2]) * np.float32(factor / 2)
    return np.concatenate([centre - half, centre + half], -1)


def keypoint_extent_boxes(keypoints_xy: ArrayLike, counted: ArrayLike) -> FloatArray:
    """Return the box around the counted joints of every pose.

    Args:
        keypoints_xy: joints in pixels, (N, K, 2).
        counted: which joints count, bool (N, K).

    Returns:
        Boxes xyxy, (N, 4); zeros for a pose without a counted joint.
    """
    points = np.asarray(keypoints_xy, np.float32)
    mask = np.asarray(counted, bool)[..., None]
    low = np.where(mask, points, np.inf).min(1, initial=np.inf)
    high = np.where(mask, points, -np.inf).max(1, initial=-np.inf)
    boxes = np.concatenate([low, high], -1)
    return np.where(np.isfinite(boxes), boxes, 0).astype(np.float32)
