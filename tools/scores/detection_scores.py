"""Scores of person boxes: average precision at IoU 0.5 and recall at a wanted precision.

Matching is COCO's: best score first, each truth once. Regions where nothing is known are fair: a
box that fits no person is not counted when it lies in an ignored region or, in a picture whose
labels are incomplete, anywhere. Such pictures tell recall, not precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpe.geometry.boxes import box_area, box_iou_matrix
from rmpe.records import Boxes, FloatArray


@dataclass(frozen=True, eq=False)
class BoxTruth:
    """What is known about one picture."""

    boxes_xyxy: FloatArray
    """People, (N, 4)."""
    ignore_xyxy: FloatArray
    """Regions that count neither way, (M, 4)."""
    complete: bool
    """Whether everybody outside the ignored regions has a box."""


@dataclass(frozen=True, eq=False)
class BoxScores:
    """Outcome of every counted detection over a set of pictures, best score first."""

    scores: FloatArray
    """Detection scores, descending, (D,)."""
    hits: NDArray[np.bool_]
    """Whether each detection found a person, (D,)."""
    people: int
    """People to find."""

    def precision(self) -> FloatArray:
        """Return the precision down to each detection, (D,)."""
        return np.asarray(np.cumsum(self.hits) / np.arange(1, len(self.hits) + 1), np.float32)

    def recall(self) -> FloatArray:
        """Return the recall down to each detection, (D,)."""
        return np.asarray(np.cumsum(self.hits) / max(self.people, 1), np.float32)

    def average_precision(self) -> float:
        """Return the area under the precision envelope at 101 recalls, as COCO does."""
        precision, recall = self.precision(), self.recall()
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        place = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
        padded = np.append(envelope, 0.0)
        return float(padded[place].mean())

    def recall_at_precision(self, wanted: float) -> tuple[float, float]:
        """Return the best recall with at least that precision, and the score threshold for it.

        Returns:
            (0, 1) when no threshold reaches the precision.
        """
        enough = np.flatnonzero(self.precision() >= wanted)
        if not len(enough):
            return 0.0, 1.0
        return float(self.recall()[enough[-1]]), float(self.scores[enough[-1]])

    def recall_at_score(self, threshold: float) -> float:
        """Return the recall of the detections with at least that score."""
        return float(self.hits[self.scores >= threshold].sum() / max(self.people, 1))


def score_boxes(
    found: Sequence[Boxes],
    truth: Sequence[BoxTruth],
    *,
    min_height: float = 0.0,
    iou_threshold: float = 0.5,
) -> BoxScores:
    """Compare detections with the truth, picture by picture.

    Args:
        found: detections of each picture.
        truth: what is known of each picture.
        min_height: people lower than this (pixels) are ignored, and so are unmatched detections
            lower than this.
        iou_threshold: overlap that makes a hit.

    Raises:
        ValueError: the two lists differ in length.
    """
    if len(found) != len(truth):
        raise ValueError(f"got detections of {len(found)} pictures and truth of {len(truth)}")
    scores, hits, people = [], [], 0
    for boxes, known in zip(found, truth):
        heights = known.boxes_xyxy[:, 3] - known.boxes_xyxy[:, 1]
        wanted = heights >= min_height
        outcome = _match(boxes, known, wanted, min_height, iou_threshold)
        counted = outcome >= 0
        scores.append(boxes.scores[counted])
        hits.append(outcome[counted] == 1)
        people += int(wanted.sum())
    all_scores = np.concatenate([np.zeros(0, np.float32), *scores])
    all_hits = np.concatenate([np.zeros(0, bool), *hits])
    order = np.argsort(-all_scores, kind="stable")
    return BoxScores(all_scores[order], all_hits[order], people)


def _match(
    boxes: Boxes,
    known: BoxTruth,
    wanted: NDArray[np.bool_],
    min_height: float,
    iou_threshold: float,
) -> NDArray[np.int64]:
    """Return 1 for a hit, 0 for a false alarm, -1 for a detection that does not count, (D,)."""
    owners = owners_of(boxes, known, wanted, iou_threshold)
    outcome = np.zeros(len(boxes), np.int64)
    for row, owner in enumerate(owners):
        if owner >= 0:
            outcome[row] = 1 if wanted[owner] else -1
        elif _is_unknown(boxes.boxes_xyxy[row], known, min_height):
            outcome[row] = -1
    return outcome


def owners_of(
    boxes: Boxes, known: BoxTruth, wanted: NDArray[np.bool_], iou_threshold: float = 0.5
) -> NDArray[np.int64]:
    """Return the person (row of the truth) that each detection finds, -1 for nobody, (D,).

    The best score chooses first, among the people that are ``wanted`` (N,) before the others.
    """
    owners = np.full(len(boxes), -1)
    iou = box_iou_matrix(boxes.boxes_xyxy, known.boxes_xyxy)
    free = np.ones(len(known.boxes_xyxy), bool)
    for row in np.argsort(-boxes.scores, kind="stable"):
        for usable in (free & wanted, free & ~wanted):
            overlaps = np.where(usable, iou[row], -1.0)
            if overlaps.size and overlaps.max() >= iou_threshold:
                owners[row] = overlaps.argmax()
                free[owners[row]] = False
                break
    return owners


def _is_unknown(box: FloatArray, known: BoxTruth, min_height: float) -> bool:
    """Whether a detection that fits nobody counts neither way."""
    if not known.complete or box[3] - box[1] < min_height:
        return True
    if not len(known.ignore_xyxy):
        return False
    overlap = np.minimum(box[2:], known.ignore_xyxy[:, 2:]) - np.maximum(
        box[:2], known.ignore_xyxy[:, :2]
    )
    inside = np.prod(np.maximum(overlap, 0), 1) / np.maximum(box_area(box), 1e-6)
    return bool(inside.max() >= 0.5)
