"""Published checkpoints: catalogue, download, recognition and loading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door
from rmpe.zoo.conventions import Conventions
from rmpe.zoo.meaning import LoadChoices

if TYPE_CHECKING:
    from rmpe.zoo.bundled import load_bundled_pose
    from rmpe.zoo.loading import LoadedNetwork, from_state_dict, load, load_detector

__all__ = [
    "Conventions",
    "LoadChoices",
    "LoadedNetwork",
    "from_state_dict",
    "load",
    "load_bundled_pose",
    "load_detector",
]

# These need torch.
__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "LoadedNetwork": "rmpe.zoo.loading",
        "from_state_dict": "rmpe.zoo.loading",
        "load": "rmpe.zoo.loading",
        "load_bundled_pose": "rmpe.zoo.bundled",
        "load_detector": "rmpe.zoo.loading",
    },
)
