"""Object keypoint similarity against hand-worked values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rmpe.oks import oks_matrix


def test_value_of_one_shifted_joint() -> None:
    # d = 3, s² = 100, k = 2·0.1: exp(-9 / (2·100·0.04)) on one joint of two.
    predicted = np.array([[[3.0, 0.0], [5.0, 5.0]]])
    truth = np.array([[[0.0, 0.0], [5.0, 5.0]]])
    value = oks_matrix(predicted, truth, np.ones((1, 2), bool), [100.0], [0.1, 0.1])
    assert value[0, 0] == pytest.approx((math.exp(-9 / 8) + 1) / 2)


def test_hidden_joints_do_not_count() -> None:
    predicted = np.array([[[0.0, 0.0], [500.0, 500.0]]])
    truth = np.zeros((1, 2, 2))
    value = oks_matrix(predicted, truth, np.array([[True, False]]), [50.0], [0.1, 0.1])
    assert value[0, 0] == 1.0


def test_a_truth_without_joints_is_similar_to_nobody() -> None:
    value = oks_matrix(
        np.zeros((2, 3, 2)), np.zeros((1, 3, 2)), np.zeros((1, 3), bool), [1.0], [0.1] * 3
    )
    assert value.tolist() == [[0.0], [0.0]]


def test_nobody_gives_an_empty_matrix() -> None:
    value = oks_matrix(
        np.zeros((0, 3, 2)), np.zeros((2, 3, 2)), np.ones((2, 3), bool), [1.0, 1.0], [0.1] * 3
    )
    assert value.shape == (0, 2)
