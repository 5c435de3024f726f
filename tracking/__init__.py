"""Poses over time: who is who across frames, without learning.

The way of a frame in ``following``, which ``online`` runs: ``matching`` (features, their matches)
→ ``kalman`` (where everybody is expected) → ``likelihood`` (who fits whom) → assignment →
``returning`` (who comes back, by the ``appearance``) → ``tracks`` (who may return). ``poseflow`` is
the published way; ``offline`` does a whole clip, with the ``flows``; ``smooth`` comes after.
"""

from tracking.flows.nms import FlowParameters
from tracking.offline import refine_tracks, track_clip
from tracking.online import OnlineTracker
from tracking.parameters import (
    DEFAULT,
    POSEFLOW_EXTENDED,
    POSEFLOW_REFERENCE,
    FeatureParameters,
    PoseFlowParameters,
    ReturnParameters,
    TrackerParameters,
)
from tracking.smooth import OneEuroParameters, OneEuroSmoother

__all__ = [
    "DEFAULT",
    "POSEFLOW_EXTENDED",
    "POSEFLOW_REFERENCE",
    "FeatureParameters",
    "FlowParameters",
    "OneEuroParameters",
    "OneEuroSmoother",
    "OnlineTracker",
    "PoseFlowParameters",
    "ReturnParameters",
    "TrackerParameters",
    "refine_tracks",
    "track_clip",
]
