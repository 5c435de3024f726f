"""Who of a new frame is who of the frames before: candidates, Hungarian assignment, new ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from tracking.parameters import PoseFlowParameters
from tracking.similarity import People, grade_matrix

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The latest appearance of every identity that may return, most recently seen first."""

    people: People
    """Where they were, N."""
    ids: IntArray
    """Their identities, (N,)."""
    from_previous: NDArray[np.bool_]
    """Whether they were seen in the frame just before, (N,)."""


def assign(grades: ArrayLike, match_grade: float) -> tuple[IntArray, IntArray]:
    """Return rows and columns of the pairs with the highest sum of grades, those above the limit.

    Args:
        grades: (N, M), rows are candidates.
        match_grade: pairs whose grade is not above it are left out after the assignment.
    """
    matrix = np.asarray(grades, np.float64)
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    kept = matrix[rows, columns] > match_grade
    return rows[kept].astype(np.int64), columns[kept].astype(np.int64)


def give_ids(
    grades: ArrayLike, candidate_ids: ArrayLike, match_grade: float, highest_id: int
) -> IntArray:
    """Return the identity of every person of the new frame, (M,).

    Matched people take their candidate's id; the others the next ids after ``highest_id``, in
    list order.
    """
    matrix = np.asarray(grades, np.float64)
    ids = np.zeros(matrix.shape[1], np.int64)
    rows, columns = assign(matrix, match_grade)
    ids[columns] = np.asarray(candidate_ids, np.int64)[rows]
    new = ids == 0
    ids[new] = highest_id + 1 + np.arange(int(new.sum()))
    return ids


def match_people(
    candidates: Candidates,
    people: People,
    correspondences: ArrayLike,
    parameters: PoseFlowParameters,
    highest_id: int,
) -> IntArray:
    """Return the identities of ``people``, given who was seen before and the feature matches.

    Args:
        candidates: who may return, most recently seen first.
        people: people of the new frame, M.
        correspondences: matches x1 y1 x2 y2 from the frame just before, (R, 4).
        parameters: the rules.
        highest_id: highest identity given so far.
    """
    grades = grade_matrix(
        candidates.people, people, candidates.from_previous, correspondences, parameters
    )
    return give_ids(grades, candidates.ids, parameters.match_grade, highest_id)
