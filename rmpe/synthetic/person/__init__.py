"""One articulated person: body, clothes, poses and motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.synthetic.person.appearance import Appearance, random_appearance
    from rmpe.synthetic.person.body import BodyPose, Placement, Proportions
    from rmpe.synthetic.person.motion import Gait, StayPut, WalkAlong
    from rmpe.synthetic.person.people import PersonModel
    from rmpe.synthetic.person.poses import random_placement

__all__ = [
    "Appearance",
    "BodyPose",
    "Gait",
    "PersonModel",
    "Placement",
    "Proportions",
    "StayPut",
    "WalkAlong",
    "random_appearance",
    "random_placement",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Appearance": "rmpe.synthetic.person.appearance",
        "BodyPose": "rmpe.synthetic.person.body",
        "Gait": "rmpe.synthetic.person.motion",
        "PersonModel": "rmpe.synthetic.person.people",
        "Placement": "rmpe.synthetic.person.body",
        "Proportions": "rmpe.synthetic.person.body",
        "StayPut": "rmpe.synthetic.person.motion",
        "WalkAlong": "rmpe.synthetic.person.motion",
        "random_appearance": "rmpe.synthetic.person.appearance",
        "random_placement": "rmpe.synthetic.person.poses",
    },
)
