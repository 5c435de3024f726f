"""Poses over time: who is who across frames, without learning.

The flow of a frame: ``matching`` (features, matches) → ``similarity`` (grades) → ``assignment``
(identities) → ``memory`` (who may return); ``online`` runs it frame by frame, ``offline`` over a
whole clip with flow-NMS.
"""

from tracking.online import OnlineTracker
from tracking.parameters import DEFAULT, POSEFLOW_REFERENCE, FeatureParameters, PoseFlowParameters

__all__ = [
    "DEFAULT",
    "POSEFLOW_REFERENCE",
    "FeatureParameters",
    "OnlineTracker",
    "PoseFlowParameters",
]
