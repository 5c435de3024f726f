"""Steps are found where feet meet the floor, whichever way somebody walks, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpe import read_records
from rmpe.kinematics import Filter, MeasureOptions, measure_clip
from rmpe.kinematics._gait import FootEvent, foot_events, gait_facts, strides
from rmpe.kinematics.measuring import PersonMeasures
from rmpe.kinematics.trajectories import Trajectory
from tests.helpers.stick_walker import PX_PER_S, STRIDE_S, walker_joints, write_walker

TIMES = np.arange(120) / 30.0
PLAIN = MeasureOptions(filter=Filter("none"), outliers=False, repair_swaps=False, max_gap=0)


def _measured(path: Path, options: MeasureOptions = PLAIN) -> PersonMeasures:
    return measure_clip(read_records(path), options).people[0]


def _events(
    velocity: NDArray[np.float64], faces_left: bool = False, hidden: slice = slice(0)
) -> list[FootEvent]:
    """Return the events of feet that swing 60 px about a pelvis, a stride a second, at 30 Hz.

    Contacts of the left foot are at .25 s, 1.25 s, … and of the right one half a second later.
    """
    times = np.arange(len(velocity)) / 30.0
    pelvis = np.cumsum(velocity) / 30.0
    ahead = np.where(velocity == 0, -1.0 if faces_left else 1.0, np.sign(velocity))
    swing = ahead * 60 * np.sin(2 * np.pi * times)
    places = np.stack(
        [
            np.stack([x, np.full(len(times), y)], -1)
            for x, y in ((pelvis, 100.0), (pelvis + swing, 200.0), (pelvis - swing, 200.0))
        ],
        1,
    )
    places[hidden] = np.nan
    walker = Trajectory(
        1,
        ("pelvis", "left_ankle", "right_ankle"),
        np.arange(len(times)),
        times,
        places,
        np.ones(places.shape[:2]),
        np.ones(len(times)),
    )
    return foot_events(walker, places, np.full(len(times), faces_left))


def _contacts(events: list[FootEvent]) -> list[tuple[float, str]]:
    return [(event.time_s, event.side) for event in events if event.kind == "contact"]


def test_contacts_are_where_the_foot_is_farthest_ahead(tmp_path: Path) -> None:
    person = _measured(write_walker(tmp_path / "w.ndjson", TIMES))
    fine = np.arange(0, 4, 1e-3)
    joints = walker_joints(fine)
    ahead = joints["left_heel"][:, 0] - joints["pelvis"][:, 0]
    within = (fine > 0.6) & (fine < 1.8)
    contact = fine[within][np.argmax(ahead[within])]
    found = [e.time_s for e in person.events if e.side == "left" and e.kind == "contact"]
    assert min(abs(np.array(found) - contact)) <= 1 / 30
    assert person.gait.stride_s == pytest.approx(STRIDE_S, abs=0.02)
    assert person.gait.cadence_per_min == pytest.approx(60 / (STRIDE_S / 2), rel=0.02)
    assert person.gait.stride_length == pytest.approx(PX_PER_S * STRIDE_S, rel=0.02)


@pytest.mark.parametrize("faces_left", [False, True])
def test_who_walks_on_a_treadmill_steps_where_they_look(faces_left: bool) -> None:
    found = _contacts(_events(np.zeros(300), faces_left))
    assert [side for _, side in found] == ["left", "right"] * 10
    np.testing.assert_allclose([at for at, _ in found], 0.25 + 0.5 * np.arange(20), atol=0.02)


def test_who_turns_round_steps_on_both_ways() -> None:
    there_and_back = np.repeat([120.0, -120.0], 150)
    found = _contacts(_events(there_and_back))
    assert len([at for at, _ in found if at < 4.9]) == 10
    assert len([at for at, _ in found if at > 5.1]) >= 9
    facts = gait_facts(_events(there_and_back))
    assert facts.stride_s == pytest.approx(1, abs=0.02)
    assert facts.stride_length == pytest.approx(120, abs=8)


def test_nobody_steps_at_the_edge_of_a_gap_and_no_stride_goes_over_it() -> None:
    events = _events(np.full(300, 120.0), hidden=slice(60, 155))
    found = _contacts(events)
    np.testing.assert_allclose([at % 0.5 for at, _ in found], 0.25, atol=0.02)
    assert not [at for at, _ in found if 1.9 < at < 5.2]
    assert max(one.stride_s for one in strides(events)) == pytest.approx(1, abs=0.04)
    facts = gait_facts(events)
    assert facts.stride_s == pytest.approx(1, abs=0.02)
    assert facts.step_s == pytest.approx(0.5, abs=0.01)
    assert facts.stride_length == pytest.approx(120, abs=2)


def test_who_stands_and_sways_makes_no_step() -> None:
    still = _events(np.zeros(300))
    assert still
    times = np.arange(300) / 30.0
    sway = np.stack([5 * np.sin(2 * np.pi * times), np.full(300, 200.0)], -1)
    places = np.stack([np.tile([0.0, 100.0], (300, 1)), sway, -sway * (1, -1)], 1)
    person = Trajectory(
        1,
        ("pelvis", "left_ankle", "right_ankle"),
        np.arange(300),
        times,
        places,
        np.ones((300, 3)),
        np.ones(300),
    )
    assert foot_events(person, places, np.zeros(300, bool)) == []


def test_who_lands_on_both_feet_has_made_no_step() -> None:
    landing = [FootEvent(0.2, 2, side, "contact", 3.0) for side in ("left", "right")]
    facts = gait_facts(landing)
    assert facts.contacts == 2 and np.isnan([facts.step_s, facts.cadence_per_min]).all()
    then = [*landing, FootEvent(0.7, 7, "left", "contact", 4.0)]
    assert gait_facts(then).step_s == pytest.approx(0.5)
    assert gait_facts(then).cadence_per_min == pytest.approx(120)
