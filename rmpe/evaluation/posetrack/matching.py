"""How PoseTrack's evaluation (poseval) pairs predictions with truth in every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import HEAD_SHARE
from rmpe.formats.posetrack.document import PoseTrackFrame, PoseTrackPerson

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

JOINT_COUNT = 15
THRESHOLD = 0.5
"""Of the head's size, as in PCKh."""
MISSING_SCORE = -9999.0


@dataclass(frozen=True, eq=False)
class FrameMatch:
    """One frame with people in it, as both AP and the tracking figures need it."""

    truth_present: BoolArray
    """Annotated joints, (G, 15)."""
    predicted_present: BoolArray
    """Predicted joints, (P, 15)."""
    scores: FloatArray
    """Scores of predicted joints, (P, 15)."""
    distances: FloatArray
    """Distance of every pair of joints in heads, infinite where one is missing, (P, G, 15)."""
    right: BoolArray
    """Predicted joints that count as true for AP, (P, 15)."""
    truth_ids: tuple[int | None, ...]
    """Identities of the true people."""
    predicted_ids: tuple[int | None, ...]
    """Identities of the predicted people."""


def match_sequence(
    truth: Sequence[PoseTrackFrame], predicted: Sequence[PoseTrackFrame], name: str
) -> list[FrameMatch]:
    """Return the frames with annotated people, matched.

    Frames are paired by position. Those without annotated people are left out; then joints inside
    ignore regions go, from both sides, and people left with none.

    Raises:
        ValueError: the numbers of frames differ, or a true person has no head box.
    """
    if len(truth) != len(predicted):
        raise ValueError(
            f"{name}: the annotation has {len(truth)} frames, the prediction {len(predicted)}"
        )
    matches = []
    for index, (true_frame, predicted_frame) in enumerate(zip(truth, predicted)):
        if not true_frame.people:
            continue
        polygons = true_frame.ignore_polygons
        matches.append(
            _match_frame(
                _without_ignored(true_frame.people, polygons),
                _without_ignored(predicted_frame.people, polygons),
                f"{name}, frame {index}",
            )
        )
    return matches


def _without_ignored(
    people: Sequence[PoseTrackPerson], polygons: Sequence[FloatArray]
) -> list[PoseTrackPerson]:
    kept = []
    for person in people:
        present = person.present.copy()
        for polygon in polygons:
            present &= ~strictly_inside(person.points_xy, polygon)
        if present.any():
            kept.append(replace(person, present=present))
    return kept


def strictly_inside(points_xy: FloatArray, polygon_xy: FloatArray) -> BoolArray:
    """Return which points (N, 2) lie inside a polygon (P, 2); its border is outside."""
    first, second = polygon_xy, np.roll(polygon_xy, -1, axis=0)
    edge = second - first
    offset = points_xy[:, None] - first
    cross = edge[:, 0] * offset[..., 1] - edge[:, 1] * offset[..., 0]
    along, length = (offset * edge).sum(-1), (edge**2).sum(-1)
    # A vertex given twice is an edge of no length; its neighbours speak for it.
    on_border = (length > 0) & (cross == 0) & (along >= 0) & (along <= length)
    y = points_xy[:, None, 1]
    spans = (first[:, 1] > y) != (second[:, 1] > y)
    rises = edge[:, 1] > 0
    crossed = spans & np.where(rises, cross > 0, cross < 0)
    return (crossed.sum(1) % 2 == 1) & ~on_border.any(1)


def _match_frame(
    truth: Sequence[PoseTrackPerson], predicted: Sequence[PoseTrackPerson], place: str
) -> FrameMatch:
    true_present = _stack([person.present for person in truth], bool)
    found = _stack([person.present for person in predicted], bool)
    scores = _stack([person.scores for person in predicted], np.float64)
    distances = np.full((len(predicted), len(truth), JOINT_COUNT), np.inf)
    if truth and predicted:
        true_points = np.stack([person.points_xy for person in truth])
        points = np.stack([person.points_xy for person in predicted])
        pixels = np.linalg.norm(points[:, None] - true_points[None], axis=-1)
        heads = np.array([_head_size(person, place) for person in truth])
        both = found[:, None] & true_present[None]
        distances = np.where(both, pixels / heads[None, :, None], np.inf)
    return FrameMatch(
        truth_present=true_present,
        predicted_present=found,
        scores=np.where(np.isnan(scores), MISSING_SCORE, scores),
        distances=distances,
        right=_right_joints(distances, true_present),
        truth_ids=tuple(person.track_id for person in truth),
        predicted_ids=tuple(person.track_id for person in predicted),
    )


def _stack(rows: Sequence[NDArray], dtype: type) -> NDArray:
    return np.array(rows, dtype).reshape(len(rows), JOINT_COUNT)


def _head_size(person: PoseTrackPerson, place: str) -> float:
    if person.head_xyxy is None:
        raise ValueError(f"{place}: an annotated person has no head box")
    size = HEAD_SHARE * float(np.linalg.norm(person.head_xyxy[2:] - person.head_xyxy[:2]))
    if size <= 0:
        raise ValueError(f"{place}: the head box of an annotated person has no size")
    return size


def _right_joints(distances: FloatArray, true_present: BoolArray) -> BoolArray:
    """Return which predicted joints are true: those that match in the pair of their person.

    Each prediction keeps the truth of which it hits the largest share of joints, each truth the
    best of the predictions that kept it.
    """
    matched = distances <= THRESHOLD
    right = np.zeros((distances.shape[0], JOINT_COUNT), bool)
    if not matched.size:
        return right
    share = matched.sum(-1) / np.maximum(true_present.sum(1), 1)
    best_truth = share.argmax(1)
    kept = np.where(np.arange(share.shape[1]) == best_truth[:, None], share, 0)
    for truth, prediction in enumerate(kept.argmax(0)):
        if kept[prediction, truth] > 0:
            right[prediction] = matched[prediction, truth]
    return right
