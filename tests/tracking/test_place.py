"""Size and place of those who come back, against the formulas worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tracking import PoseFlowParameters
from tracking.parameters import ReidParameters
from tracking.place import compare_by_joints, place_evidence, vertical_drift
from tracking.poseflow.memory import Memory
from tracking.similarity import People, describe_people

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
SIZE = (640, 360)
RULES = ReidParameters(usual_drift=0.0, reach_across=(1.0, 0.0))


def standing(*figures: tuple[float, float, float]) -> People:
    """People by the x and y of their crown and their height in hundreds of pixels."""
    joints = np.array([SHAPE * tall + [x, y] for x, y, tall in figures])
    return describe_people(joints, *SIZE, PoseFlowParameters(box_margin=0.0))


def known(people: People, upwards: float = 0.0) -> Memory:
    """Memory of people seen ten times, who move up by so many pixels a frame."""
    empty = Memory.empty(6)
    count = len(people)
    return replace(
        empty,
        ids=np.arange(1, count + 1),
        unseen_frames=np.zeros(count, np.int64),
        sightings=np.full(count, 10),
        keypoints_xy=people.keypoints_xy,
        boxes_xyxy=people.boxes_xyxy,
        joint_counts=people.joint_counts,
        radii_px=people.radii_px,
        velocities_xy=np.tile([5.0, -upwards], (count, 1)),
    )


def normal(value: float, spread: float) -> float:
    return math.exp(-0.5 * (value / spread) ** 2) / (spread * math.sqrt(2 * math.pi))


def test_evidence_of_one_of_two_against_the_formula() -> None:
    memory = known(standing((200, 100, 1), (400, 80, 1.2)))
    people = standing((230, 104, 1))
    found = place_evidence(memory, people, np.array([9, 9]), SIZE, RULES)
    middle = SHAPE[:, 1].mean()  # 290 / 6 below the crown
    own = normal(0.04, 0.06) * normal(0.0, 0.06)  # 4 px lower, a box of 100 px, as tall
    lower = (104 + middle - 80 - 1.2 * middle) / 120
    other = normal(lower, 0.15) * normal(math.log(1.2), 0.12)
    stranger = (0.2 * other + 100 / 360 / 2) / (0.2 + 1)
    upright = math.log(0.85 * own / stranger + 0.15)
    across = math.log(0.7 * normal(30, 100) * 640 + 0.3)
    assert found[0, 0] == pytest.approx(upright + across)


def test_a_crowd_of_one_height_and_depth_says_little() -> None:
    alike = known(standing(*[(60.0 * n, 100, 1) for n in range(1, 9)]))
    apart = known(standing(*[(60.0 * n, 15 + 25 * n, 0.6 + 0.1 * n) for n in range(1, 9)]))
    gaps = np.full(8, 9)
    same = place_evidence(alike, standing((240, 100, 1)), gaps, SIZE, RULES)[3, 0]
    told = place_evidence(apart, standing((240, 115, 1)), gaps, SIZE, RULES)
    assert told[3, 0] > same + 1
    assert np.argmax(told[:, 0]) == 3


def test_who_goes_up_and_down_is_known_less_surely_after_a_while() -> None:
    people = standing((200, 100, 1), (300, 60, 0.8))
    sides = np.array([100.0, 80.0])
    drift = vertical_drift(known(people, upwards=2.0), sides, ReidParameters())
    expected = math.sqrt(((2 / 100) ** 2 + (2 / 80) ** 2 + 2 * 0.003**2) / 4)
    assert drift == pytest.approx(expected)
    back = standing((200, 100, 1))
    soon, late = (
        place_evidence(known(people, 2.0), back, np.full(2, gap), SIZE, ReidParameters())[0, 0]
        for gap in (2, 60)
    )
    assert soon > late


def test_people_are_compared_by_the_joints_that_both_have() -> None:
    memory = known(standing((200, 100, 1)))
    memory = replace(memory, joint_counts=np.array([[True, True, True, True, False, False]]))
    moved, growth, counts = compare_by_joints(memory, standing((210, 100, 2)))
    assert counts.tolist() == [[4]]
    assert moved[0, 0].tolist() == pytest.approx([10, SHAPE[:4, 1].mean()])
    assert growth[0, 0] == pytest.approx(math.log(2))


def test_who_shares_no_joint_says_nothing() -> None:
    memory = replace(known(standing((200, 100, 1))), joint_counts=np.zeros((1, 6), bool))
    found = place_evidence(memory, standing((200, 100, 1)), np.array([9]), SIZE, RULES)
    assert found[0, 0] == pytest.approx(math.log(0.3))
