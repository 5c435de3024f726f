"""Which colour a limb, a joint or a person has."""

from __future__ import annotations

import colorsys
from functools import lru_cache
from typing import Literal, get_args

from rmpe.skeletons import Skeleton

Colour = tuple[int, int, int]
Palette = Literal["parts", "ids", "openpose"]
PALETTES: tuple[str, ...] = get_args(Palette)

OUTLINE: Colour = (24, 24, 24)
LEFT: Colour = (40, 150, 255)
RIGHT: Colour = (255, 190, 50)
MIDDLE: Colour = (110, 245, 150)
NO_ID: Colour = (200, 200, 200)
FACE: Colour = (255, 255, 255)
FINGERS: tuple[Colour, ...] = (
    *((80, 80, 255), (60, 220, 255), (90, 255, 90), (255, 160, 60), (255, 90, 230)),
)
"""Thumb to little finger; the palm's own joint has the side's colour."""

# OpenPose draws its 18 joints round the colour circle in steps of 20 degrees, red first, in this
# order; a limb has the colour of the joint it leads to.
_OPENPOSE_ORDER = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear"),
)


@lru_cache(maxsize=4096)
def colour_of_id(identity: int) -> Colour:
    """BGR colour of an identity, always the same one; ids that follow each other differ in hue.

    Id 0, nobody in particular, is grey.
    """
    if identity <= 0:
        return NO_ID
    # Steps of the golden ratio spread any number of hues evenly round the circle.
    hue = (0.02 + 0.61803398875 * (identity - 1)) % 1.0
    value = (1.0, 0.82)[(identity // 5) % 2]
    return _bgr(hue, (0.75, 0.55)[(identity // 3) % 2], value)


def joint_colours(skeleton: Skeleton, palette: Palette, identity: int) -> list[Colour]:
    """Return the colour of every joint of a person, K of them."""
    if palette == "ids":
        return [colour_of_id(identity)] * skeleton.joint_count
    return list(_fixed_colours(skeleton, palette))


@lru_cache(maxsize=64)
def _fixed_colours(skeleton: Skeleton, palette: Palette) -> tuple[Colour, ...]:
    if palette == "parts":
        return tuple(_colour_of_part(name) for name in skeleton.joints)
    return tuple(
        _bgr(_OPENPOSE_ORDER.index(name) / 18.0, 1.0, 1.0) if name in _OPENPOSE_ORDER else NO_ID
        for name in skeleton.joints
    )


def is_fine(joint: str) -> bool:
    """Return whether a joint is one of many that lie close together: of a face or a hand."""
    return joint.startswith("face_") or "hand_" in joint or joint.endswith("_pupil")


@lru_cache(maxsize=64)
def fine_joints(skeleton: Skeleton) -> tuple[bool, ...]:
    """Return for every joint whether it is drawn fine: those of faces and hands, and the body's
    eyes and ears where they lie among a face's points."""
    has_face = any(joint.startswith("face_") for joint in skeleton.joints)
    return tuple(
        is_fine(joint) or (has_face and joint.endswith(("_eye", "_ear")))
        for joint in skeleton.joints
    )


def _colour_of_part(joint: str) -> Colour:
    if is_fine(joint) and "hand_" not in joint:
        return FACE
    _, of_hand, number = joint.partition("hand_")
    if of_hand and number.isdigit() and int(number):
        return FINGERS[(int(number) - 1) // 4 % len(FINGERS)]
    return {"left": LEFT, "righ": RIGHT}.get(joint[:4], MIDDLE)


def limb_colours(skeleton: Skeleton, palette: Palette, identity: int) -> list[Colour]:
    """Return the colour of every limb of a person.

    With ``parts`` a limb between a middle joint and a side has the side's colour, one across the
    body the middle's, one of a hand its finger's; with ``openpose`` a limb has the colour of its
    farther joint.
    """
    joints = joint_colours(skeleton, palette, identity)
    colours = []
    for first, second in skeleton.limbs:
        fine = is_fine(skeleton.joints[second])
        if palette == "parts" and not fine and joints[first] != joints[second]:
            sides = {joints[first], joints[second]} - {MIDDLE}
            colours.append(sides.pop() if len(sides) == 1 else MIDDLE)
        else:
            colours.append(joints[second])
    return colours


def _bgr(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * blue), round(255 * green), round(255 * red)
