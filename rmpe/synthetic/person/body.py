"""Articulated body: proportions, pose angles, and where the joints lie in metres.

A person's own frame is right-handed: x to the person's left, y up, z to the front; a limb at rest
hangs along -y.
World frame: x right, y up, z towards a camera at rest, ground at y = 0. Lengths are metres, angles
radians.
Segment lengths follow Drillis and Contini, "Body Segment Parameters" (1966), as fractions of the
stature.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

HIP_HEIGHT, SHOULDER_HEIGHT, NECK_HEIGHT, SKULL_HEIGHT = 0.530, 0.818, 0.845, 0.935
LUMBAR_HEIGHT = 0.600
HIP_HALF_WIDTH, SHOULDER_HALF_WIDTH = 0.055, 0.100
THIGH, SHANK, UPPER_ARM, FOREARM, HAND = 0.245, 0.246, 0.172, 0.146, 0.095
ANKLE_HEIGHT, FOOT_LENGTH = 0.039, 0.152
SKULL_HALF_HEIGHT, SKULL_HALF_WIDTH, SKULL_HALF_DEPTH = 0.066, 0.0455, 0.056


def rotation_x(angle: float) -> FloatArray:
    """Rotation by `angle` about x, (3, 3); positive turns y towards z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotation_y(angle: float) -> FloatArray:
    """Rotation by `angle` about y, (3, 3); positive turns z towards x."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotation_z(angle: float) -> FloatArray:
    """Rotation by `angle` about z, (3, 3); positive turns x towards y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Proportions:
    """Sizes of one person."""

    stature: float = 1.75
    """Height from sole to head top, metres."""
    girth: float = 1.0
    """Thickness of trunk and limbs relative to an average adult."""
    leg_scale: float = 1.0
    """Length of the legs relative to an average adult of the same stature."""
    arm_scale: float = 1.0
    """Length of the arms relative to an average adult of the same stature."""
    shoulder_scale: float = 1.0
    """Shoulder width relative to an average adult of the same stature."""
    hip_scale: float = 1.0
    """Hip width relative to an average adult of the same stature."""
    head_scale: float = 1.0
    """Head size relative to an average adult of the same stature."""


@dataclass(frozen=True)
class ArmPose:
    """Angles of one arm, radians; all zero hangs straight down."""

    flexion: float = 0.0
    """Upper arm swung to the front."""
    abduction: float = 0.1
    """Upper arm lifted to its own side."""
    twist: float = 0.0
    """Upper arm turned about its own axis, inwards."""
    elbow: float = 0.15
    """Elbow bend, 0 straight."""
    wrist: float = 0.0
    """Hand bent towards the palm."""


@dataclass(frozen=True)
class LegPose:
    """Angles of one leg, radians; all zero stands straight."""

    flexion: float = 0.0
    """Thigh swung to the front."""
    abduction: float = 0.03
    """Thigh lifted to its own side."""
    twist: float = 0.0
    """Thigh turned about its own axis, outwards."""
    knee: float = 0.05
    """Knee bend, 0 straight."""
    ankle: float = 0.0
    """Toes lifted (dorsiflexion)."""


@dataclass(frozen=True)
class BodyPose:
    """All angles of a body, radians. `pelvis` (3, 3) turns the person's frame into the world's
    before the heading."""

    pelvis: FloatArray = field(default_factory=lambda: np.eye(3))
    """Tilt of the whole body about the hips, (3, 3)."""
    spine_bend: float = 0.0
    """Trunk bent to the front."""
    spine_side: float = 0.0
    """Trunk bent to the person's left."""
    spine_twist: float = 0.0
    """Chest turned to the person's left against the pelvis."""
    head_nod: float = 0.0
    """Head bent to the front."""
    head_turn: float = 0.0
    """Head turned to the person's left."""
    head_tilt: float = 0.0
    """Head leaning to the person's left."""
    left_arm: ArmPose = ArmPose()
    right_arm: ArmPose = ArmPose()
    left_leg: LegPose = LegPose()
    right_leg: LegPose = LegPose()


@dataclass(frozen=True)
class Placement:
    """Where somebody is at one moment, and in which pose."""

    pose: BodyPose
    x: float
    """Place of the hips on the ground, metres."""
    z: float
    """Place of the hips on the ground, metres; the camera looks along -z."""
    heading: float
    """Radians; 0 faces the camera, pi / 2 the right of the picture."""
    lift: float = 0.0
    """Height of the lowest point above the ground, metres; more than 0 in a jump."""


@dataclass(frozen=True)
class Segment:
    """A rigid piece of the body: `origin` (3,) and the `axes` (3, 3) whose columns are its x, y
    and z directions."""

    origin: FloatArray
    axes: FloatArray

    def point(self, local: tuple[float, float, float] | FloatArray) -> FloatArray:
        """Where a point (..., 3) given in the segment's own frame lies in the outer frame."""
        return self.origin + np.asarray(local, dtype=np.float64) @ self.axes.T


@dataclass(frozen=True)
class PosedBody:
    """Segments of a posed body in the world. Limb segments begin at their upper joint and run
    along their own -y."""

    pelvis: Segment
    chest: Segment
    head: Segment
    arms: tuple[tuple[Segment, Segment, Segment], tuple[Segment, Segment, Segment]]
    """Left and right: upper arm, forearm, hand."""
    legs: tuple[tuple[Segment, Segment, Segment], tuple[Segment, Segment, Segment]]
    """Left and right: thigh, shank, foot (origin at the ankle, sole along the foot's z)."""


