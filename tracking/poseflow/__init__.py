"""PoseFlow by its published similarity: ``linking`` runs it, frame after frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from tracking.poseflow.assignment import give_ids
    from tracking.poseflow.linking import Linker
    from tracking.poseflow.memory import Memory

__all__ = ["Linker", "Memory", "give_ids"]

# ``tracking.reidentification`` needs the memory and is needed by the linker.
__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Linker": "tracking.poseflow.linking",
        "Memory": "tracking.poseflow.memory",
        "give_ids": "tracking.poseflow.assignment",
    },
)
