"""Calibration of joint scores."""

import numpy as np
import pytest

from tools.scores.score_calibration import calibration_error, fit_logistic, reliability


def test_the_curve_that_made_the_answers_is_found() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 2, 40000)
    right = rng.random(40000) < 1 / (1 + np.exp(-(1.5 * values + 0.7)))
    slope, offset = fit_logistic(values, right)
    assert slope == pytest.approx(1.5, abs=0.08)
    assert offset == pytest.approx(0.7, abs=0.06)


def test_a_clean_split_stays_finite() -> None:
    slope, _ = fit_logistic([-1.0, -0.5, 0.5, 1.0], [0, 0, 1, 1])
    assert np.isfinite(slope)
    assert slope > 1


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="needed are two equal"):
        fit_logistic([1.0], [1, 0])


def test_reliability_by_hand() -> None:
    bins = reliability([0.71, 0.79, 0.1], [True, False, False])
    assert [(b.count, b.share_right) for b in bins] == [(1, 0.0), (2, 0.5)]
    assert bins[1].mean_score == pytest.approx(0.75)
    # Bin errors 0.1 (one joint) and 0.25 (two joints).
    assert calibration_error([0.71, 0.79, 0.1], [True, False, False]) == pytest.approx(0.2)
