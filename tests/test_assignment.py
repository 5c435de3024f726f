"""The assignment without the rest of scipy.optimize is scipy's own."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from rmpe._assignment import linear_sum_assignment


def test_it_is_scipys_and_finds_the_best_pairs() -> None:
    from scipy.optimize import linear_sum_assignment as theirs

    for seed in range(20):
        random = np.random.default_rng(seed)
        costs = random.normal(size=random.integers(1, 9, 2))
        for maximize in (False, True):
            ours = linear_sum_assignment(costs, maximize=maximize)
            np.testing.assert_array_equal(ours, theirs(costs, maximize=maximize))
    rows, columns = linear_sum_assignment(np.array([[4, 1, 3], [2, 0, 5], [3, 2, 2]]))
    assert columns.tolist() == [1, 0, 2]
    assert rows.tolist() == [0, 1, 2]


def test_the_tracker_does_not_load_scipy_optimize() -> None:
    command = "import sys, tracking; sys.exit('scipy.optimize' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
