"""One-Euro smoothing against its formula, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.records import Poses
from tracking import OneEuroSmoother
from tracking.smooth import OneEuroParameters


def person(x: float, identity: int = 1, score: float = 1.0) -> Poses:
    return Poses([[0, 0, 9, 9]], [1], [[[x, 5.0]]], [[score]], [1], [identity])


def test_a_step_follows_the_filter_by_hand() -> None:
    parameters = OneEuroParameters(cutoff_hz=1.0, speed_factor=0.1, derivative_cutoff_hz=1.0)
    smoother = OneEuroSmoother(parameters)
    smoother.update(0.0, person(0.0))
    x = smoother.update(0.1, person(10.0)).keypoints_xy[0, 0, 0]
    share = 1 / (1 + 1 / (2 * np.pi) / 0.1)
    cutoff = 1.0 + 0.1 * share * 100.0
    assert x == pytest.approx(10 / (1 + 1 / (2 * np.pi * cutoff) / 0.1), rel=1e-5)


def test_noise_at_rest_shrinks_and_motion_is_followed() -> None:
    rng = np.random.default_rng(0)
    smoother = OneEuroSmoother()
    rest = [
        smoother.update(t / 25, person(100 + noise)).keypoints_xy[0, 0, 0]
        for t, noise in enumerate(rng.normal(0, 1, 200))
    ]
    assert np.std(rest[50:]) < 0.6
    moving = [
        smoother.update(20 + t / 25, person(100 + 20.0 * t)).keypoints_xy[0, 0, 0]
        for t in range(50)
    ]
    assert abs(moving[-1] - (100 + 20 * 49)) < 20


def test_identities_gaps_and_missing_joints_start_afresh() -> None:
    smoother = OneEuroSmoother()
    smoother.update(0.0, person(0.0))
    assert smoother.update(0.04, person(50.0, identity=2)).keypoints_xy[0, 0, 0] == 50
    assert smoother.update(9.0, person(80.0)).keypoints_xy[0, 0, 0] == 80
    assert smoother.update(9.04, person(0.0, score=0.0)).keypoints_xy[0, 0, 0] == 0
    assert smoother.update(9.08, person(90.0)).keypoints_xy[0, 0, 0] == 90
    nobody = person(7.0, identity=0)
    assert smoother.update(9.12, nobody).keypoints_xy[0, 0, 0] == 7


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        OneEuroParameters(cutoff_hz=0)
    with pytest.raises(ValueError, match="speed_factor"):
        OneEuroParameters(speed_factor=-1)


def test_a_restored_smoother_goes_on_as_if_nothing_had_happened() -> None:
    generator = np.random.default_rng(3)
    frames = [
        Poses(
            np.tile([0, 0, 9, 9], (2, 1)),
            np.ones(2),
            generator.normal(50, 5, (2, 3, 2)),
            np.ones((2, 3)),
            np.ones(2),
            [4, 1 + step % 2],
        )
        for step in range(8)
    ]
    whole, first, second = OneEuroSmoother(), OneEuroSmoother(), OneEuroSmoother()
    expected = [whole.update(step / 25, poses) for step, poses in enumerate(frames)]
    for step in range(4):
        first.update(step / 25, frames[step])
    second.restore(first.state())
    for step in range(4, 8):
        got = second.update(step / 25, frames[step])
        np.testing.assert_array_equal(got.keypoints_xy, expected[step].keypoints_xy)
    second.restore(OneEuroSmoother().state())
    with pytest.raises(ValueError, match="3 bytes that are no smoother state"):
        second.restore(b"abc")
