"""PoseTrack's figures as poseval counts them: AP, MOTA, and the like of identities."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmpe.evaluation.posetrack.scores import (
        PoseTrackScores,
        evaluate_posetrack,
        evaluate_posetrack_folders,
        read_posetrack_folder,
    )

_HOMES = {
    "evaluate_posetrack": "rmpe.evaluation.posetrack.scores",
    "evaluate_posetrack_folders": "rmpe.evaluation.posetrack.scores",
    "PoseTrackScores": "rmpe.evaluation.posetrack.scores",
    "read_posetrack_folder": "rmpe.evaluation.posetrack.scores",
}

__all__ = [
    "PoseTrackScores",
    "evaluate_posetrack",
    "evaluate_posetrack_folders",
    "read_posetrack_folder",
]


def __getattr__(name: str) -> Any:
    """Load a name the first time it is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rmpe.evaluation.posetrack' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
