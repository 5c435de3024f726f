"""The figures of the compact detector's model card.

    python tools/scores/score_compact_detector.py --data DATA [--weights FILE] [--detector NAME]
    python tools/scores/score_compact_detector.py --data DATA --sides 640 416 --together

People of the COCO pictures that are held out (``coco128``'s fifth, ``coco_people``) and pictures of
``empty`` without people: average precision and recall, with bootstrap intervals over pictures.
Sets whose labels are partial (street, LSPET) or few (the samples): recall of the boxes that the
program takes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe.detectors.compact import (
    ACCURATE,
    FAST,
    CompactOptions,
    CompactPersonDetector,
    build_compact_detector,
)
from rmpe.records import Boxes
from rmpe.training.bundled.person_boxes import (
    PersonPicture,
    is_held_out,
    read_coco_boxes,
    read_detect_pack,
    read_lspet_boxes,
)
from tools.scores.detection_scores import BoxScores, BoxTruth, score_boxes

BOOTSTRAPS = 1000
TOGETHER = ("coco128", "coco_people", "empty")
"""Sets whose labels are complete, so that they tell precision too."""
DETECTORS = {"compact": FAST, "compact-accurate": ACCURATE, "one side": CompactOptions()}
"""What is measured: the two detectors, and the network at one side alone."""
LOWEST_SCORE = 0.03
MOST = {"empty": 100, "street": 120, "lspet": 250}
"""Pictures of a set at most."""
SAMPLES = {
    "coco val2017": ("coco/test_coco.json", "coco"),
    "crowdpose": ("crowdpose/test_crowdpose.json", "crowdpose"),
    "ochuman": ("ochuman/test_ochuman.json", "ochuman"),
    "aic": ("aic/test_aic.json", "aic"),
    "posetrack18": ("posetrack18/annotations/test_posetrack18_val.json", "posetrack18"),
    "jhmdb": ("jhmdb/test_jhmdb_sub1.json", "jhmdb"),
}
"""Annotations and pictures of the development samples that have person boxes."""


def read_sets(data: Path, most: dict[str, int]) -> dict[str, list[PersonPicture]]:
    """Read the held-out pictures by set, at most so many of a set."""
    held_out = [p for p in read_detect_pack(data / "detect") if is_held_out(p.name)]
    people = data / "samples" / "coco_people"
    sets = {
        "coco128": [p for p in held_out if p.source == "coco128"],
        "coco_people": read_coco_boxes(people / "person_boxes.json", people / "images"),
        "empty": [p for p in held_out if p.source == "empty"],
        "street": [p for p in held_out if p.source == "street" and len(p.boxes_xyxy)],
        "lspet": read_lspet_boxes(data / "lspet", validation=True),
    }
    for name, (boxes, images) in SAMPLES.items():
        sets[name] = read_coco_boxes(data / "samples" / boxes, data / "samples" / images)
    return {name: pictures[: most.get(name, len(pictures))] for name, pictures in sets.items()}


def interval(
    value: Callable[[BoxScores], float], found: list[Boxes], truth: list[BoxTruth], height: float
) -> str:
    """Return a figure and the central 95 % of its values over resampled pictures."""
    each = [score_boxes([f], [t], min_height=height) for f, t in zip(found, truth)]
    random, drawn = np.random.default_rng(0), []
    for _ in range(BOOTSTRAPS):
        rows = [each[i] for i in random.integers(0, len(each), len(each))]
        drawn.append(value(joined(rows)))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{value(joined(each)):.3f} ({low:.3f} to {high:.3f})"


def whole_recall(scores: BoxScores) -> float:
    """Return the recall of all boxes."""
    return scores.recall_at_score(0.0)


def precision(scores: BoxScores) -> float:
    """Return the precision of all boxes."""
    return float(scores.hits.mean()) if len(scores.hits) else 1.0


def joined(parts: list[BoxScores]) -> BoxScores:
    """Put the outcomes of several pictures together."""
    scores = np.concatenate([part.scores for part in parts])
    order = np.argsort(-scores, kind="stable")
    hits = np.concatenate([part.hits for part in parts])[order]
    return BoxScores(scores[order], hits, sum(part.people for part in parts))


def changed_options(options: CompactOptions, arguments: argparse.Namespace) -> CompactOptions:
    """Return the options with what the command line asks for."""
    given = {
        "best_counts": arguments.exponent,
        "same_iou": arguments.same_iou,
        "nms_iou": arguments.nms_iou,
    }
    if arguments.sides:
        given |= {"input_side": arguments.sides[0], "other_sides": tuple(arguments.sides[1:])}
    return replace(options, **{name: value for name, value in given.items() if value is not None})


def command_line() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weights", type=Path, help="instead of the bundled ones")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--detector", choices=sorted(DETECTORS), default="compact")
    parser.add_argument("--precision", choices=["fp32", "bf16", "int8"], default="bf16")
    parser.add_argument("--sides", type=int, nargs="+", help="input sides instead of its own")
    parser.add_argument("--exponent", type=float, help="of the sides' power mean")
    parser.add_argument("--same-iou", type=float, help="of boxes that are joined")
    parser.add_argument("--nms-iou", type=float, help="of boxes that are suppressed")
    parser.add_argument("--together", action="store_true", help="leave out the partial labels")
    return parser.parse_args()


def main() -> None:
    """Print the figures."""
    arguments = command_line()
    torch.set_num_threads(1)
    chosen = changed_options(DETECTORS[arguments.detector], arguments)
    options = replace(chosen, score_threshold=LOWEST_SCORE, small_score_threshold=LOWEST_SCORE)
    detector = build_compact_detector(
        arguments.weights,
        options=options,
        runtime="openvino",
        device="cpu",
        precision=arguments.precision,
        threads=1,
    )
    program = CompactPersonDetector(detector.runtime, chosen)
    found: dict[str, list[Boxes]] = {}
    taken: dict[str, list[Boxes]] = {}
    truth: dict[str, list[BoxTruth]] = {}
    for name, pictures in read_sets(arguments.data, MOST).items():
        if arguments.together and name not in TOGETHER:
            continue
        if name in TOGETHER:
            found[name] = [detector([p.load()])[0] for p in pictures]
        taken[name] = [program([p.load()])[0] for p in tqdm(pictures, desc=name, disable=None)]
        truth[name] = [BoxTruth(p.boxes_xyxy, p.ignore_xyxy, p.complete) for p in pictures]
    boxes = [one for name in TOGETHER for one in found[name]]
    kept = [one for name in TOGETHER for one in taken[name]]
    known = [one for name in TOGETHER for one in truth[name]]
    for height in (0.0, 100.0):
        figures: dict[str, Callable[[BoxScores], float]] = {
            "AP50": BoxScores.average_precision,
            "recall at precision 0.5": lambda scores: scores.recall_at_precision(0.5)[0],
            "recall at precision 0.7": lambda scores: scores.recall_at_precision(0.7)[0],
            "recall at precision 0.8": lambda scores: scores.recall_at_precision(0.8)[0],
            "recall at precision 0.85": lambda scores: scores.recall_at_precision(0.85)[0],
        }
        for name, value in figures.items():
            print(f"{height:g} px and more: {name} {interval(value, boxes, known, height)}")
        print(f"  program: recall {interval(whole_recall, kept, known, height)}")
        print(f"  program: precision {interval(precision, kept, known, height)}")
        whole = score_boxes(boxes, known, min_height=height)
        print(f"  {whole.people} people")
        for wanted in (0.5, 0.7, 0.8, 0.85):
            score = whole.recall_at_precision(wanted)[1]
            print(f"  precision {wanted} is reached at score {score:.2f}")
    for name in taken:
        if name not in TOGETHER:
            for height in (0.0, 100.0):
                people = score_boxes(taken[name], truth[name], min_height=height).people
                recall = interval(whole_recall, taken[name], truth[name], height)
                print(f"{name}, {height:g} px and more: {people} people, recall {recall}")


if __name__ == "__main__":
    main()
