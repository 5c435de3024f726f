"""How people move: the walking cycle, walking along a path, and standing about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.body import (
    SHANK,
    THIGH,
    ArmPose,
    BodyPose,
    LegPose,
    Placement,
    Proportions,
    rotation_y,
    rotation_z,
)

FloatArray = npt.NDArray[np.float64]


class Motion(Protocol):
    """Anything that says where its person is at a time."""

    def at(self, time_s: float, proportions: Proportions) -> Placement | None:
        """Placement at `time_s`, or None when the person is not in the scene."""
        ...


@dataclass(frozen=True)
class Gait:
    """A person's manner of walking, angles in radians."""

    hip_swing: float = 0.40
    """Half the swing of a thigh."""
    arm_swing: float = 0.38
    """Half the swing of an upper arm."""
    elbow: float = 0.30
    """Mean bend of the elbows."""
    knee_lift: float = 1.0
    """Bend of the swinging knee."""
    lean: float = 0.05
    """Trunk bent to the front."""

    @staticmethod
    def random(rng: np.random.Generator) -> Gait:
        """A manner of walking drawn at random."""
        return Gait(
            hip_swing=float(rng.uniform(0.32, 0.46)),
            arm_swing=float(rng.uniform(0.2, 0.6)),
            elbow=float(rng.uniform(0.15, 0.6)),
            knee_lift=float(rng.uniform(0.9, 1.1)),
            lean=float(rng.uniform(0.0, 0.1)),
        )

    def stride(self, proportions: Proportions) -> float:
        """Distance of one whole cycle (two steps), metres."""
        leg = (THIGH + SHANK) * proportions.stature * proportions.leg_scale
        return float(4.0 * leg * np.sin(self.hip_swing) * 0.95)


def walking_pose(phase: float, gait: Gait) -> BodyPose:
    """Pose at `phase` of the cycle: at 0 the left heel touches the ground, at 0.5 the right one."""
    swing = float(np.cos(2.0 * np.pi * phase))
    return BodyPose(
        pelvis=rotation_y(-0.09 * swing) @ rotation_z(0.03 * np.sin(2.0 * np.pi * phase)),
        spine_bend=gait.lean,
        spine_twist=0.19 * swing,
        head_turn=-0.1 * swing,
        head_nod=-0.5 * gait.lean,
        left_arm=_swinging_arm(-swing, gait),
        right_arm=_swinging_arm(swing, gait),
        left_leg=_walking_leg(phase, gait),
        right_leg=_walking_leg(phase + 0.5, gait),
    )


def _swinging_arm(swing: float, gait: Gait) -> ArmPose:
    return ArmPose(
        flexion=gait.arm_swing * swing + 0.03,
        abduction=0.13,
        twist=0.35,
        elbow=gait.elbow * (1.0 + 0.5 * swing),
        wrist=0.1,
    )


def _walking_leg(phase: float, gait: Gait) -> LegPose:
    phase = phase % 1.0
    hip = 0.12 + gait.hip_swing * np.cos(2.0 * np.pi * phase)
    stance = 0.24 * _bump(phase, 0.13, 0.09)
    swing = gait.knee_lift * _bump(phase, 0.72, 0.115)
    ankle = 0.16 * _bump(phase, 0.42, 0.12) - 0.30 * _bump(phase, 0.63, 0.07)
    return LegPose(
        flexion=float(hip),
        abduction=0.0,
        twist=0.1,
        knee=float(0.06 + stance + swing),
        ankle=float(ankle + 0.08 * _bump(phase, 0.0, 0.1)),
    )


def _bump(phase: float, middle: float, width: float) -> float:
    distance = (phase - middle + 0.5) % 1.0 - 0.5
    return float(np.exp(-0.5 * (distance / width) ** 2))


@dataclass(frozen=True)
class WalkAlong:
    """Walk along a line of points on the ground at a steady speed; absent before the start and
    after the end."""

    points_xz: tuple[tuple[float, float], ...]
    """At least two places (x, z), metres."""
    speed: float = 1.3
    """Metres a second."""
    start_s: float = 0.0
    """Time at the first point, seconds."""
    gait: Gait = Gait()
    phase: float = 0.0
    """Phase of the walking cycle at the first point."""

    def at(self, time_s: float, proportions: Proportions) -> Placement | None:
        """Placement at `time_s`; None before the start and after the end."""
        travelled = (time_s - self.start_s) * self.speed
        if travelled < 0.0 or travelled > self.length:
            return None
        place = self._place(travelled)
        step = 0.35 * self.speed
        ahead = self._place(travelled + step) - self._place(travelled - step)
        phase = self.phase + travelled / self.gait.stride(proportions)
        heading = float(np.arctan2(ahead[0], ahead[1]))
        return Placement(walking_pose(phase, self.gait), float(place[0]), float(place[1]), heading)

    @property
    def length(self) -> float:
        """Length of the whole way, metres."""
        points = np.array(self.points_xz)
        return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())

    def _place(self, travelled: float) -> FloatArray:
        points = np.array(self.points_xz)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        marks = np.concatenate([[0.0], np.cumsum(steps)])
        travelled = float(np.clip(travelled, 0.0, marks[-1]))
        return np.array([np.interp(travelled, marks, column) for column in points.T])


@dataclass(frozen=True)
class StayPut:
    """Stay in one place in one pose and sway a little."""

    placement: Placement
    sway: float = 0.03
    """Half the swing of the body, radians."""
    period_s: float = 3.0
    """Duration of one sway, seconds."""

    def at(self, time_s: float, proportions: Proportions) -> Placement | None:
        """Placement at `time_s`."""
        swing = self.sway * np.sin(2.0 * np.pi * time_s / self.period_s)
        turn = rotation_y(swing) @ rotation_z(0.3 * swing)
        pose = replace(self.placement.pose, pelvis=turn @ self.placement.pose.pelvis)
        return replace(self.placement, pose=pose)
