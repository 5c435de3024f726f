"""Who is shown by the whole program: people found, and wrong ones, by both of its limits.

    python tools/scores/people_shown.py compact --data DATA --box-score 0.25 --min-score 0 0.1 0.15

On the held-out people of COCO pictures and pictures without people, as the detector's card has
them: crops a picture, recall and precision of the boxes of the poses that are left after
suppression, of people of 100 px and more and of all. The last rows are the detector's own limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe import PoseEstimator
from rmpe.estimator import EstimatorOptions
from rmpe.records import Boxes, Poses
from rmpe.training.bundled.person_boxes import PersonPicture
from tools.scores.detection_scores import BoxTruth, score_boxes
from tools.scores.score_compact_detector import MOST, TOGETHER, precision, read_sets, whole_recall


def boxes_shown(poses: Poses, min_score: float) -> Boxes:
    """Return the boxes of the poses that score enough, with the poses' scores."""
    shown = poses.select(poses.scores >= min_score)
    return Boxes(shown.boxes_xyxy, shown.scores)


def figures(
    found: Sequence[Poses], pictures: Sequence[PersonPicture], min_score: float
) -> list[str]:
    """Return recall and precision of those of 100 px and more, and of all."""
    truth = [BoxTruth(p.boxes_xyxy, p.ignore_xyxy, p.complete) for p in pictures]
    shown = [boxes_shown(poses, min_score) for poses in found]
    outcomes = [score_boxes(shown, truth, min_height=height) for height in (100.0, 0.0)]
    return [f"{value(outcome):.3f}" for outcome in outcomes for value in (whole_recall, precision)]


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description="People shown by the whole program")
    parser.add_argument("preset", choices=("compact", "compact-accurate"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--box-score", type=float, nargs="*", default=[], help="of the detector")
    parser.add_argument("--min-score", type=float, nargs="+", default=[0.15], help="of a pose")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = read_sets(arguments.data, MOST)
    pictures = [picture for name in TOGETHER for picture in sets[name]]
    print(
        "| box score | crops | pose score | recall, 100 px | precision | recall, all | precision |"
    )
    for limit in (*arguments.box_score, None):
        estimator = PoseEstimator.from_preset(
            arguments.preset, threads=1, box_score=limit, options=EstimatorOptions(min_score=0.0)
        )
        found, crops = [], 0
        for picture in tqdm(pictures, desc=str(limit), disable=None):
            image = picture.load()
            poses = estimator.estimate(image, estimator.detect([image])[0])
            crops += len(poses)
            found.append(estimator.suppress(poses))
        for least in arguments.min_score:
            words = ["its own" if limit is None else f"{limit:.2f}", f"{crops / len(pictures):.2f}"]
            cells = [*words, f"{least:.2f}", *figures(found, pictures, least)]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
