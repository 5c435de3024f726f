"""One pose a person: parametric pose-NMS, OKS-NMS, and the fitting of the parameters."""

from __future__ import annotations

from rmpe.pose_nms.parameters import (
    ALPHAPOSE,
    PAPER,
    PARAMETER_SETS,
    RMPE,
    WHOLE_BODY_HEATMAP,
    WHOLE_BODY_REGRESSION,
    PoseNmsParameters,
    get_parameters,
    load_parameters,
    save_parameters,
)
from rmpe.pose_nms.suppress import Suppression, pose_nms, suppress

__all__ = [
    "ALPHAPOSE",
    "PAPER",
    "PARAMETER_SETS",
    "RMPE",
    "WHOLE_BODY_HEATMAP",
    "WHOLE_BODY_REGRESSION",
    "PoseNmsParameters",
    "Suppression",
    "get_parameters",
    "load_parameters",
    "pose_nms",
    "save_parameters",
    "suppress",
]
