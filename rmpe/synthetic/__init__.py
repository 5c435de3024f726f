"""Articulated people rendered with known boxes, joints and ids; scenes; clips."""

from rmpe.synthetic.person.people import PersonModel
from rmpe.synthetic.world.clips import (
    crossing_scene,
    crowd_scene,
    walkers_scene,
    write_clip,
)
from rmpe.synthetic.world.pictures import random_people_picture, random_pose_picture
from rmpe.synthetic.world.scenes import Actor, Scene, SyntheticFrame

__all__ = [
    "Actor",
    "PersonModel",
    "Scene",
    "SyntheticFrame",
    "crossing_scene",
    "crowd_scene",
    "random_people_picture",
    "random_pose_picture",
    "walkers_scene",
    "write_clip",
]
