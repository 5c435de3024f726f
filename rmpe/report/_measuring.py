"""The angles that the page can measure of a skeleton, as numbers that its script works with."""

from __future__ import annotations

from typing import Any

from rmpe.kinematics import ANGLES
from rmpe.skeletons import Skeleton

_MIDDLES = {
    "neck": ("left_shoulder", "right_shoulder"),
    "pelvis": ("left_hip", "right_hip"),
}


def page_angles(skeleton: Skeleton) -> dict[str, Any]:
    """Return the angles of a skeleton, and the joints that say where people look.

    A joint is the list of places whose mean it is: one, or two for a neck or pelvis that the
    skeleton lacks.
    """

    def joint(name: str) -> list[int]:
        names = (name,) if name in skeleton.joints else _MIDDLES.get(name, ())
        found = [skeleton.joints.index(each) for each in names if each in skeleton.joints]
        return found if len(found) == len(names) else []

    angles = []
    for angle in ANGLES:
        joints = [joint(name) for name in angle.joints]
        if not all(joints):
            continue
        angles.append(
            {
                "name": angle.name + (" (segment)" if angle.kind == "segment_angle" else ""),
                "joints": joints,
                "offset": angle.offset_deg,
                "sign": angle.sign,
                "period": 180 if angle.axis else 360,
            }
        )
    feet = [(f"{side}_heel", f"{side}_big_toe") for side in ("left", "right")]
    ears = [(f"{side}_ear", "nose") for side in ("left", "right")]
    for pairs in (feet, ears, [("neck", "nose")]):
        ahead = [[joint(back), joint(front)] for back, front in pairs]
        if all(back and front for back, front in ahead):
            return {"angles": angles, "ahead": ahead}
    return {"angles": angles, "ahead": []}
