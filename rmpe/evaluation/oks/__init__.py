"""Average precision by object keypoint similarity: the rules of COCO and of CrowdPose."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmpe.evaluation.oks.coco import evaluate_coco
    from rmpe.evaluation.oks.crowdpose import evaluate_crowdpose
    from rmpe.evaluation.oks.scores import JointScore, OksScores, PersonScore

_HOMES = {
    "evaluate_coco": "rmpe.evaluation.oks.coco",
    "evaluate_crowdpose": "rmpe.evaluation.oks.crowdpose",
    "OksScores": "rmpe.evaluation.oks.scores",
    "PersonScore": "rmpe.evaluation.oks.scores",
    "JointScore": "rmpe.evaluation.oks.scores",
}

__all__ = [
    "JointScore",
    "OksScores",
    "PersonScore",
    "evaluate_coco",
    "evaluate_crowdpose",
]


def __getattr__(name: str) -> Any:
    """Load a name the first time it is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rmpe.evaluation.oks' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
