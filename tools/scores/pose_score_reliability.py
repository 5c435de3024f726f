"""How far the score of a whole pose says its OKS: a reliability diagram of stored poses.

    rmpe images PICTURES -o RUN --min-score 0
    rmpe images PICTURES -o OTHER --preset compact-accurate --min-score 0
    python tools/scores/pose_score_reliability.py docs/images/pose_score_reliability.svg \\
        --annotations person_keypoints.json compact=RUN compact-accurate=OTHER

Every pose is compared with the person it finds, 0 for nobody, by its usual score, its box's times
its joints' mean, and by the learned one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from score_calibration import ScoreBin, calibration_error, draw_reliability, reliability

from rmpe.evaluation.learn_nms import read_nms_frames
from rmpe.evaluation.learn_score import reached_oks
from rmpe.pose_nms.pose_score import LEARNED

BINS = 5


def judged(run: Path, annotations: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scores by kind and the OKS that was reached, (N,) each."""
    frames, skeleton = read_nms_frames(run, annotations)
    reached = np.concatenate([reached_oks(frame, skeleton.sigmas) for frame in frames])
    known = np.isfinite(reached)
    poses = [frame.candidates for frame in frames]
    scores = {
        "usual": np.concatenate([part.scores for part in poses]),
        "learned": np.concatenate([LEARNED(part) for part in poses]),
    }
    return {name: (values[known], reached[known]) for name, values in scores.items()}


def main() -> None:
    """Print the ranges of each score and draw them."""
    parser = argparse.ArgumentParser(description="Reliability diagram of the scores of poses")
    parser.add_argument("figure", type=Path, help="SVG to write")
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="stored poses, one or two")
    parser.add_argument("--annotations", type=Path, required=True, help="their truth, COCO's file")
    arguments = parser.parse_args()
    curves: dict[str, list[ScoreBin]] = {}
    for entry in arguments.runs:
        name, _, run = entry.partition("=")
        for kind, (scores, reached) in judged(Path(run), arguments.annotations).items():
            curves[f"{name}, {kind}"] = reliability(scores, reached, BINS)
            error = calibration_error(scores, reached, BINS)
            print(f"{name}, {kind} score: {len(scores)} poses, calibration error {error:.3f}")
            for entry_bin in curves[f"{name}, {kind}"]:
                print(
                    f"| {entry_bin.mean_score:.2f} | {entry_bin.share_right:.2f} "
                    f"| {entry_bin.count} |"
                )
    draw_reliability(curves, arguments.figure, "mean score", "mean OKS reached")


if __name__ == "__main__":
    main()
