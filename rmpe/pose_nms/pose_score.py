"""A score that predicts how right a pose is: its OKS, from what is known of it for free.

The usual score of a pose, its box's times its joints' mean, tells people from background, but not a
whole pose from half of one. This one is the logistic of a weighted sum of :data:`FEATURES`, fitted
by ``learn-score`` to poses whose truth is known. The joint scores are calibrated chances read from
the peaks of the maps, so that they stand for the maps' sharpness too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.records import Poses

Floats = NDArray[np.float64]

FEATURES = ("box", "joints", "height")
"""Logits of the box's score and of the joints' mean, logarithm of the box's height over 100 px."""
FILE_SCHEMA = "rmpe-pose-score/1"

_LEAST_CHANCE = 1e-3
"""Chances are cut to this and its complement, so that their logits stay below 7."""


def pose_features(poses: Poses) -> Floats:
    """Return what is known of each pose, (N, 3) in the order of FEATURES."""
    heights = np.maximum(poses.boxes_xyxy[:, 3] - poses.boxes_xyxy[:, 1], 1.0)
    columns = (
        _logit(poses.box_scores),
        _logit(poses.keypoint_scores.mean(1, dtype=np.float64)),
        np.log(heights / 100.0),
    )
    return np.stack([np.asarray(column, np.float64) for column in columns], 1)


def _logit(chances: ArrayLike) -> Floats:
    clipped = np.clip(np.asarray(chances, np.float64), _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    return np.asarray(np.log(clipped / (1 - clipped)))


@dataclass(frozen=True)
class PoseScore:
    """Weights of the features.

    Raises:
        ValueError: a number is missing, too many or not finite.
    """

    weights: tuple[float, ...]
    """One for each of FEATURES."""
    offset: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(float(value) for value in self.weights))
        if len(self.weights) != len(FEATURES):
            raise ValueError(f"got {len(self.weights)} weights, needed is one for each of "
                             f"{', '.join(FEATURES)}")  # fmt: skip
        if not all(math.isfinite(value) for value in (*self.weights, self.offset)):
            raise ValueError(f"weights {self.weights} and offset {self.offset} must be finite")

    def __call__(self, poses: Poses) -> NDArray[np.float32]:
        """Return the OKS to expect of each pose, (N,) in 0..1."""
        total = pose_features(poses) @ np.array(self.weights) + self.offset
        return np.asarray(1 / (1 + np.exp(-np.clip(total, -30, 30))), np.float32)


LEARNED = PoseScore((0.920, 1.599, 0.334), -0.918)
"""Fitted to athletes as high as everyday people, and to what is nobody: docs/compact.md."""


def choose_pose_score(name: str) -> PoseScore | None:
    """Return the score of that name: ``usual`` is None, ``learned`` the bundled one, or a file's.

    Raises:
        OSError: the file is missing.
        ValueError: there is no such name, or the file is of another kind.
    """
    if name in ("usual", "learned"):
        return LEARNED if name == "learned" else None
    if name.endswith(".json"):
        return load_pose_score(Path(name))
    raise ValueError(f"got pose score {name!r}, supported are usual, learned or a .json file "
                     "written by learn-score")  # fmt: skip


def save_pose_score(path: Path, score: PoseScore, notes: Mapping[str, Any]) -> None:
    """Write a score as JSON; ``notes`` (how it was found) are kept beside it."""
    weights = dict(zip(FEATURES, score.weights, strict=True))
    content = {"schema": FILE_SCHEMA, "weights": weights, "offset": score.offset}
    path.write_text(json.dumps({**content, "notes": dict(notes)}, indent=2) + "\n", "utf-8")


def load_pose_score(path: Path) -> PoseScore:
    """Read what :func:`save_pose_score` wrote.

    Raises:
        OSError: the file is missing.
        ValueError: the file is not of that kind.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("schema") != FILE_SCHEMA:
        raise ValueError(f"{path} is not a file of learn-score ({FILE_SCHEMA})")
    weights = content.get("weights")
    if not isinstance(weights, dict) or set(weights) != set(FEATURES):
        raise ValueError(f"{path}: weights are {weights}, needed is one for each of "
                         f"{', '.join(FEATURES)}")  # fmt: skip
    try:
        return PoseScore(tuple(float(weights[f]) for f in FEATURES), float(content["offset"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: a weight or the offset is no number: {error}") from error
