"""What each choice of the compact detector is worth: a row of figures for every combination.

    python tools/scores/ablate_detector.py 416 512+320 416+416m --data DATA --exponent 1 4
    python tools/scores/ablate_detector.py 512+320 --data DATA --weights nanodet.safetensors
    python tools/scores/ablate_detector.py mp256 512+320+mp384 --data DATA --multipose FILE

A combination is a list of input sides whose boxes are joined: ``416``, ``416m`` for the mirror
image, ``mp256`` for MoveNet MultiPose. Held-out people of COCO pictures and pictures without
people: AP50 and recall at precision 0.85 of those of 100 px and more, AP50 and recall at precision
0.80 of all; recall of the labelled people of street, 100 px and more, at score 0.35.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe.detectors._boxes import box_nms, join_sides
from rmpe.detectors.compact import CompactOptions, CompactPersonDetector, build_compact_detector
from rmpe.records import Boxes, FloatArray, ImageArray
from rmpe.training.bundled.person_boxes import PersonPicture
from tools.scores.detection_scores import BoxTruth, score_boxes
from tools.scores.score_compact_detector import MOST, TOGETHER, read_sets

LEAST_SCORE = 0.05
STREET_SCORE = 0.35
HEADING = "AP50, 100 px | at precision 0.85 | AP50, all | at precision 0.80 | street"
Found = dict[str, list[Boxes]]
"""Name of a side to the boxes of every picture."""


def mirrored(boxes: Boxes, width: int) -> Boxes:
    """Return the boxes of a mirror image in the picture itself."""
    corners = boxes.boxes_xyxy.copy()
    corners[:, [0, 2]] = width - 1 - corners[:, [2, 0]]
    return Boxes(corners, boxes.scores)


def finder_of(side: str, network: CompactPersonDetector, arguments: argparse.Namespace,
              same_iou: float) -> Callable[[ImageArray], Boxes]:  # fmt: skip
    """Return what finds people at one side."""
    if side.startswith("mp"):
        from tools.scores.multipose import MultiPoseFinder

        multipose = MultiPoseFinder(arguments.multipose)
        return lambda image: Boxes(*multipose(image, int(side[2:])))
    weak = CompactOptions(
        int(side.rstrip("m")),
        score_threshold=LEAST_SCORE,
        small_score_threshold=LEAST_SCORE,
        nms_iou=same_iou,
    )
    detector = CompactPersonDetector(network.runtime, weak)
    if not side.endswith("m"):
        return lambda image: detector([image])[0]
    return lambda image: mirrored(
        detector([np.ascontiguousarray(image[:, ::-1])])[0], image.shape[1]
    )


def joined(parts: Sequence[Boxes], same_iou: float, exponent: float, nms_iou: float) -> Boxes:
    """Return what several sides say together."""
    corners, scores = join_sides(
        [part.boxes_xyxy for part in parts], [part.scores for part in parts], same_iou, exponent
    )
    kept = box_nms(corners, scores, nms_iou)
    return Boxes(corners[kept], scores[kept])


def figures(found: list[Boxes], pictures: Sequence[PersonPicture]) -> FloatArray:
    """Return the figures of one row, (5,) as in HEADING."""
    truth = [BoxTruth(p.boxes_xyxy, p.ignore_xyxy, p.complete) for p in pictures]
    whole = [row for row, picture in enumerate(pictures) if picture.source != "street"]
    values = []
    for height, precision in ((100.0, 0.85), (0.0, 0.8)):
        boxes, known = [found[row] for row in whole], [truth[row] for row in whole]
        outcome = score_boxes(boxes, known, min_height=height)
        values += [outcome.average_precision(), outcome.recall_at_precision(precision)[0]]
    street = [row for row, picture in enumerate(pictures) if picture.source == "street"]
    outcome = score_boxes([found[r] for r in street], [truth[r] for r in street], min_height=100.0)
    return np.array([*values, outcome.recall_at_score(STREET_SCORE)], np.float32)


def command_line() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What each choice of the detector is worth")
    parser.add_argument("sides", nargs="+", help="such as 416, 512+320, 416+416m or mp256")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, nargs="+", default=[None], help="files")
    parser.add_argument("--precision", nargs="+", default=["bf16"], help="fp32, bf16, int8")
    parser.add_argument("--exponent", type=float, nargs="+", default=[4.0], help="of the mean")
    parser.add_argument("--same-iou", type=float, nargs="+", default=[0.6], help="joins boxes")
    parser.add_argument("--nms-iou", type=float, nargs="+", default=[0.5], help="suppresses them")
    parser.add_argument("--multipose", type=Path, help="movenet-multipose.json, for sides mpN")
    return parser.parse_args()


def main() -> None:
    """Print a row for every combination."""
    arguments = command_line()
    torch.set_num_threads(1)
    sets = read_sets(arguments.data, MOST)
    pictures = [picture for name in (*TOGETHER, "street") for picture in sets[name]]
    given = {
        name: getattr(arguments, name) for name in ("exponent", "same_iou", "nms_iou", "sides")
    }
    print(f"| weights | precision | {' | '.join(given)} | {HEADING} |")
    for weights, precision in product(arguments.weights, arguments.precision):
        network = build_compact_detector(
            weights, runtime="openvino", device="cpu", precision=precision, threads=1
        )
        seen: dict[tuple[str, float], list[Boxes]] = {}
        for exponent, same_iou, nms_iou, sides in product(*given.values()):
            for side in sides.split("+"):
                if (side, same_iou) not in seen:
                    finder = finder_of(side, network, arguments, same_iou)
                    loaded = tqdm(pictures, desc=side, disable=None)
                    seen[side, same_iou] = [finder(picture.load()) for picture in loaded]
            found = [
                joined(parts, same_iou, exponent, nms_iou)
                for parts in zip(*(seen[side, same_iou] for side in sides.split("+")))
            ]
            cells = [weights.stem if weights else "bundled", precision, f"{exponent:g}",
                     f"{same_iou:g}", f"{nms_iou:g}", sides]  # fmt: skip
            values = [f"{value:.3f}" for value in figures(found, pictures)]
            print("| " + " | ".join([*cells, *values]) + " |", flush=True)


if __name__ == "__main__":
    main()
