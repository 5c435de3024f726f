"""One pose a person: parametric pose-NMS, OKS-NMS, and the fitting of the parameters."""

from __future__ import annotations

from rmpe.pose_nms.choice import NMS_NAMES, NmsRule, OksNmsParameters, apply_nms, choose_nms
from rmpe.pose_nms.learn import (
    LearnedParameters,
    ValidationFrame,
    average_precision,
    learn_parameters,
)
from rmpe.pose_nms.oks_nms import hard_order, oks_nms, pose_similarity, soft_order
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
from rmpe.pose_nms.rescoring import (
    SCORE_RULES,
    hrnet_score,
    mspn_score,
    proposal_score,
    rescore,
)
from rmpe.pose_nms.suppress import Suppression, pose_nms, suppress

__all__ = [
    "ALPHAPOSE",
    "NMS_NAMES",
    "PAPER",
    "PARAMETER_SETS",
    "RMPE",
    "SCORE_RULES",
    "WHOLE_BODY_HEATMAP",
    "WHOLE_BODY_REGRESSION",
    "LearnedParameters",
    "NmsRule",
    "OksNmsParameters",
    "PoseNmsParameters",
    "Suppression",
    "ValidationFrame",
    "apply_nms",
    "average_precision",
    "choose_nms",
    "get_parameters",
    "hard_order",
    "hrnet_score",
    "learn_parameters",
    "load_parameters",
    "mspn_score",
    "oks_nms",
    "pose_nms",
    "pose_similarity",
    "proposal_score",
    "rescore",
    "save_parameters",
    "soft_order",
    "suppress",
]
