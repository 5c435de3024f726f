"""Published checkpoints: catalogue, download, recognition and loading."""

from __future__ import annotations

from rmpe.zoo.bundled import load_bundled_pose
from rmpe.zoo.conventions import Conventions
from rmpe.zoo.loading import LoadedNetwork, from_state_dict, load
from rmpe.zoo.meaning import LoadChoices

__all__ = [
    "Conventions",
    "LoadChoices",
    "LoadedNetwork",
    "from_state_dict",
    "load",
    "load_bundled_pose",
]
