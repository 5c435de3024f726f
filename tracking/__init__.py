"""Poses over time: who is who across frames, without learning.

The way of a frame: ``matching`` (features and their matches) → ``similarity`` (grades) →
``returning`` (who comes back, by the ``appearance``) → ``assignment`` (identities) → ``memory``
(who may return), run by ``linking`` and ``online``; ``offline`` does a whole clip, with flow-NMS.
``smooth`` is optional and comes after.
"""

from tracking.flow_nms import FlowParameters
from tracking.offline import refine_tracks, track_clip
from tracking.online import OnlineTracker
from tracking.parameters import (
    DEFAULT,
    POSEFLOW_REFERENCE,
    FeatureParameters,
    PoseFlowParameters,
    ReturnParameters,
)
from tracking.smooth import OneEuroParameters, OneEuroSmoother

__all__ = [
    "DEFAULT",
    "POSEFLOW_REFERENCE",
    "FeatureParameters",
    "FlowParameters",
    "OneEuroParameters",
    "OneEuroSmoother",
    "OnlineTracker",
    "PoseFlowParameters",
    "ReturnParameters",
    "refine_tracks",
    "track_clip",
]
