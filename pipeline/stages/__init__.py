"""The steps from a frame to its people, each a :class:`~pipeline.engine.stage.Stage`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.stages.batching import BatchStage
    from pipeline.stages.crop import CropStage
    from pipeline.stages.detect import DetectStage
    from pipeline.stages.estimate import DecodeStage, EstimateStage
    from pipeline.stages.follow import FollowStage
    from pipeline.stages.stored import StoredStage
    from pipeline.stages.suppress import SuppressStage
    from pipeline.stages.track import TrackStage

_LATER = {
    "BatchStage": "batching",
    "CropStage": "crop",
    "DecodeStage": "estimate",
    "DetectStage": "detect",
    "EstimateStage": "estimate",
    "FollowStage": "follow",
    "StoredStage": "stored",
    "SuppressStage": "suppress",
    "TrackStage": "track",
}

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


def __getattr__(name: str) -> Any:
    """Load a public name the first time it is asked for (PEP 562); two of them load torch."""
    if name not in _LATER:
        raise AttributeError(f"module 'pipeline.stages' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pipeline.stages.{_LATER[name]}"), name)
