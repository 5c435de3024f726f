"""Scores of boxes: hand-worked pictures, fair treatment of what is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rmpe.records import Boxes
from tools.scores.detection_scores import BoxTruth, score_boxes

A, B, C = [0, 0, 10, 200], [50, 0, 60, 200], [100, 0, 110, 50]


def found(*rows: Any) -> Boxes:
    boxes = np.array([row[:4] for row in rows], np.float32).reshape(-1, 4)
    return Boxes(boxes, np.array([row[4] for row in rows], np.float32))


def truth(*boxes: Any, ignore: Any = (), complete: bool = True) -> BoxTruth:
    def rows(values: Any) -> np.ndarray:
        return np.array(values, np.float32).reshape(-1, 4)

    return BoxTruth(rows(boxes), rows(ignore), complete)


def test_average_precision_of_a_hand_worked_case() -> None:
    # Hit, false alarm, hit: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    scores = score_boxes([found([*A, 0.9], [200, 0, 210, 90, 0.8], [*B, 0.7])], [truth(A, B)])
    assert scores.hits.tolist() == [True, False, True]
    assert scores.average_precision() == pytest.approx((51 * 1.0 + 50 * 2 / 3) / 101)
    assert scores.recall_at_precision(0.6) == pytest.approx((1.0, 0.7))
    assert scores.recall_at_precision(0.9) == pytest.approx((0.5, 0.9))
    assert scores.recall_at_score(0.75) == 0.5


def test_a_person_is_found_once() -> None:
    scores = score_boxes([found([*A, 0.9], [*A, 0.8])], [truth(A)])
    assert scores.hits.tolist() == [True, False]


def test_small_people_are_ignored_not_missed() -> None:
    detections = found([*A, 0.9], [*C, 0.8], [300, 0, 310, 40, 0.7], [300, 0, 310, 150, 0.6])
    scores = score_boxes([detections], [truth(A, C)], min_height=100)
    assert scores.people == 1
    assert scores.hits.tolist() == [True, False]  # the tall false alarm counts, the low one not


def test_ignored_regions_and_incomplete_pictures_forgive_false_alarms() -> None:
    alarm = found([200, 0, 210, 90, 0.8])
    assert len(score_boxes([alarm], [truth(A)]).hits) == 1
    assert len(score_boxes([alarm], [truth(A, ignore=[[190, 0, 220, 100]])]).hits) == 0
    assert len(score_boxes([alarm], [truth(A, complete=False)]).hits) == 0


def test_nothing_found_and_nobody_there() -> None:
    assert score_boxes([Boxes.empty()], [truth(A)]).average_precision() == 0
    nobody = score_boxes([Boxes.empty()], [truth()])
    assert nobody.people == 0 and nobody.recall_at_precision(0.5) == (0.0, 1.0)


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="detections of 1 pictures and truth of 0"):
        score_boxes([Boxes.empty()], [])
