"""Angles, filters, repairs and metres equal those of Sports2D 0.8.34 and Pose2Sim 0.10.49.

The fixture holds a walker with noise of a pixel, tilted by 3 degrees, and what their own functions
(``fixed_angles``, ``hampel_filter``, ``interpolate_zeros_nans``, the filters of ``filtering.py``,
``compute_height``, ``compute_floor_line``, ``convert_px_to_meters``) return for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rmpe.kinematics import ANGLES, Filter
from rmpe.kinematics.angles import angle_values
from rmpe.kinematics.cleaning import fill_gaps, hampel
from rmpe.kinematics.metres import MetricPlane, find_floor, height_in_px
from rmpe.kinematics.trajectories import Trajectory

FIXTURE = Path(__file__).parent / "fixtures" / "sports2d.npz"


@pytest.fixture(scope="module")
def peer() -> dict[str, np.ndarray]:
    with np.load(FIXTURE) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def walker(peer: dict[str, np.ndarray]) -> Trajectory:
    count, joints = peer["xy"].shape[:2]
    return Trajectory(
        1,
        tuple(peer["joints"].tolist()),
        np.arange(count),
        peer["time_s"],
        peer["xy"],
        np.full((count, joints), 0.9),
        np.ones(count),
    )


def test_every_angle_is_theirs_within_a_tenth_of_a_degree(
    peer: dict[str, np.ndarray], walker: Trajectory
) -> None:
    faces_left = np.zeros(len(walker), bool)
    compared = 0
    for angle in ANGLES:
        key = f"angle/{angle.name}" + ("/segment" if angle.kind == "segment_angle" else "")
        if key not in peer:
            continue
        apart = angle_values(angle, walker, faces_left) - peer[key]
        period = 180 if angle.axis else 360
        assert np.abs((apart + period / 2) % period - period / 2).max() < 0.1, angle.name
        compared += 1
    assert compared == 24


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("butterworth:6:4", slice(None)),
        ("gaussian:2", slice(None)),
        ("loess:9", slice(None)),
        ("loess:6", slice(None)),
        ("one-euro:2.5:0.9:1", slice(None)),
        # Theirs takes what lies beyond the ends as 0.
        ("median:5", slice(2, -2)),
    ],
)
def test_every_filter_is_theirs(peer: dict[str, np.ndarray], text: str, inner: slice) -> None:
    filtered = Filter.from_text(text).apply(peer["series"], peer["time_s"])
    theirs = peer[f"filter/{text}"]
    np.testing.assert_allclose(filtered[inner], theirs[inner], rtol=1e-4)
    # The tolerance is far below what the filter does.
    assert np.abs(theirs - peer["series"]).max() > 100 * 1e-4


def test_a_filter_leaves_gaps_and_filters_each_run_alone(peer: dict[str, np.ndarray]) -> None:
    filtered = Filter.from_text("butterworth").apply(peer["gap"], peer["time_s"])
    np.testing.assert_allclose(filtered, peer["gap_butterworth"], rtol=1e-6)


def test_outliers_and_gaps_are_repaired_as_theirs(peer: dict[str, np.ndarray]) -> None:
    cleaned, count = hampel(peer["wild"])
    np.testing.assert_allclose(cleaned, peer["hampel"])
    assert count == (peer["hampel"] != peer["wild"]).sum() >= 3
    filled, values = fill_gaps(peer["gap"], peer["time_s"], 10)
    np.testing.assert_allclose(filled, peer["filled"])
    assert values == 4 and np.isnan(filled[80:100]).all()


def test_height_floor_and_metres_are_theirs_within_a_percent(
    peer: dict[str, np.ndarray], walker: Trajectory
) -> None:
    height = height_in_px(walker)
    assert height == pytest.approx(float(peer["height_px"]), rel=0.01)
    floor = find_floor(walker, height / 1.7)
    assert floor.angle_deg == pytest.approx(float(peer["floor_deg"]), abs=0.05)
    assert floor.level_px == pytest.approx(float(peer["floor_level"]), abs=1.0)
    assert floor.angle_deg == pytest.approx(3.0, abs=0.5)
    plane = MetricPlane(height / 1.7, (0.0, floor.level_px), floor.angle_deg)
    metres = plane.convert(walker.points_xy)
    size = np.ptp(peer["metres"], axis=(0, 1))
    assert (np.abs(metres - peer["metres"]).max((0, 1)) < 0.01 * size).all()
