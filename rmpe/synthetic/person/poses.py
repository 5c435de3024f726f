"""Poses people take, drawn at random: everyday ones and the rare ones of sports pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rmpe.synthetic.person.body import (
    ArmPose,
    BodyPose,
    LegPose,
    Placement,
    rotation_x,
    rotation_y,
    rotation_z,
)
from rmpe.synthetic.person.motion import Gait, walking_pose

PoseDraw = Callable[[np.random.Generator], tuple[BodyPose, float]]


def random_arm(rng: np.random.Generator) -> ArmPose:
    """An arm anywhere it can go: hanging, on the hip, pointing, raised, bent."""
    kind = rng.random()
    if kind < 0.35:
        return ArmPose(
            flexion=rng.normal(0.05, 0.25),
            abduction=abs(rng.normal(0.12, 0.12)),
            twist=rng.uniform(0.0, 0.6),
            elbow=rng.uniform(0.05, 1.2),
        )
    if kind < 0.5:
        return ArmPose(flexion=-0.3, abduction=0.7, twist=1.0, elbow=rng.uniform(1.4, 1.9))
    if kind < 0.7:
        return raised_arm(rng)
    return ArmPose(
        flexion=rng.uniform(-0.7, 2.6),
        abduction=rng.uniform(0.0, 1.5),
        twist=rng.uniform(-0.6, 1.3),
        elbow=rng.uniform(0.0, 2.3),
        wrist=rng.normal(0.0, 0.25),
    )


def raised_arm(rng: np.random.Generator) -> ArmPose:
    """An arm held above the shoulder."""
    sideways = rng.uniform(1.6, 3.0)
    return ArmPose(
        flexion=rng.normal(0.0, 0.3),
        abduction=sideways,
        twist=rng.uniform(-0.5, 0.5),
        elbow=abs(rng.normal(0.3, 0.5)),
    )


def _trunk(rng: np.random.Generator, spread: float = 0.12) -> dict[str, Any]:
    return {
        "spine_bend": float(rng.normal(0.05, spread)),
        "spine_side": float(rng.normal(0.0, spread * 0.7)),
        "spine_twist": float(rng.normal(0.0, spread * 1.5)),
        "head_nod": float(rng.normal(0.08, 0.18)),
        "head_turn": float(rng.normal(0.0, 0.4)),
        "head_tilt": float(rng.normal(0.0, 0.1)),
    }


def standing(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """Standing, arms anywhere."""
    spread = abs(rng.normal(0.08, 0.08))
    legs = [
        LegPose(
            flexion=rng.normal(0.0, 0.08),
            abduction=spread,
            twist=rng.uniform(0.0, 0.4),
            knee=abs(rng.normal(0.03, 0.06)),
        )
        for _ in range(2)
    ]
    return BodyPose(
        left_arm=random_arm(rng),
        right_arm=random_arm(rng),
        left_leg=legs[0],
        right_leg=legs[1],
        **_trunk(rng),
    ), 0.0


def walking(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """A moment of walking."""
    return walking_pose(float(rng.random()), Gait.random(rng)), 0.0


def running(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """A moment of running."""
    gait = Gait(
        hip_swing=rng.uniform(0.5, 0.9),
        arm_swing=rng.uniform(0.5, 1.0),
        elbow=rng.uniform(1.1, 1.7),
        knee_lift=rng.uniform(1.3, 1.8),
        lean=rng.uniform(0.05, 0.35),
    )
    return walking_pose(float(rng.random()), gait), float(rng.uniform(0.0, 0.15))


def sitting(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """Sitting on a seat or on the ground."""
    on_ground = rng.random() < 0.3
    legs = []
    for _ in range(2):
        thigh = rng.uniform(1.3, 1.7) if not on_ground else rng.uniform(1.3, 2.2)
        legs.append(
            LegPose(
                flexion=thigh,
                abduction=rng.uniform(0.0, 0.35),
                twist=rng.normal(0.0, 0.2),
                knee=rng.uniform(1.1, 1.9) if not on_ground else rng.uniform(0.1, 2.0),
            )
        )
    return BodyPose(
        pelvis=rotation_x(rng.normal(-0.05, 0.15)),
        left_arm=random_arm(rng),
        right_arm=random_arm(rng),
        left_leg=legs[0],
        right_leg=legs[1],
        **_trunk(rng, 0.25),
    ), 0.0


def crouching(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """Squat or lunge."""
    legs = [
        LegPose(
            flexion=rng.uniform(0.5, 2.1),
            abduction=rng.uniform(0.0, 0.6),
            twist=rng.uniform(0.0, 0.4),
            knee=rng.uniform(0.6, 2.3),
            ankle=rng.uniform(0.0, 0.4),
        )
        for _ in range(2)
    ]
    return BodyPose(
        pelvis=rotation_x(rng.uniform(0.0, 0.6)),
        left_arm=random_arm(rng),
        right_arm=random_arm(rng),
        left_leg=legs[0],
        right_leg=legs[1],
        **_trunk(rng, 0.3),
    ), 0.0


def jumping(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """In the air, limbs anywhere."""
    legs = [
        LegPose(
            flexion=rng.uniform(-0.5, 1.6),
            abduction=abs(rng.normal(0.2, 0.3)),
            twist=rng.normal(0.1, 0.3),
            knee=rng.uniform(0.0, 1.8),
            ankle=rng.uniform(-0.8, 0.1),
        )
        for _ in range(2)
    ]
    tilt = rotation_z(rng.normal(0.0, 0.25)) @ rotation_x(rng.normal(0.0, 0.25))
    return BodyPose(
        pelvis=tilt,
        left_arm=random_arm(rng),
        right_arm=raised_arm(rng),
        left_leg=legs[0],
        right_leg=legs[1],
        **_trunk(rng, 0.3),
    ), float(rng.uniform(0.1, 0.9))


def acrobatic(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """Turned any way about: handstand, cartwheel, flip, dive."""
    pose, _ = jumping(rng)
    turn = rotation_z(rng.uniform(-np.pi, np.pi)) @ rotation_x(rng.uniform(-np.pi, np.pi))
    arms = (raised_arm(rng), raised_arm(rng))
    if rng.random() < 0.4:
        turn = rotation_x(np.pi + rng.normal(0.0, 0.25)) @ rotation_y(rng.normal(0.0, 0.4))
        arms = (
            ArmPose(flexion=rng.normal(0.0, 0.15), abduction=2.95, elbow=0.1),
            ArmPose(flexion=rng.normal(0.0, 0.15), abduction=2.95, elbow=0.1),
        )
    turned = {**vars(pose), "pelvis": turn, "left_arm": arms[0], "right_arm": arms[1]}
    return BodyPose(**turned), float(max(0.0, rng.normal(0.1, 0.4)))


def lying(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """Lying on back, front or side."""
    pose, _ = standing(rng)
    turn = rotation_x(rng.choice([-1.0, 1.0]) * np.pi / 2) @ rotation_y(rng.normal(0.0, 0.6))
    return BodyPose(**{**vars(pose), "pelvis": turn}), 0.06


def kicking(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """One leg high, the other on the ground."""
    high = LegPose(
        flexion=rng.uniform(0.8, 2.1), abduction=rng.uniform(0.0, 0.9), knee=rng.uniform(0.0, 1.4)
    )
    low = LegPose(flexion=rng.normal(-0.1, 0.2), abduction=0.1, knee=abs(rng.normal(0.2, 0.2)))
    legs = (high, low) if rng.random() < 0.5 else (low, high)
    return BodyPose(
        pelvis=rotation_x(rng.uniform(-0.5, 0.2)),
        left_arm=random_arm(rng),
        right_arm=random_arm(rng),
        left_leg=legs[0],
        right_leg=legs[1],
        **_trunk(rng, 0.2),
    ), 0.0


def bending(rng: np.random.Generator) -> tuple[BodyPose, float]:
    """Trunk bent over, hands low."""
    bend = rng.uniform(0.5, 1.3)
    knee = rng.uniform(0.0, 0.7)
    legs = [
        LegPose(flexion=bend + knee / 2, abduction=rng.uniform(0.0, 0.2), knee=knee)
        for _ in range(2)
    ]
    trunk = {**_trunk(rng), "spine_bend": float(rng.uniform(0.2, 0.8))}
    return BodyPose(
        pelvis=rotation_x(bend),
        left_arm=ArmPose(flexion=rng.uniform(0.5, 1.8), elbow=rng.uniform(0.0, 0.7)),
        right_arm=ArmPose(flexion=rng.uniform(0.5, 1.8), elbow=rng.uniform(0.0, 0.7)),
        left_leg=legs[0],
        right_leg=legs[1],
        **trunk,
    ), 0.0


EVERYDAY: tuple[tuple[PoseDraw, float], ...] = (
    (standing, 0.40),
    (walking, 0.40),
    (sitting, 0.12),
    (running, 0.04),
    (bending, 0.04),
)
RARE: tuple[tuple[PoseDraw, float], ...] = (
    (standing, 0.08),
    (running, 0.10),
    (sitting, 0.10),
    (crouching, 0.12),
    (jumping, 0.18),
    (acrobatic, 0.24),
    (lying, 0.04),
    (kicking, 0.08),
    (bending, 0.06),
)


def random_placement(
    rng: np.random.Generator, rare: bool, x: float = 0.0, z: float = -5.0
) -> Placement:
    """Somebody at (x, z) in an everyday or, with `rare`, a sporting pose, facing anywhere."""
    kinds = RARE if rare else EVERYDAY
    draw = kinds[int(rng.choice(len(kinds), p=[weight for _, weight in kinds]))][0]
    pose, lift = draw(rng)
    return Placement(pose, x, z, float(rng.uniform(-np.pi, np.pi)), lift)