def pose_body(
    proportions: Proportions, pose: BodyPose, position: FloatArray, heading: float
) -> PosedBody:
    """Place a body: `position` (3,) is the middle of the hips in the world, `heading` 0 faces +z
    (the camera)."""
    stature = proportions.stature
    pelvis = Segment(np.asarray(position, dtype=np.float64), rotation_y(heading) @ pose.pelvis)
    spine = (
        rotation_y(pose.spine_twist) @ rotation_z(-pose.spine_side) @ rotation_x(pose.spine_bend)
    )
    chest = Segment(
        pelvis.point((0.0, (LUMBAR_HEIGHT - HIP_HEIGHT) * stature, 0.0)), pelvis.axes @ spine
    )
    neck = rotation_y(pose.head_turn) @ rotation_z(-pose.head_tilt) @ rotation_x(pose.head_nod)
    head_axes = chest.axes @ neck
    neck_top = chest.point((0.0, (NECK_HEIGHT + 0.01 - LUMBAR_HEIGHT) * stature, 0.0))
    rise = (SKULL_HEIGHT - NECK_HEIGHT - 0.01) * stature
    head = Segment(neck_top + head_axes @ np.array([0.0, rise, 0.012 * stature]), head_axes)
    return PosedBody(
        pelvis,
        chest,
        head,
        (
            _pose_arm(proportions, pose.left_arm, chest, 1.0),
            _pose_arm(proportions, pose.right_arm, chest, -1.0),
        ),
        (
            _pose_leg(proportions, pose.left_leg, pelvis, 1.0),
            _pose_leg(proportions, pose.right_leg, pelvis, -1.0),
        ),
    )


def _pose_arm(
    proportions: Proportions, pose: ArmPose, chest: Segment, side: float
) -> tuple[Segment, Segment, Segment]:
    stature, scale = proportions.stature, proportions.arm_scale
    half_width = SHOULDER_HALF_WIDTH * stature * proportions.shoulder_scale
    shoulder_height = (SHOULDER_HEIGHT - LUMBAR_HEIGHT) * stature
    shoulder_rise = 0.025 * stature * max(0.0, np.sin(min(max(pose.abduction, 0.0), np.pi) / 2.0))
    shoulder = chest.point((side * half_width, shoulder_height + shoulder_rise, -0.004 * stature))
    upper_axes = (
        chest.axes
        @ rotation_z(side * pose.abduction)
        @ rotation_x(-pose.flexion)
        @ rotation_y(-side * pose.twist)
    )
    upper = Segment(shoulder, upper_axes)
    fore = Segment(
        upper.point((0.0, -UPPER_ARM * stature * scale, 0.0)), upper_axes @ rotation_x(-pose.elbow)
    )
    hand_axes = fore.axes @ rotation_z(-side * pose.wrist)
    hand = Segment(fore.point((0.0, -FOREARM * stature * scale, 0.0)), hand_axes)
    return upper, fore, hand


def _pose_leg(
    proportions: Proportions, pose: LegPose, pelvis: Segment, side: float
) -> tuple[Segment, Segment, Segment]:
    stature, scale = proportions.stature, proportions.leg_scale
    hip = pelvis.point((side * HIP_HALF_WIDTH * stature * proportions.hip_scale, 0.0, 0.0))
    thigh_axes = (
        pelvis.axes
        @ rotation_z(side * pose.abduction)
        @ rotation_x(-pose.flexion)
        @ rotation_y(side * pose.twist)
    )
    thigh = Segment(hip, thigh_axes)
    shank = Segment(
        thigh.point((0.0, -THIGH * stature * scale, 0.0)), thigh_axes @ rotation_x(pose.knee)
    )
    foot_axes = shank.axes @ rotation_x(-pose.ankle) @ rotation_y(side * 0.12)
    foot = Segment(shank.point((0.0, -SHANK * stature * scale, 0.0)), foot_axes)
    return thigh, shank, foot


def joints_of(body: PosedBody, proportions: Proportions) -> FloatArray:
    """The 19 joints of the skeleton "coco19" in the world, (19, 3) metres, in the skeleton's
    order."""
    stature = proportions.stature
    head_size = np.array([SKULL_HALF_WIDTH, SKULL_HALF_HEIGHT, SKULL_HALF_DEPTH])
    head_size = head_size * stature * proportions.head_scale
    face = np.array(
        [
            [0.0, -0.26, 1.16],
            [0.42, 0.06, 0.88],
            [-0.42, 0.06, 0.88],
            [1.02, -0.06, -0.08],
            [-1.02, -0.06, -0.08],
        ]
    )
    neck = body.chest.point((0.0, (NECK_HEIGHT - LUMBAR_HEIGHT) * stature, 0.0))
    limbs = [
        segments[part].origin
        for chain in (body.arms, body.legs)
        for part in range(3)
        for segments in chain
    ]
    head_top = body.head.point(np.array([0.0, 1.04, -0.04]) * head_size)
    return np.concatenate([body.head.point(face * head_size), limbs, [neck], [head_top]])


def joint_radii(proportions: Proportions) -> FloatArray:
    """How deep under the skin each of the 19 joints lies, (19,) metres: joints of the face lie on
    it."""
    fractions = [0.01, 0.01, 0.01, 0.012, 0.012, 0.035, 0.035, 0.026, 0.026, 0.02, 0.02]
    fractions += [0.06, 0.06, 0.036, 0.036, 0.026, 0.026, 0.045, 0.02]
    return np.array(fractions) * proportions.stature * np.sqrt(proportions.girth)
