"""Fitting the score of whole poses to files: stored poses joined with COCO annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.evaluation.learn_nms import read_nms_frames
from rmpe.oks import oks_matrix
from rmpe.pose_nms.learn import ValidationFrame, average_precision, inside_any
from rmpe.pose_nms.pose_score import PoseScore, pose_features, save_pose_score
from rmpe.skeletons import COCO_17, Skeleton

Floats = NDArray[np.float64]

RIDGE = 1.0
"""Weight of the squared standardised weights beside the log-likelihood of the poses."""
NEWTON_STEPS = 40
BINS = 5
"""Equal ranges of the score in the table of reliability."""
LEAST_POSES = 30


def fit_pose_score(
    candidates: str | Path,
    annotations: str | Path,
    output: str | Path,
    truth_skeleton: Skeleton = COCO_17,
    held_out_every: int = 4,
) -> list[str]:
    """Fit the score on files, write it, and return what to tell the user.

    Args:
        candidates: suppressed poses, also of low score, in any format.
        annotations: COCO keypoint annotations of the same pictures.
        output: file to write; ``--pose-score`` takes it.
        truth_skeleton: joints of the annotations.
        held_out_every: every how many pictures one is kept out of the fit to measure the gain on; 0
            fits to all.

    Raises:
        OSError, ValueError: as :func:`rmpe.evaluation.learn_nms.read_nms_frames`, there are too few
            poses, or they have no box scores.
    """
    if held_out_every < 0 or held_out_every == 1:
        raise ValueError(f"got every {held_out_every}th picture held out, allowed is 0, 2 or more")
    frames, skeleton = read_nms_frames(candidates, annotations, truth_skeleton)
    if all(np.array_equal(f.candidates.box_scores, f.candidates.scores) for f in frames):
        raise ValueError(f"{candidates} holds no box scores beside those of the poses; give native "
                         "records, poses.ndjson")  # fmt: skip
    aside = frames[::held_out_every] if held_out_every else []
    fitted = [frame for n, frame in enumerate(frames) if not held_out_every or n % held_out_every]
    score = learn_pose_score(fitted, skeleton.sigmas)
    figures: dict[str, float] = {"pictures_fitted": len(fitted)}
    figures |= _figures(fitted, skeleton.sigmas, score, "fitted")
    table: list[str] = []
    if aside:
        figures["pictures_held_out"] = len(aside)
        figures |= _figures(aside, skeleton.sigmas, score, "held_out")
        table = reliability_table(aside, skeleton.sigmas, score)
    save_pose_score(Path(output), score, figures)
    lines = [f"{name.replace('_', ' '):>24}  {value:.4g}" for name, value in figures.items()]
    return [*lines, *table, f"score -> {output}"]


def learn_pose_score(frames: Sequence[ValidationFrame], sigmas: ArrayLike) -> PoseScore:
    """Return the score whose logistic fits the OKS of the poses best.

    Raises ValueError when there are fewer poses than ``LEAST_POSES``.
    """
    features = np.concatenate([pose_features(f.candidates) for f in frames])
    targets = np.concatenate([reached_oks(frame, sigmas) for frame in frames])
    known = np.isfinite(targets)
    if known.sum() < LEAST_POSES:
        raise ValueError(f"got {known.sum()} poses that the annotations judge, needed are "
                         f"{LEAST_POSES} or more")  # fmt: skip
    weights, offset = fit_weights(features[known], targets[known])
    return PoseScore(tuple(weights), offset)


def reached_oks(frame: ValidationFrame, sigmas: ArrayLike) -> Floats:
    """OKS of each pose with whom it finds, 0 for nobody, NaN inside ignored people, (N,).

    Every person is found by one pose: the best scored first takes who is nearest to it.
    """
    poses = frame.candidates
    annotated = frame.truth_visible.any(1)
    similar = oks_matrix(
        poses.keypoints_xy,
        frame.truth_xy[annotated],
        frame.truth_visible[annotated],
        frame.truth_areas[annotated],
        sigmas,
    )
    reached = np.zeros(len(poses))
    for pose in np.argsort(-poses.scores, kind="stable"):
        if similar.shape[1] and similar[pose].max() > 0:
            person = int(similar[pose].argmax())
            reached[pose] = similar[pose, person]
            similar[:, person] = 0
    nobody = (reached < 0.1) & inside_any(poses, frame.ignored_boxes_xyxy)
    return np.where(nobody, np.nan, reached)


def fit_weights(features: Floats, targets: Floats) -> tuple[list[float], float]:
    """Weights (F,) and offset of the logistic regression of targets in 0..1 on features (N, F).

    Newton's method on the cross-entropy with a small ridge on the standardised weights.
    """
    centre, spread = features.mean(0), features.std(0)
    spread[spread < 1e-9] = 1.0
    design = np.c_[(features - centre) / spread, np.ones(len(features))]
    penalty = np.append(np.full(features.shape[1], RIDGE), 1e-6)
    found = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        gradient = design.T @ (targets - chances) - penalty * found
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design
        found += np.clip(np.linalg.solve(curvature + np.diag(penalty), gradient), -2, 2)
    weights = found[:-1] / spread
    return [float(value) for value in weights], float(found[-1] - weights @ centre)


def rescored(frames: Sequence[ValidationFrame], score: PoseScore) -> list[ValidationFrame]:
    """Return the frames with the poses' scores replaced."""
    return [
        replace(f, candidates=replace(f.candidates, scores=score(f.candidates))) for f in frames
    ]


def _figures(
    frames: Sequence[ValidationFrame], sigmas: ArrayLike, score: PoseScore, name: str
) -> dict[str, float]:
    return {
        f"ap_{name}_usual_score": average_precision(frames, sigmas, None),
        f"ap_{name}": average_precision(rescored(frames, score), sigmas, None),
    }


def reliability_table(
    frames: Sequence[ValidationFrame], sigmas: ArrayLike, score: PoseScore
) -> list[str]:
    """Lines that compare the score with the OKS that was reached, in ranges of the score."""
    said = np.concatenate([score(frame.candidates) for frame in frames])
    true = np.concatenate([reached_oks(frame, sigmas) for frame in frames])
    known = np.isfinite(true)
    said, true = said[known], true[known]
    place = np.clip((said * BINS).astype(int), 0, BINS - 1)
    lines = ["   score   mean OKS   poses"]
    for row in range(BINS):
        chosen = place == row
        if chosen.any():
            lines.append(f"{said[chosen].mean():8.2f}{true[chosen].mean():11.2f}{chosen.sum():8d}")
    return lines
