"""Detector, pose network and score together on the COCO people: thresholds, and who is lost where.

    python tools/scores/ablate_pipeline.py compact --data DATA --threshold 0.10 0.15 0.25 0.35

For every threshold of the detector (that of small people lies as much above it as in the preset):
poses, AP by the usual and by the learned score, and AR. Twice: as ``rmpe evaluate coco`` has it,
where a pose of one of the 81 people of these pictures whose joints are not annotated well enough is
wrong, and with those people ignored, as COCO ignores whom nobody has annotated. Then, for each of
the 63 people at the preset's own threshold, what lies on them and how right the pose is.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rmpe import PoseEstimator
from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.estimator import EstimatorOptions
from rmpe.evaluation.estimate import coco_results, estimate_set
from rmpe.evaluation.oks.coco import evaluate_coco
from rmpe.evaluation.runs import read_set
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.json_files import load_json
from rmpe.oks import oks_matrix
from rmpe.pose_nms.pose_score import LEARNED
from rmpe.records import Poses

OVERLAPS = (0.0, 0.1, 0.5, 1.01)
"""Bounds of how well the best box fits a person."""
ByPicture = Mapping[int | str, Poses]


def with_ignored(people: dict[str, Any], boxes: dict[str, Any]) -> dict[str, Any]:
    """Return the annotation with everybody else of its pictures as somebody without joints."""
    known = {annotation["id"] for annotation in people["annotations"]}
    ignored = [
        {**annotation, "num_keypoints": 0, "keypoints": [0] * 51}
        for annotation in boxes["annotations"]
        if annotation["id"] not in known
    ]
    return {**people, "annotations": [*people["annotations"], *ignored]}


def rescored(found: ByPicture) -> ByPicture:
    """Return the poses with the learned score."""
    return {name: replace(poses, scores=LEARNED(poses)) for name, poses in found.items()}


def row_of(found: ByPicture, documents: Sequence[dict[str, Any]]) -> list[str]:
    """Return the cells of one row."""
    cells = [str(sum(len(poses) for poses in found.values()))]
    for document in documents:
        stats = [
            evaluate_coco(document, coco_results(poses)).stats for poses in (found, rescored(found))
        ]
        cells += [f"{s['AP']:.3f}" for s in stats] + [f"{stats[0]['AR']:.3f}"]
    return cells


def print_lost(estimator: PoseEstimator, people: KeypointSet, found: ByPicture) -> None:
    """Print people by how well a box fits, and the OKS of its pose and of the true box's."""
    best = estimate_set(estimator, people).by_picture
    rows: list[tuple[float, float, float]] = []
    for picture in people.pictures:
        here = [p for p in people.people if p.picture.image_id == picture.image_id]
        poses = found[picture.image_id]
        fit = box_iou_matrix(np.stack([p.box_xyxy for p in here]), poses.boxes_xyxy)
        truth = (
            np.stack([p.keypoints_xy for p in here]),
            np.stack([p.visibility > 0 for p in here]),
            np.array([p.area for p in here]),
            people.skeleton.sigmas,
        )
        own = oks_matrix(poses.keypoints_xy, *truth)
        ideal = oks_matrix(best[picture.image_id].keypoints_xy, *truth)
        for row in range(len(here)):
            box = int(fit[row].argmax()) if len(poses) else -1
            overlap, reached = (fit[row, box], own[box, row]) if box >= 0 else (0.0, 0.0)
            rows.append((overlap, reached, ideal[row, row]))
    table = np.array(rows)
    print("| best box overlaps by | people | OKS of its pose | OKS with the true box |")
    for low, high in pairwise(OVERLAPS):
        group = table[(table[:, 0] >= low) & (table[:, 0] < high)]
        if len(group):
            own_oks, true_oks = group[:, 1:].mean(0)
            words = f"{low:g} to {high:g}" if high <= 1 else f"{low:g} and more"
            print(f"| {words} | {len(group)} | {own_oks:.3f} | {true_oks:.3f} |")


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description="Detector, network and score together")
    parser.add_argument("preset", choices=("compact", "compact-accurate"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threshold", type=float, nargs="*", default=[], help="of the detector")
    parser.add_argument("--flip-test", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = arguments.data / "samples" / "coco_people"
    people = read_set("coco", folder / "person_keypoints.json", folder / "images")
    document, boxes = (load_json(folder / f"person_{kind}.json") for kind in ("keypoints", "boxes"))
    documents = [document, with_ignored(document, boxes)]
    print("| threshold | poses | AP | learned | AR | others ignored: AP | learned | AR |")
    for threshold in (*arguments.threshold, None):
        options = EstimatorOptions(min_score=0.0, flip_test=arguments.flip_test)
        estimator = PoseEstimator.from_preset(
            arguments.preset, threads=1, box_score=threshold, options=options
        )
        found = estimate_set(estimator, people, annotated_boxes=False).by_picture
        words = "its own" if threshold is None else f"{threshold:.2f}"
        print(f"| {words} | {' | '.join(row_of(found, documents))} |", flush=True)
    print_lost(estimator, people, found)


if __name__ == "__main__":
    main()
