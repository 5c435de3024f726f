"""From pixels to metres in the plane of movement, and the floor's angle.

One scale holds for the whole clip: people must move across the picture, in the plane in which the
known length or the measured person is; the camera must stand still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpe.kinematics.angles import ANGLES, angle_values, facing_left
from rmpe.kinematics.trajectories import Trajectory, frame_rate

FloatArray = NDArray[np.float64]

# Segments do not lie in the picture's plane throughout and look shorter: Pose2Sim's factor.
FORESHORTENING = 1.063
# Height of the head above the middle of the shoulders, over the distance to the head top or nose;
# legs over height, where there is no head; and the ankle's height over the height (Winter 2009).
_HEAD_OF_HEAD_TOP = 1.008
_HEAD_OF_NOSE = 1.5
_LEGS_OF_HEIGHT = 0.485
_ANKLE_OF_HEIGHT = 0.039
_BENT_DEG = 90.0
_FEWEST_UPRIGHT = 50
_STANDING_M_PER_S = 1.0
_ANKLE_ABOVE_FLOOR_M = 0.13


@dataclass(frozen=True)
class Floor:
    """The line on which people walk."""

    angle_deg: float
    """Against the picture's horizontal, counterclockwise positive."""
    level_px: float
    """Its height at the picture's left edge, y in pixels downwards."""


@dataclass(frozen=True)
class MetricPlane:
    """Where metres are counted from, and how many pixels they have."""

    px_per_m: float
    """Pixels of a metre."""
    origin_px: tuple[float, float] = (0.0, 0.0)
    """The point (x, y) that becomes (0, 0)."""
    floor_deg: float = 0.0
    """Angle of the X axis against the picture's horizontal, counterclockwise positive."""

    def convert(self, points_xy: FloatArray) -> FloatArray:
        """Return points (…, 2) in metres, X along the floor to the right and Y upwards."""
        offset = (points_xy - np.asarray(self.origin_px)) * (1.0, -1.0) / self.px_per_m
        turn = np.radians(self.floor_deg)
        along = np.array([np.cos(turn), np.sin(turn)])
        up = np.array([-np.sin(turn), np.cos(turn)])
        return np.stack([offset @ along, offset @ up], -1)


def height_in_px(trajectory: Trajectory) -> float:
    """Return a person's height in pixels, from the lengths of the segments of upright frames.

    Heel to ankle, shank, thigh, hip to shoulder (means of both sides) and shoulders to head are
    added up; of the frames whose hips and knees are bent less than 90 degrees on average (the 50
    straightest, if fewer are) the middle half counts, and foreshortening is allowed for.

    Raises:
        ValueError: ankles, knees, hips or shoulders were never all known in a frame.
    """
    trunk_and_legs = [("ankle", "knee"), ("knee", "hip"), ("hip", "shoulder")]
    parts = [_side_mean(trajectory, *pair) for pair in trunk_and_legs]
    if any(part is None for part in parts):
        raise ValueError("a height needs ankles, knees, hips and shoulders")
    shank, thigh, back = (part for part in parts if part is not None)
    heel = _side_mean(trajectory, "heel", "ankle")
    foot = np.zeros(len(trajectory)) if heel is None else heel
    shoulders = (trajectory.joint("left_shoulder") + trajectory.joint("right_shoulder")) / 2
    if trajectory.has("head_top"):
        above = _HEAD_OF_HEAD_TOP * _length(trajectory.joint("head_top") - shoulders)
        heights = foot + shank + thigh + back + above
    elif trajectory.has("nose"):
        above = _HEAD_OF_NOSE * _length(trajectory.joint("nose") - shoulders)
        heights = foot + shank + thigh + back + above
    else:
        heights = (foot + shank + thigh) / _LEGS_OF_HEIGHT
    if heel is None:
        heights = heights / (1 - _ANKLE_OF_HEIGHT)
    heights = heights[_upright(trajectory)]
    heights = np.sort(heights[np.isfinite(heights)])
    if not len(heights):
        raise ValueError(
            f"person {trajectory.identity} is never seen in full: give a scale or a known length"
        )
    middle = heights[int(len(heights) * 0.25) : int(len(heights) * 0.75)]
    return FORESHORTENING * float((middle if len(middle) else heights).mean())


def find_floor(trajectory: Trajectory, px_per_m: float) -> Floor:
    """Return the line through the toes (else the ankles) of the frames in which they stand still.

    Raises:
        ValueError: there are neither toes nor ankles, or they are never seen standing.
    """
    part = "big_toe" if trajectory.has("left_big_toe", "right_big_toe") else "ankle"
    names = [f"{side}_{part}" for side in ("left", "right")]
    if not trajectory.has(*names):
        raise ValueError("the floor needs toes or ankles: give its angle")
    slow_px = _STANDING_M_PER_S * px_per_m / max(frame_rate(trajectory.time_s), 1e-9)
    standing = []
    for name in names:
        place = trajectory.joint(name)
        speed = _length(np.diff(place, axis=0, prepend=np.nan))
        standing.append(place[speed < slow_px])
    points = np.concatenate(standing)
    if len(points) < 2 or np.ptp(points[:, 0]) < 1.0:
        raise ValueError("no foot is seen standing in two places: give the floor's angle")
    slope, level = np.polyfit(points[:, 0], points[:, 1], 1).tolist()
    if part == "ankle":
        level += _ANKLE_ABOVE_FLOOR_M * px_per_m
    return Floor(float(-np.degrees(np.arctan(slope))), level)


def _upright(trajectory: Trajectory) -> NDArray[np.bool_]:
    """Return the frames in which hips and knees are least bent, (F,)."""
    names = ("left_hip", "right_hip", "left_knee", "right_knee")
    joint_angles = {angle.name: angle for angle in ANGLES if angle.kind == "joint_angle"}
    faces_left = facing_left(trajectory)
    bent = np.mean(
        [np.abs(angle_values(joint_angles[name], trajectory, faces_left)) for name in names], axis=0
    )
    with np.errstate(invalid="ignore"):
        upright = bent < _BENT_DEG
    if upright.sum() < _FEWEST_UPRIGHT:
        straightest = np.argsort(bent)[: min(_FEWEST_UPRIGHT, int(np.isfinite(bent).sum()))]
        upright = np.zeros(len(bent), np.bool_)
        upright[straightest] = True
    return np.asarray(upright, np.bool_)


def _side_mean(trajectory: Trajectory, first: str, second: str) -> FloatArray | None:
    """Return the mean length of a segment of both sides, (F,); None if the joints are not there."""
    lengths = []
    for side in ("left", "right"):
        if not trajectory.has(f"{side}_{first}", f"{side}_{second}"):
            return None
        lengths.append(
            _length(trajectory.joint(f"{side}_{first}") - trajectory.joint(f"{side}_{second}"))
        )
    return np.asarray(np.mean(lengths, axis=0), np.float64)


def _length(vectors: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(vectors, axis=-1), np.float64)
