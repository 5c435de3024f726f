"""Arms, hands, legs and feet as meshes over a posed body."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.appearance import Appearance, fold_shade, top_colours
from rmpe.synthetic.person.body import (
    ANKLE_HEIGHT,
    FOOT_LENGTH,
    HAND,
    UPPER_ARM,
    PosedBody,
    Proportions,
    Segment,
)
from rmpe.synthetic.person.mesh import (
    Mesh,
    bent_tube,
    loft,
    resample,
    ring_angles,
    shell,
    straight_tube,
)

FloatArray = npt.NDArray[np.float64]

# Rows: place along the limb (0 upper joint, 1 middle joint, 2 lower joint), half-width,
# half-depth; fractions of stature.
ARM_PROFILE: list[tuple[float, ...]] = [
    (-0.080, 0.004, 0.006),
    (-0.062, 0.017, 0.020),
    (-0.020, 0.026, 0.029),
    (0.06, 0.0320, 0.0345),
    (0.18, 0.0330, 0.0350),
    (0.40, 0.0285, 0.0310),
    (0.68, 0.0245, 0.0275),
    (0.88, 0.0225, 0.0245),
    (1.00, 0.0230, 0.0230),
    (1.12, 0.0255, 0.0240),
    (1.30, 0.0250, 0.0235),
    (1.55, 0.0205, 0.0190),
    (1.80, 0.0160, 0.0140),
    (1.97, 0.0150, 0.0120),
    (2.05, 0.0140, 0.0110),
]
LEG_PROFILE: list[tuple[float, ...]] = [
    (-0.16, 0.030, 0.036),
    (-0.06, 0.047, 0.054),
    (0.05, 0.0530, 0.0590),
    (0.25, 0.0510, 0.0560),
    (0.50, 0.0450, 0.0490),
    (0.75, 0.0375, 0.0400),
    (0.92, 0.0335, 0.0350),
    (1.00, 0.0325, 0.0345),
    (1.10, 0.0310, 0.0330),
    (1.28, 0.0325, 0.0350),
    (1.50, 0.0290, 0.0310),
    (1.75, 0.0220, 0.0235),
    (1.92, 0.0195, 0.0210),
    (2.02, 0.0195, 0.0220),
    (2.10, 0.0170, 0.0220),
]
HAND_PROFILE: list[tuple[float, ...]] = [
    (-0.04, 0.0120, 0.0150),
    (0.15, 0.0100, 0.0210),
    (0.35, 0.0100, 0.0250),
    (0.52, 0.0090, 0.0235),
    (0.75, 0.0080, 0.0195),
    (0.92, 0.0065, 0.0145),
    (1.00, 0.0030, 0.0080),
]
ARM_RINGS, LEG_RINGS = 30, 34
ARM_SEGMENTS, LEG_SEGMENTS, SMALL_SEGMENTS = 12, 14, 8


def arm_mesh(
    body: PosedBody, proportions: Proportions, appearance: Appearance, which: int
) -> list[Mesh]:
    """Arm with its sleeve, hand and thumb; `which` is 0 left, 1 right."""
    stature = proportions.stature
    upper, fore, hand = body.arms[which]
    side = 1.0 if which == 0 else -1.0
    profile = _scaled(resample(ARM_PROFILE, ARM_RINGS), proportions)
    sleeve = appearance.sleeve
    place = (profile[:-1, 0] + profile[1:, 0]) / 2.0
    covered = place < sleeve
    cloth = profile[:, 0] < sleeve + 0.03
    profile[cloth, 1:] *= appearance.looseness
    angles = ring_angles(ARM_SEGMENTS)
    along = np.clip(place, 0.0, 2.0)[:, None] * UPPER_ARM * stature + 0.04
    sleeve_colours = top_colours(appearance, np.broadcast_to(angles, (1, ARM_SEGMENTS)), along)
    if appearance.top_pattern == "print":
        sleeve_colours = np.broadcast_to(np.array(appearance.top), sleeve_colours.shape)
    folds = fold_shade((ARM_RINGS - 1, ARM_SEGMENTS), appearance.fold_seed + which, 0.09)
    colours = np.where(
        covered[:, None, None], sleeve_colours * folds[..., None], np.array(appearance.skin)
    )
    rings = bent_tube(
        (upper.origin, fore.origin, hand.origin),
        (upper.axes[:, 0], fore.axes[:, 0]),
        profile,
        0.16,
    )
    return [loft(rings, colours), *_hand(hand, proportions, appearance, side)]


def _hand(
    hand: Segment, proportions: Proportions, appearance: Appearance, side: float
) -> list[Mesh]:
    stature = proportions.stature
    length = HAND * stature * proportions.arm_scale
    skin = np.array(appearance.skin)
    profile = resample(HAND_PROFILE, 9)
    profile[:, 1:] *= stature
    tip = hand.point((0.0, -length, 0.0))
    palm = straight_tube(hand.origin, tip, hand.axes[:, 0], profile)
    shades = np.ones((8, SMALL_SEGMENTS, 1))
    shades[4:, ::2] = 0.86
    thumb_begin = hand.point((-side * 0.002 * stature, -0.18 * length, 0.017 * stature))
    thumb_end = hand.point((-side * 0.008 * stature, -0.60 * length, 0.034 * stature))
    thumb_profile = np.array(
        [[0.0, 0.008, 0.009], [0.5, 0.0075, 0.008], [0.9, 0.006, 0.006], [1.0, 0.002, 0.002]]
    )
    thumb_profile[:, 1:] *= stature
    thumb = straight_tube(thumb_begin, thumb_end, hand.axes[:, 0], thumb_profile)
    return [loft(palm, shades * skin), loft(thumb, np.ones((3, 6, 1)) * skin)]


def leg_mesh(
    body: PosedBody, proportions: Proportions, appearance: Appearance, which: int
) -> list[Mesh]:
    """Leg with its trouser, and the shoe; `which` is 0 left, 1 right."""
    thigh, shank, foot = body.legs[which]
    profile = _scaled(resample(LEG_PROFILE, LEG_RINGS), proportions)
    place = (profile[:-1, 0] + profile[1:, 0]) / 2.0
    ends = {"trousers": 1.97, "shorts": 0.82, "skirt": 0.3, "dress": 0.3, "coat": 1.97}
    end = ends[appearance.bottoms]
    cloth = (profile[:, 0] < end + 0.03) & (profile[:, 0] > 0.0)
    profile[cloth, 1:] *= appearance.looseness
    if end > 1.5:
        hem = np.clip((profile[:, 0] - 1.3) / 0.6, 0.0, 1.0) * (profile[:, 0] < end + 0.03)
        profile[:, 1:] *= 1.0 + hem[:, None] * (appearance.looseness - 0.9)
    folds = fold_shade((LEG_RINGS - 1, LEG_SEGMENTS), appearance.fold_seed + 7 + which, 0.09)
    colours = np.where(
        (place < end)[:, None, None],
        folds[..., None] * np.array(appearance.bottom),
        np.array(appearance.skin),
    )
    rings = bent_tube(
        (thigh.origin, shank.origin, foot.origin),
        (thigh.axes[:, 0], shank.axes[:, 0]),
        profile,
        0.14,
    )
    return [loft(rings, colours), _shoe(foot, proportions, appearance)]


def _shoe(foot: Segment, proportions: Proportions, appearance: Appearance) -> Mesh:
    stature = proportions.stature
    heel, length = -0.26 * FOOT_LENGTH * stature, FOOT_LENGTH * stature * 1.08
    # Place from heel to toe, half-width, height of the upper's top above the sole, both as
    # fractions of stature.
    rows = resample(
        [
            (0.0, 0.008, 0.030),
            (0.03, 0.020, 0.040),
            (0.15, 0.024, 0.050),
            (0.32, 0.024, 0.050),
            (0.45, 0.026, 0.042),
            (0.65, 0.030, 0.031),
            (0.85, 0.029, 0.024),
            (0.96, 0.022, 0.018),
            (1.0, 0.008, 0.010),
        ],
        14,
    )
    height = rows[:, 2] * stature
    centres = np.stack(
        [np.zeros(14), -ANKLE_HEIGHT * stature + height / 2.0, heel + rows[:, 0] * length], axis=1
    )
    angles = np.arange(10) * 2.0 * np.pi / 10
    across, above = np.cos(angles), np.sin(angles)
    above = np.where(above < -0.3, -1.0, above)
    offsets = np.stack(
        [
            rows[:, 1:2] * stature * across,
            height[:, None] / 2.0 * above,
            np.zeros((14, 10)),
        ],
        axis=2,
    )
    points = foot.point(centres[:, None] + offsets)
    colours = np.tile(np.array(appearance.shoes), (13, 10, 1))
    colours[:, (angles > np.pi * 1.05) & (angles < np.pi * 1.9)] = appearance.sole
    folds = fold_shade((13, 10), appearance.fold_seed + 3, 0.06)
    return shell(points, foot.point(centres), colours * folds[..., None])


def _scaled(profile: FloatArray, proportions: Proportions) -> FloatArray:
    scaled = profile.copy()
    scaled[:, 1:] *= proportions.stature * np.sqrt(proportions.girth)
    return scaled
