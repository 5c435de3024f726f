"""Bodies bend as named, stand on the ground and walk without sliding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rmpe.skeletons import COCO_19
from rmpe.synthetic.person.body import (
    ANKLE_HEIGHT,
    FOREARM,
    SHANK,
    THIGH,
    UPPER_ARM,
    ArmPose,
    BodyPose,
    LegPose,
    Placement,
    Proportions,
)
from rmpe.synthetic.person.motion import Gait, StayPut, WalkAlong, walking_pose
from rmpe.synthetic.person.people import PersonModel
from rmpe.synthetic.person.poses import random_placement

STRAIGHT = BodyPose(
    left_arm=ArmPose(abduction=0.0, elbow=0.0),
    right_arm=ArmPose(abduction=0.0, elbow=0.0),
    left_leg=LegPose(abduction=0.0, knee=0.0),
    right_leg=LegPose(abduction=0.0, knee=0.0),
)
TWO_METRES = PersonModel(Proportions(stature=2.0))


def _joints(pose: BodyPose, heading: float = 0.0) -> dict[str, np.ndarray]:
    body = TWO_METRES.stand(Placement(pose, 0.0, -5.0, heading))
    return dict(zip(COCO_19.joints, TWO_METRES.joints(body)))


def test_an_upright_person_is_as_tall_as_stated() -> None:
    joints = _joints(STRAIGHT)
    assert joints["head_top"][1] == pytest.approx(2.0, abs=0.03)
    assert joints["left_ankle"][1] == pytest.approx(2.0 * ANKLE_HEIGHT, abs=1e-6)
    assert joints["left_hip"][1] == pytest.approx(2.0 * (ANKLE_HEIGHT + SHANK + THIGH), abs=1e-6)


def test_left_is_the_persons_own_left() -> None:
    facing_camera, facing_away = _joints(STRAIGHT), _joints(STRAIGHT, heading=np.pi)
    for name in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert facing_camera[f"left_{name}"][0] > facing_camera[f"right_{name}"][0]
        assert facing_away[f"left_{name}"][0] < facing_away[f"right_{name}"][0]


def test_heading_turns_the_nose() -> None:
    toes = {0.0: (0.0, 1.0), np.pi / 2: (1.0, 0.0), np.pi: (0.0, -1.0)}
    for heading, (x, z) in toes.items():
        joints = _joints(STRAIGHT, heading)
        ahead = joints["nose"] - (joints["left_ear"] + joints["right_ear"]) / 2
        direction = ahead[[0, 2]] / np.linalg.norm(ahead[[0, 2]])
        np.testing.assert_allclose(direction, [x, z], atol=1e-6)


def test_a_bent_elbow_points_the_forearm_forward() -> None:
    arm = ArmPose(abduction=0.0, elbow=np.pi / 2)
    joints = _joints(replace(STRAIGHT, left_arm=arm, right_arm=arm))
    for side in ("left", "right"):
        np.testing.assert_allclose(
            joints[f"{side}_wrist"] - joints[f"{side}_elbow"], [0, 0, 2.0 * FOREARM], atol=1e-9
        )


def test_abduction_lifts_each_arm_to_its_own_side() -> None:
    arm = ArmPose(abduction=np.pi / 2, elbow=0.0)
    joints = _joints(replace(STRAIGHT, left_arm=arm, right_arm=arm))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        np.testing.assert_allclose(
            joints[f"{side}_elbow"] - joints[f"{side}_shoulder"],
            [sign * 2.0 * UPPER_ARM, 0, 0],
            atol=1e-9,
        )


def test_a_bent_knee_takes_the_foot_back_and_a_bent_hip_the_knee_forward() -> None:
    leg = LegPose(flexion=np.pi / 2, abduction=0.0, knee=np.pi / 2)
    joints = _joints(replace(STRAIGHT, left_leg=leg))
    np.testing.assert_allclose(
        joints["left_knee"] - joints["left_hip"], [0, 0, 2.0 * THIGH], atol=1e-9
    )
    np.testing.assert_allclose(
        joints["left_ankle"] - joints["left_knee"], [0, -2.0 * SHANK, 0], atol=1e-9
    )


def test_limbs_keep_their_length_in_every_pose() -> None:
    rng = np.random.default_rng(0)
    for rare in (False, True):
        for _ in range(40):
            body = TWO_METRES.stand(random_placement(rng, rare))
            joints = dict(zip(COCO_19.joints, TWO_METRES.joints(body)))
            thigh = np.linalg.norm(joints["left_knee"] - joints["left_hip"])
            assert thigh == pytest.approx(2.0 * THIGH)
            forearm = np.linalg.norm(joints["right_wrist"] - joints["right_elbow"])
            assert forearm == pytest.approx(2.0 * FOREARM)


def test_nobody_sinks_into_the_ground() -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        model = PersonModel.random(rng)
        placement = random_placement(rng, rare=True)
        body = model.stand(placement)
        assert model.lowest_point(body) == pytest.approx(placement.lift)
        assert model.mesh(body).corners[..., 1].min() > placement.lift - 0.12


def test_the_standing_foot_does_not_slide() -> None:
    walk = WalkAlong(((0.0, -5.0), (20.0, -5.0)), speed=1.3)
    ankles = []
    times = np.arange(1.0, 5.0, 0.02)
    for time_s in times:
        placement = walk.at(float(time_s), TWO_METRES.proportions)
        assert placement is not None
        joints = TWO_METRES.joints(TWO_METRES.stand(placement))
        ankles.append(joints[15:17])
    speeds = np.abs(np.diff(np.array(ankles)[..., 0], axis=0)) / 0.02
    # One of the two feet is always (nearly) at rest while the body moves at 1.3 m/s.
    assert np.median(speeds.min(axis=1)) < 0.3
    assert speeds.max() > 2.0


def test_arms_swing_against_the_legs() -> None:
    joints = _joints(walking_pose(0.0, Gait()))
    assert joints["left_ankle"][2] > joints["right_ankle"][2]
    assert joints["left_wrist"][2] < joints["right_wrist"][2]


def test_walkers_come_and_go_with_their_time() -> None:
    walk = WalkAlong(((0.0, -4.0), (3.0, -4.0), (3.0, -8.0)), speed=2.0, start_s=1.0)
    proportions = Proportions()
    assert walk.length == pytest.approx(7.0)
    assert walk.at(0.9, proportions) is None
    assert walk.at(4.6, proportions) is None
    first, second = walk.at(2.0, proportions), walk.at(4.0, proportions)
    assert first is not None and second is not None
    assert (first.x, first.z) == pytest.approx((2.0, -4.0))
    assert first.heading == pytest.approx(np.pi / 2)
    assert (second.x, second.z) == pytest.approx((3.0, -7.0))
    assert abs(second.heading) == pytest.approx(np.pi)


def test_who_stays_put_sways_about_their_place() -> None:
    placement = Placement(STRAIGHT, 1.0, -6.0, 0.3)
    motion = StayPut(placement, sway=0.1, period_s=4.0)
    start, quarter = motion.at(0.0, Proportions()), motion.at(1.0, Proportions())
    assert start is not None and quarter is not None
    np.testing.assert_allclose(start.pose.pelvis, np.eye(3), atol=1e-12)
    assert np.abs(quarter.pose.pelvis - np.eye(3)).max() > 0.05
    assert (quarter.x, quarter.z, quarter.heading) == (1.0, -6.0, 0.3)
