"""Poses over time: who is who across frames, without learning.

``OnlineTracker`` runs one of two ways from frame to frame. ``following``, the default, compares
bodies that move (``kalman``, ``tracks``) by likelihoods (``likelihood``). ``poseflow`` is the
published similarity, for ``POSEFLOW_REFERENCE``. Both use ``matching`` (features and their matches)
and ``reidentification`` (who comes back, by the ``appearance``). ``offline`` does a whole clip,
with the ``flows``; ``smooth`` is optional and comes after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from tracking.flows.nms import FlowParameters
    from tracking.offline import refine_tracks, track_clip
    from tracking.online import OnlineTracker
    from tracking.parameters import DEFAULT, TrackerParameters
    from tracking.poseflow.parameters import POSEFLOW_REFERENCE, PoseFlowParameters
    from tracking.smooth import OneEuroSmoother

__all__ = [
    "DEFAULT",
    "POSEFLOW_REFERENCE",
    "FlowParameters",
    "OneEuroSmoother",
    "OnlineTracker",
    "PoseFlowParameters",
    "TrackerParameters",
    "refine_tracks",
    "track_clip",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "DEFAULT": "tracking.parameters",
        "POSEFLOW_REFERENCE": "tracking.poseflow.parameters",
        "FlowParameters": "tracking.flows.nms",
        "OneEuroSmoother": "tracking.smooth",
        "OnlineTracker": "tracking.online",
        "PoseFlowParameters": "tracking.poseflow.parameters",
        "TrackerParameters": "tracking.parameters",
        "refine_tracks": "tracking.offline",
        "track_clip": "tracking.offline",
    },
)
