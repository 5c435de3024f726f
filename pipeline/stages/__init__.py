"""The steps from a frame to its people, each a :class:`~pipeline.engine.stage.Stage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from pipeline.stages.batching import BatchStage
    from pipeline.stages.crop import CropStage
    from pipeline.stages.detect import DetectStage
    from pipeline.stages.estimate import DecodeStage, EstimateStage
    from pipeline.stages.follow import FollowStage
    from pipeline.stages.stored import StoredStage
    from pipeline.stages.suppress import SuppressStage
    from pipeline.stages.track import TrackStage

__all__ = [
    "BatchStage",
    "CropStage",
    "DecodeStage",
    "DetectStage",
    "EstimateStage",
    "FollowStage",
    "StoredStage",
    "SuppressStage",
    "TrackStage",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "BatchStage": "pipeline.stages.batching",
        "CropStage": "pipeline.stages.crop",
        "DecodeStage": "pipeline.stages.estimate",
        "DetectStage": "pipeline.stages.detect",
        "EstimateStage": "pipeline.stages.estimate",
        "FollowStage": "pipeline.stages.follow",
        "StoredStage": "pipeline.stages.stored",
        "SuppressStage": "pipeline.stages.suppress",
        "TrackStage": "pipeline.stages.track",
    },
)
