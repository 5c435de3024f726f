"""The workshop of the bundled networks: runs on packs that no user has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.training.bundled.detector import train_detector
    from rmpe.training.bundled.detector_recipes import DETECTOR_RECIPES
    from rmpe.training.bundled.pose_people import read_pose_people
    from rmpe.training.bundled.pose_recipes import POSE_RECIPES

__all__ = [
    "DETECTOR_RECIPES",
    "POSE_RECIPES",
    "read_pose_people",
    "train_detector",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "DETECTOR_RECIPES": "rmpe.training.bundled.detector_recipes",
        "POSE_RECIPES": "rmpe.training.bundled.pose_recipes",
        "read_pose_people": "rmpe.training.bundled.pose_people",
        "train_detector": "rmpe.training.bundled.detector",
    },
)
