"""Joint angles and segment angles in the picture plane, in degrees.

Conventions (those of Sports2D and Pose2Sim, Pagnon et al., JOSS 2024, with which the values agree;
drawn in docs/measure.md). All angles are seen with the person facing right: one who faces left is
mirrored first.

- Joint angles are 0 in the upright posture with hanging arms and feet flat. Positive are flexion of
  knee, hip (thigh forward), shoulder (arm forward), elbow, wrist and neck (head forward), and
  dorsiflexion of the ankle (toes up). They may be negative: an over-extended knee, a thigh behind.
- Segment angles are against the horizontal, counterclockwise positive, from the end nearer the
  trunk to the farther one (foot: heel to toes; trunk: pelvis to neck; head: neck to head top):
  a trunk upright is +90, a shank standing is -90, a flat foot is 0. Pelvis and shoulders, from
  right to left, are lines without direction: half a turn is nothing.
- Over time angles are unwrapped: they may leave -180..180 rather than jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rmpe.kinematics.trajectories import Trajectory

FloatArray = NDArray[np.float64]
AngleKind = Literal["joint_angle", "segment_angle"]
Facing = Literal["auto", "right", "left"]


@dataclass(frozen=True)
class Angle:
    """One angle between two vectors, or between a vector and the horizontal."""

    name: str
    """As in the tables: ``left_knee``, ``trunk``."""
    kind: AngleKind
    """Between two segments, or of one segment against the horizontal."""
    first: tuple[str, str]
    """Joints that the first vector goes from and to."""
    second: tuple[str, str] | None = None
    """Joints of the second vector; None for the horizontal."""
    offset_deg: float = 0.0
    """Added to the counterclockwise turn from the first vector to the second."""
    sign: int = 1
    """-1 where bending turns clockwise, seen with the person facing right."""
    axis: bool = False
    """Whether the segment has no direction, so that the angle lies in -90..90."""

    @property
    def joints(self) -> tuple[str, ...]:
        """The joints that are needed."""
        return self.first + (self.second or ())


def _joint_angles(side: str) -> tuple[Angle, ...]:
    """Return the joint angles of one side; a vector is written as (from, to)."""

    def of(joint: str) -> str:
        return f"{side}_{joint}"

    hip, knee, ankle = of("hip"), of("knee"), of("ankle")
    shoulder, elbow, wrist = of("shoulder"), of("elbow"), of("wrist")
    trunk_down = ("neck", "pelvis")
    kind: AngleKind = "joint_angle"
    return (
        Angle(of("ankle"), kind, (knee, ankle), (of("heel"), of("big_toe")), -90.0),
        Angle(of("knee"), kind, (hip, knee), (knee, ankle), sign=-1),
        Angle(of("hip"), kind, trunk_down, (hip, knee)),
        Angle(of("shoulder"), kind, trunk_down, (shoulder, elbow)),
        Angle(of("elbow"), kind, (shoulder, elbow), (elbow, wrist)),
        Angle(of("wrist"), kind, (elbow, wrist), (wrist, of("hand_5"))),
    )


def _segment_angles(side: str) -> tuple[Angle, ...]:
    return tuple(
        Angle(f"{side}_{name}", "segment_angle", (f"{side}_{start}", f"{side}_{end}"))
        for name, start, end in (
            ("foot", "heel", "big_toe"),
            ("shank", "knee", "ankle"),
            ("thigh", "hip", "knee"),
            ("arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("hand", "wrist", "hand_5"),
        )
    )


ANGLES: tuple[Angle, ...] = (
    *_joint_angles("left"),
    *_joint_angles("right"),
    Angle("neck", "joint_angle", ("pelvis", "neck"), ("neck", "head_top"), sign=-1),
    *_segment_angles("left"),
    *_segment_angles("right"),
    Angle("pelvis", "segment_angle", ("right_hip", "left_hip"), axis=True),
    Angle("shoulders", "segment_angle", ("right_shoulder", "left_shoulder"), axis=True),
    Angle("trunk", "segment_angle", ("pelvis", "neck")),
    Angle("head", "segment_angle", ("neck", "head_top")),
)
"""Every angle that is measured where the skeleton has its joints: 13 of joints, 16 of segments."""


def measured_angles(trajectory: Trajectory) -> tuple[Angle, ...]:
    """Return the angles whose joints the trajectory has."""
    return tuple(angle for angle in ANGLES if trajectory.has(*angle.joints))


def angle_values(
    angle: Angle, trajectory: Trajectory, faces_left: NDArray[np.bool_], floor_deg: float = 0.0
) -> FloatArray:
    """Return one angle in every frame, unwrapped over time, degrees (F,); NaN where unknown.

    Args:
        angle: one of :data:`ANGLES`.
        trajectory: the person.
        faces_left: frames in which the person faces left, (F,).
        floor_deg: angle of the floor against the picture's horizontal, counterclockwise; segment
            angles are taken against the floor.
    """
    first = _vector(trajectory, angle.first, faces_left)  # (F, 2), y upwards
    if angle.second is None:
        degrees = np.degrees(np.arctan2(first[:, 1], first[:, 0]))
        degrees = degrees - np.where(faces_left, -floor_deg, floor_deg)
    else:
        second = _vector(trajectory, angle.second, faces_left)
        cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
        dot = (first * second).sum(-1)
        turn = np.degrees(np.arctan2(cross, dot))
        degrees = angle.sign * (turn + angle.offset_deg)
    return unwrapped(degrees, 180.0 if angle.axis else 360.0)


def unwrapped(degrees: FloatArray, period: float = 360.0) -> FloatArray:
    """Return angles without jumps by a whole turn, (F,), their mean within half a turn of 0.

    Args:
        degrees: angles, NaN where unknown.
        period: what a whole turn is; 180 for segments without direction.
    """
    result = np.array(degrees, np.float64)
    known = np.isfinite(result)
    if not known.any():
        return result
    half = period / 2
    values = np.unwrap((result[known] + half) % period - half, period=period)
    result[known] = values - period * np.round(values.mean() / period)
    return result


def _vector(
    trajectory: Trajectory, joints: tuple[str, str], faces_left: NDArray[np.bool_]
) -> FloatArray:
    """Return the vector between two joints, (F, 2), y upwards, as if the person faced right."""
    vector = (trajectory.joint(joints[1]) - trajectory.joint(joints[0])) * (1.0, -1.0)
    vector[faces_left, 0] *= -1
    return vector


def facing_left(trajectory: Trajectory, facing: Facing = "auto") -> NDArray[np.bool_]:
    """Return in which frames a person faces left, (F,).

    ``auto`` looks from the heels to the toes, or without feet from the ears (the neck where there
    are no ears) to the nose; the sign of the sum over half a second on either side counts, so that
    single frames do not turn a person round. Nobody knows: right.
    """
    if facing != "auto":
        return np.full(len(trajectory), facing == "left")
    ahead = np.zeros(len(trajectory))
    for back, front in ahead_pairs(trajectory.has):
        step = trajectory.joint(front)[:, 0] - trajectory.joint(back)[:, 0]
        ahead += np.nan_to_num(step)
    steps = np.diff(trajectory.time_s)
    reach = round(0.5 / np.median(steps)) if len(steps) else 0
    total = np.convolve(ahead, np.ones(2 * reach + 1), "full")[reach : reach + len(ahead)]
    return total < 0


def ahead_pairs(has: Callable[[str, str], bool]) -> list[tuple[str, str]]:
    """Return pairs of joints of which the second lies ahead of the first.

    Args:
        has: tells whether both of two joints are there.
    """
    feet = [(f"{side}_heel", f"{side}_big_toe") for side in ("left", "right")]
    ears = [(f"{side}_ear", "nose") for side in ("left", "right")]
    for pairs in (feet, ears, [("neck", "nose")]):
        if all(has(*pair) for pair in pairs):
            return pairs
    return []
