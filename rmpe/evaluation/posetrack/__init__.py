"""PoseTrack's figures as poseval counts them: AP, MOTA, and the like of identities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.evaluation.posetrack.scores import (
        PoseTrackScores,
        evaluate_posetrack,
        evaluate_posetrack_folders,
        read_posetrack_folder,
    )

__all__ = [
    "PoseTrackScores",
    "evaluate_posetrack",
    "evaluate_posetrack_folders",
    "read_posetrack_folder",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "PoseTrackScores": "rmpe.evaluation.posetrack.scores",
        "evaluate_posetrack": "rmpe.evaluation.posetrack.scores",
        "evaluate_posetrack_folders": "rmpe.evaluation.posetrack.scores",
        "read_posetrack_folder": "rmpe.evaluation.posetrack.scores",
    },
)
