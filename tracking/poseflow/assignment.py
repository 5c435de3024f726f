"""Who of a new frame is who of the frames before: Hungarian assignment, new ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe._assignment import linear_sum_assignment

IntArray = NDArray[np.int64]


def assign(similarities: ArrayLike, match_threshold: float) -> tuple[IntArray, IntArray]:
    """Return rows and columns of the pairs with the highest sum, those above the threshold.

    Args:
        similarities: (N, M), rows are candidates.
        match_threshold: pairs whose similarity is not above it are left out after the assignment.
    """
    matrix = np.asarray(similarities, np.float64)
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    kept = matrix[rows, columns] > match_threshold
    return rows[kept].astype(np.int64), columns[kept].astype(np.int64)


def give_ids(
    similarities: ArrayLike, candidate_ids: ArrayLike, match_threshold: float, highest_id: int
) -> IntArray:
    """Return the identity of every person of the new frame, (M,).

    Matched people take their candidate's id; the others the next ids after ``highest_id``, in
    list order.
    """
    matrix = np.asarray(similarities, np.float64)
    ids = np.zeros(matrix.shape[1], np.int64)
    rows, columns = assign(matrix, match_threshold)
    ids[columns] = np.asarray(candidate_ids, np.int64)[rows]
    new = ids == 0
    ids[new] = highest_id + 1 + np.arange(int(new.sum()))
    return ids
