"""One pose a person: parametric pose-NMS, OKS-NMS, and the fitting of the parameters.

The parameter sets are in :mod:`rmpe.pose_nms.parameters`, their fitting in
:mod:`rmpe.pose_nms.learn`, the scores of whole poses in :mod:`rmpe.pose_nms.rescoring`.
"""

from __future__ import annotations

from rmpe.pose_nms._oks_nms import oks_nms, pose_similarity
from rmpe.pose_nms._suppress import pose_nms, suppress
from rmpe.pose_nms.choice import NmsRule, OksNmsParameters, apply_nms, choose_nms
from rmpe.pose_nms.parameters import ALPHAPOSE, PoseNmsParameters

__all__ = [
    "ALPHAPOSE",
    "NmsRule",
    "OksNmsParameters",
    "PoseNmsParameters",
    "apply_nms",
    "choose_nms",
    "oks_nms",
    "pose_nms",
    "pose_similarity",
    "suppress",
]
