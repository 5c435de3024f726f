"""Poses over time: who is who across frames, without learning.

``OnlineTracker`` runs one of two ways from frame to frame. ``following``, the default, compares
bodies that move (``kalman``, ``tracks``) by likelihoods (``likelihood``). ``poseflow`` is the
published similarity, for ``POSEFLOW_REFERENCE``. Both use ``matching`` (features and their matches)
and ``reidentification`` (who comes back, by the ``appearance``). ``offline`` does a whole clip,
with the ``flows``; ``smooth`` is optional and comes after.
"""

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
