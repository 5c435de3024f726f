"""A training scene, and what it is made of: views of pictures with boxes, colours, edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.geometry.boxes import box_area, clip_boxes
from rmpe.training.bundled.person_boxes import PersonPicture

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

CELL = 8
"""Pixels per cell of the background weight."""
GREY = 114
"""Value of the pixels outside a picture."""


@dataclass(frozen=True, eq=False)
class BoxScene:
    """One training input."""

    image_bgr: ImageArray
    """Picture, uint8 (H, W, 3)."""
    boxes_xyxy: FloatArray
    """Person boxes in pixels, inside the picture, (N, 4)."""
    background_weight: FloatArray
    """Trust in "no person" for each 8x8 cell, 0..1, (H / 8, W / 8)."""


def render_view(
    picture: PersonPicture,
    image: ImageArray,
    scale: NDArray[np.float64],
    offset: NDArray[np.float64],
    size: tuple[int, int],
    mirrored: bool,
    least_visible: float,
) -> BoxScene:
    """Show ``image`` on a canvas of ``size`` (width, height), scaled, moved and perhaps mirrored.

    ``scale`` and ``offset`` are (x, y), the offset in pixels of the canvas.
    """
    width, height = size
    canvas = _warp(image, scale, offset, width, height)
    factor, shift = np.tile(scale, 2).astype(np.float32), np.tile(offset, 2).astype(np.float32)
    weight = np.ones((height // CELL, width // CELL), np.float32)
    if not picture.complete:
        extent = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
        mark(weight, extent * factor + shift, 0.0)
    whole = picture.boxes_xyxy * factor + shift
    boxes = clip_boxes(whole, width, height)
    sides = boxes[:, 2:] - boxes[:, :2]
    seen = box_area(boxes) >= least_visible * box_area(whole)
    kept = seen & (sides.min(1, initial=1e9) >= 4) & (sides.max(1, initial=0) >= 8)
    if not picture.complete:
        mark(weight, boxes[kept], 1.0)
    mark(weight, boxes[~kept & (box_area(boxes) > 0)], 0.0)
    mark(weight, clip_boxes(picture.ignore_xyxy * factor + shift, width, height), 0.0)
    boxes = boxes[kept]
    if mirrored:
        canvas, weight = canvas[:, ::-1], weight[:, ::-1]
        boxes = boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32)
        boxes = boxes + np.array([width, 0, width, 0], np.float32)
    return BoxScene(np.ascontiguousarray(canvas), boxes, np.ascontiguousarray(weight))


def colour_jitter(image: ImageArray, random: np.random.Generator) -> ImageArray:
    """Change brightness, contrast, colour and sharpness at random; input and output BGR uint8."""
    values = image.astype(np.float32)
    values *= random.uniform(0.65, 1.35)
    values *= random.uniform(0.88, 1.12, 3).astype(np.float32)
    values += random.uniform(-20, 20)
    grey = values @ np.array([0.114, 0.587, 0.299], np.float32)
    saturation = 0.0 if random.random() < 0.08 else float(random.uniform(0.5, 1.4))
    values = grey[..., None] + (values - grey[..., None]) * saturation
    result = np.clip(values, 0, 255).astype(np.uint8)
    if random.random() < 0.12:
        result = np.asarray(cv2.GaussianBlur(result, (0, 0), random.uniform(0.5, 1.5)), np.uint8)
    if random.random() < 0.12:
        noise = random.normal(0, random.uniform(2, 10), result.shape)
        result = np.clip(result + noise, 0, 255).astype(np.uint8)
    return result


def resize(image: ImageArray, width: int, height: int) -> ImageArray:
    """Resize to ``width`` x ``height``, averaging pixels when shrinking."""
    shrinks = width < image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def _warp(
    image: ImageArray,
    scale: NDArray[np.float64],
    offset: NDArray[np.float64],
    width: int,
    height: int,
) -> ImageArray:
    if scale.min() < 0.6:
        smaller = np.maximum((np.array(image.shape[1::-1]) * scale).round(), 1).astype(int)
        image = resize(image, int(smaller[0]), int(smaller[1]))
        scale = np.ones(2)
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]])
    fill = (GREY, GREY, GREY)
    warped = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=fill
    )
    return np.asarray(warped, np.uint8)


def mark(weight: FloatArray, boxes_xyxy: FloatArray, value: float) -> None:
    """Set the cells that the boxes (pixels) touch."""
    for x1, y1, x2, y2 in boxes_xyxy / CELL:
        columns = slice(max(int(x1), 0), max(math.ceil(x2), 0))
        weight[max(int(y1), 0) : max(math.ceil(y2), 0), columns] = value


def without_covered(
    boxes: FloatArray, cover: FloatArray, least_visible: float
) -> tuple[FloatArray, FloatArray]:
    """Split boxes (N, 4) into those still visible beside ``cover`` (4,) and those lost under it."""
    overlap = np.minimum(boxes[:, 2:], cover[2:]) - np.maximum(boxes[:, :2], cover[:2])
    covered = np.prod(np.maximum(overlap, 0), 1)
    visible = covered <= (1 - least_visible) * box_area(boxes)
    return boxes[visible], boxes[~visible]


def feather(width: int, height: int, border: float = 0.06) -> FloatArray:
    """Blend weights (height, width, 1) that fall off towards the edges."""

    def ramp(length: int) -> FloatArray:
        place = np.minimum(np.arange(length), np.arange(length)[::-1]).astype(np.float32) + 0.5
        return np.asarray(np.clip(place / max(border * length, 0.5), 0, 1), np.float32)

    return np.asarray((ramp(height)[:, None] * ramp(width)[None])[..., None], np.float32)
