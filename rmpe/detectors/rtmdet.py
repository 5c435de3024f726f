"""RTMDet from OpenMMLab's own weights: letterbox, network, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision.ops import nms

from rmpe.detectors._letterbox import GREY
from rmpe.geometry.boxes import clip_boxes
from rmpe.records import Boxes, ImageArray
from rmpe.runtimes import (
    Precision,
    PreprocessedNetwork,
    Runtime,
    RuntimeName,
    build_runtime,
)
from rmpe.zoo import load_detector

PERSON_CLASS = 0
STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class RtmdetOptions:
    """How boxes are read from the network; OpenMMLab's person configurations but for the score."""

    score_threshold: float = 0.3
    """Boxes of this score or less are dropped; OpenMMLab keeps those above 0.05."""
    nms_iou: float = 0.6
    """Of two boxes that overlap more than this, the better one stays."""
    boxes_per_level: int = 1000
    """Most boxes of one stride before suppression."""
    max_boxes: int = 100
    """Most boxes of one picture."""


class RtmdetDetector:
    """Finds people with an RTMDet on any runtime; pictures are fitted into its square."""

    def __init__(
        self, runtime: Runtime, height: int, width: int, options: RtmdetOptions | None = None
    ) -> None:
        """Use a network that is ready to run.

        Args:
            runtime: gives scores and boxes of three strides, see ``rmpe.networks.rtmdet``.
            height: rows of the input, a multiple of 32.
            width: columns of the input.
            options: thresholds and limits.
        """
        self.runtime = runtime
        self.options = options or RtmdetOptions()
        self._height, self._width = height, width

    def __call__(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people of every picture, see :class:`rmpe.detectors.base.Detector`."""
        if not images_bgr:
            return []
        fitted = [letterboxed(image, self._height, self._width) for image in images_bgr]
        outputs = self.runtime(np.stack([canvas for canvas, _ in fitted]))
        found = []
        for place, (image, (_, (rows, columns))) in enumerate(zip(images_bgr, fitted)):
            levels = [output[place].cpu() for output in outputs]
            boxes, scores = decode_rtmdet(levels[:3], levels[3:], (rows, columns), self.options)
            height, width = image.shape[:2]
            scale = np.array([columns / width, rows / height] * 2, np.float32)
            boxes_xyxy = clip_boxes(boxes.numpy() / scale, width, height)
            found.append(Boxes(boxes_xyxy, scores.numpy()))
        return found


def letterboxed(
    image_bgr: ImageArray, height: int, width: int
) -> tuple[ImageArray, tuple[int, int]]:
    """Return the picture in the top left corner of a grey one, and the rows and columns it fills.

    The sides are rounded as mmcv rounds them, so the two axes may scale a little apart.
    """
    factor = min(width / image_bgr.shape[1], height / image_bgr.shape[0])
    rows, columns = (max(int(side * factor + 0.5), 1) for side in image_bgr.shape[:2])
    canvas = np.full((height, width, 3), GREY, np.uint8)
    canvas[:rows, :columns] = cv2.resize(image_bgr, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return canvas, (rows, columns)


def decode_rtmdet(
    scores: Sequence[Tensor],
    boxes: Sequence[Tensor],
    size_hw: tuple[int, int],
    options: RtmdetOptions,
) -> tuple[Tensor, Tensor]:
    """Return people's boxes (M, 4) in input pixels and their scores (M,), best first.

    Args:
        scores: logits of each stride, (classes, h, w).
        boxes: distances to the four sides of each stride in pixels, (4, h, w).
        size_hw: rows and columns that the picture fills; boxes are cut to them.
        options: thresholds and limits.
    """
    found, values = [], []
    limit = boxes[0].new_tensor([size_hw[1], size_hw[0]] * 2)
    for stride, logits, distances in zip(STRIDES, scores, boxes):
        score = logits[PERSON_CLASS].sigmoid().flatten()  # (h * w,)
        best = score.topk(min(options.boxes_per_level, len(score)))
        kept = best.values > options.score_threshold
        place = best.indices[kept]
        width = distances.shape[2]
        # The corner of the cell, not its middle: mmdet's priors have offset 0.
        corner = torch.stack([place % width, place // width], -1) * stride  # (m, 2)
        sides = distances.flatten(1).T[place]  # (4, h, w) -> (m, 4)
        corners = torch.cat([corner - sides[:, :2], corner + sides[:, 2:]], -1)
        found.append(torch.minimum(corners.clamp(min=0.0), limit))
        values.append(best.values[kept])
    corners, score = torch.cat(found), torch.cat(values)
    filled = (corners[:, 2:] > corners[:, :2]).all(-1)
    corners, score = corners[filled], score[filled]
    rows = nms(corners, score, options.nms_iou)[: options.max_boxes]
    return corners[rows], score[rows]


def build_rtmdet_detector(
    weights: str,
    *,
    options: RtmdetOptions | None = None,
    device: str = "auto",
    runtime: RuntimeName = "auto",
    precision: Precision = "auto",
    threads: int = 0,
) -> RtmdetDetector:
    """Return the detector of a ``.pth`` file of RTMDet, or of the catalogue's entry of that name.

    Raises:
        OSError: the file cannot be read or fetched.
        ValueError: it is no RTMDet, or a setting is unknown.
    """
    loaded = load_detector(weights)
    conventions = loaded.conventions
    network = PreprocessedNetwork(
        loaded.network, conventions.colour_order, conventions.mean, conventions.std
    )
    engine = build_runtime(
        network, runtime=runtime, device=device, precision=precision, threads=threads
    )
    return RtmdetDetector(engine, conventions.input_height, conventions.input_width, options)
