"""Precision over recall of both bundled detectors, and which people they miss at their thresholds.

    python tools/scores/detector_curves.py docs/images/detector_curves.svg --data DATA

On the held-out people of COCO pictures and pictures without people: the curves of those of 100 px
and more and of all, the recall that each precision leaves, and people found and missed by height,
by how much of them somebody else's box covers, and by whether they are cut off by the border.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe.detectors.compact import CompactPersonDetector, build_compact_detector
from rmpe.geometry.boxes import box_area, box_iou_matrix
from rmpe.records import Boxes, FloatArray
from tools.scores.detection_scores import BoxTruth, owners_of, score_boxes
from tools.scores.score_calibration import draw_curves
from tools.scores.score_compact_detector import (
    DETECTORS,
    LOWEST_SCORE,
    MOST,
    TOGETHER,
    read_sets,
)

PRESETS = ("compact", "compact-accurate")
PRECISIONS = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
HEIGHTS = (0, 32, 64, 100, 200, 100_000)
COVERED = 0.3
"""Share of a person's box that another's covers, from which on they count as covered."""
BORDER_PX = 2
HALF, TOUCH = 0.5, 0.1
"""Overlaps: found, and a box that is loose, of a part or of two people."""


def traits(known: BoxTruth, height: int, width: int) -> dict[str, NDArray[np.bool_]]:
    """Return groups of a picture's people, (N,) each."""
    boxes = known.boxes_xyxy
    tall = boxes[:, 3] - boxes[:, 1]
    groups = {
        f"{low} to {high} px" if high < HEIGHTS[-1] else f"{low} px and more": (tall >= low)
        & (tall < high)
        for low, high in pairwise(HEIGHTS)
    }
    low, high = (
        np.maximum(boxes[:, None, :2], boxes[:, :2]),
        np.minimum(boxes[:, None, 2:], boxes[:, 2:]),
    )
    inside = np.prod(np.maximum(high - low, 0), -1) / np.maximum(box_area(boxes)[:, None], 1e-6)
    np.fill_diagonal(inside, 0)
    covered = inside.max(1, initial=0) >= COVERED
    cut = (boxes[:, :2] <= BORDER_PX).any(1)
    cut |= (boxes[:, 2] >= width - BORDER_PX) | (boxes[:, 3] >= height - BORDER_PX)
    large = tall >= 100
    groups["100 px and more, alone and whole"] = large & ~covered & ~cut
    groups["100 px and more, behind or before somebody"] = large & covered
    groups["100 px and more, cut off by the border"] = large & cut
    return groups


def print_missed(taken: list[Boxes], weak: list[Boxes], truth: list[BoxTruth],
                 sizes: Sequence[tuple[int, int]]) -> None:  # fmt: skip
    """Print people, found ones and what lies on the missed, by group."""
    counts: dict[str, NDArray[np.int64]] = {}
    for boxes, unsure, known, size in zip(taken, weak, truth, sizes):
        people = len(known.boxes_xyxy)
        owners = owners_of(boxes, known, np.ones(people, bool))
        found = np.isin(np.arange(people), owners)
        later = np.isin(np.arange(people), owners_of(unsure, known, np.ones(people, bool)))
        overlap = box_iou_matrix(known.boxes_xyxy, boxes.boxes_xyxy).max(1, initial=0)
        shares = (found, ~found & later, ~found & ~later & (overlap >= TOUCH),
                  ~found & ~later & (overlap < TOUCH))  # fmt: skip
        for name, group in traits(known, *size).items():
            row = np.array([group.sum(), *((group & share).sum() for share in shares)])
            counts[name] = counts.get(name, np.zeros(5, np.int64)) + row
    print("| people | all | found | box of a lower score | loose or shared box | nothing |")
    for name, row in counts.items():
        print(f"| {name} | " + " | ".join(str(value) for value in row) + " |")


def print_false(taken: list[Boxes], truth: list[BoxTruth]) -> None:
    """Print what the boxes that find nobody lie on."""
    counts = np.zeros(3, np.int64)
    for boxes, known in zip(taken, truth):
        owners = owners_of(boxes, known, np.ones(len(known.boxes_xyxy), bool))
        outside = known.ignore_xyxy
        overlap = box_iou_matrix(boxes.boxes_xyxy, known.boxes_xyxy).max(1, initial=0)
        unknown = box_iou_matrix(boxes.boxes_xyxy, outside).max(1, initial=0) >= TOUCH
        wrong = (owners < 0) & ~unknown
        counts += [
            int((wrong & (overlap >= HALF)).sum()),
            int((wrong & (overlap < HALF) & (overlap >= TOUCH)).sum()),
            int((wrong & (overlap < TOUCH)).sum()),
        ]
    second, loose, nobody = counts
    print(f"false boxes: {second} second ones of a person, {loose} loose, {nobody} on nobody")


def main() -> None:
    """Draw the curves and print the tables."""
    parser = argparse.ArgumentParser(description="What the bundled detectors find and miss")
    parser.add_argument("figure", type=Path, help="SVG to write")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--precision", default="bf16", help="fp32, bf16 or int8")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = read_sets(arguments.data, MOST)
    pictures = [picture for name in TOGETHER for picture in sets[name]]
    truth = [BoxTruth(p.boxes_xyxy, p.ignore_xyxy, p.complete) for p in pictures]
    images = [picture.load() for picture in pictures]
    curves: dict[str, list[tuple[float, float]]] = {}
    for preset in PRESETS:
        options = DETECTORS[preset]
        weak = replace(options, score_threshold=LOWEST_SCORE, small_score_threshold=LOWEST_SCORE)
        detector = build_compact_detector(
            options=weak, runtime="openvino", device="cpu", precision=arguments.precision, threads=1
        )
        program = CompactPersonDetector(detector.runtime, options)
        found = [detector([image])[0] for image in images]
        taken = [program([image])[0] for image in images]
        for height, words in ((100.0, "100 px and more"), (0.0, "all")):
            outcome = score_boxes(found, truth, min_height=height)
            # A point for every person found.
            shown: FloatArray = np.stack([outcome.recall(), outcome.precision()], 1)[outcome.hits]
            curves[f"{preset}, {words}"] = [(float(x), float(y)) for x, y in shown]
            cells = ["{:.3f} ({:.2f})".format(*outcome.recall_at_precision(p)) for p in PRECISIONS]
            print(f"| {preset}, {words} | {' | '.join(cells)} |")
        print_missed(taken, found, truth, [image.shape[:2] for image in images])
        print_false(taken, truth)
    draw_curves(curves, arguments.figure, "recall", "precision")


if __name__ == "__main__":
    main()
