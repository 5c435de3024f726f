"""The angles that the page can measure of a skeleton, as numbers that its script works with."""

from __future__ import annotations

from typing import Any

from rmpe.kinematics.angles import ANGLES, ahead_pairs
from rmpe.kinematics.trajectories import joint_places
from rmpe.skeletons import Skeleton


def page_angles(skeleton: Skeleton) -> dict[str, Any]:
    """Return the angles of a skeleton, and the joints that say where people look.

    A joint is the list of places whose mean it is: one, or two for a neck or pelvis that the
    skeleton lacks.
    """

    def joint(name: str) -> list[int]:
        return list(joint_places(skeleton.joints, name))

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
    pairs = ahead_pairs(lambda back, front: bool(joint(back) and joint(front)))
    ahead = [[joint(back), joint(front)] for back, front in pairs]
    return {"angles": angles, "ahead": ahead}
