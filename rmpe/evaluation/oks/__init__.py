"""Average precision by object keypoint similarity: the rules of COCO and of CrowdPose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.evaluation.oks.coco import evaluate_coco
    from rmpe.evaluation.oks.crowdpose import evaluate_crowdpose
    from rmpe.evaluation.oks.scores import JointScore, OksScores, PersonScore

__all__ = [
    "JointScore",
    "OksScores",
    "PersonScore",
    "evaluate_coco",
    "evaluate_crowdpose",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "JointScore": "rmpe.evaluation.oks.scores",
        "OksScores": "rmpe.evaluation.oks.scores",
        "PersonScore": "rmpe.evaluation.oks.scores",
        "evaluate_coco": "rmpe.evaluation.oks.coco",
        "evaluate_crowdpose": "rmpe.evaluation.oks.crowdpose",
    },
)
