"""Scores by each data set's own rules, from files to figures.

``evaluate_predictions`` scores stored poses and ``evaluate_images`` an estimator on pictures; both
give an :class:`Evaluation`. The rooms below hold the rules: ``oks`` (COCO, CrowdPose), ``pck``
(MPII, LSP), ``posetrack`` (AP, MOTA, identity), ``mot`` (HOTA); ``page`` draws a report of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.evaluation.learn_nms import fit_pose_nms
    from rmpe.evaluation.outcomes import Evaluation, write_json
    from rmpe.evaluation.runs import evaluate_images, evaluate_predictions

__all__ = [
    "Evaluation",
    "evaluate_images",
    "evaluate_predictions",
    "fit_pose_nms",
    "write_json",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Evaluation": "rmpe.evaluation.outcomes",
        "evaluate_images": "rmpe.evaluation.runs",
        "evaluate_predictions": "rmpe.evaluation.runs",
        "fit_pose_nms": "rmpe.evaluation.learn_nms",
        "write_json": "rmpe.evaluation.outcomes",
    },
)
