"""CrowdPose scores: OKS AP with the set's own sigmas and areas, and AP by how crowded it is.

Facts of its public evaluation (Jeff-sjtu/CrowdPose, commit 86fe5e1): the area in OKS is
0.53 · box width · box height; at most 20 people a picture count; easy, medium and hard are pictures
with a crowd index below 0.2, below 0.8 and the rest, each a plain mean over the precision table
that takes undefined entries (-1) in, rounded to four digits. Its printout calls these three
"Recall"; they are precisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rmpe._door import extra_module
from rmpe.datasets.coco_document import CocoDocument
from rmpe.evaluation.oks._files import read_annotations, read_predictions
from rmpe.evaluation.oks.coco import table_line
from rmpe.evaluation.oks.scores import (
    OksScores,
    collect_scores,
    mean_precision,
    mean_recall,
)
from rmpe.skeletons import CROWDPOSE_14

AREA_OF_BOX = 0.53
"""CrowdPose's files have no areas; its evaluation takes this share of the box."""
# Name and range of the crowd index: from the first, up to but not the second.
CROWD_KINDS = (
    ("easy", float("-inf"), 0.2),
    ("medium", 0.2, 0.8),
    ("hard", 0.8, float("inf")),
)


def evaluate_crowdpose(
    annotations: str | Path | Mapping[str, Any] | CocoDocument,
    predictions: str | Path | Sequence[Mapping[str, Any]],
) -> OksScores:
    """Return the CrowdPose scores of results of 14 joints.

    Args:
        annotations: ``crowdpose_*.json`` or its document; pictures carry ``crowdIndex``. A
            broken annotation is left out and named in the scores.
        predictions: COCO results, a file or a list.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a document is malformed, or pycocotools (extra ``eval``) is missing.
    """
    engine_module = extra_module("rmpe.evaluation.oks._engine", "eval", "this score", "pycocotools")
    checked = read_annotations(annotations, CROWDPOSE_14)
    truth = checked.document
    for image in truth["images"]:
        if "crowdIndex" not in image:
            raise ValueError(f"picture {image['id']} has no crowdIndex, CrowdPose files have one")
    truth["annotations"] = [
        {**item, "area": AREA_OF_BOX * item["bbox"][2] * item["bbox"][3]}
        for item in truth["annotations"]
    ]
    results, notes = read_predictions(predictions, checked, CROWDPOSE_14.joint_count)
    engine = engine_module.run_oks_evaluation(truth, results, CROWDPOSE_14.sigmas)
    stats = {
        "AP": mean_precision(engine),
        "AP50": mean_precision(engine, 0.5),
        "AP75": mean_precision(engine, 0.75),
        "AR": mean_recall(engine),
        "AR50": mean_recall(engine, 0.5),
        "AR75": mean_recall(engine, 0.75),
    }
    for kind, low, high in CROWD_KINDS:
        chosen = [i["id"] for i in truth["images"] if low <= i["crowdIndex"] < high]
        stats[f"AP_{kind}"] = -1.0
        if chosen:
            part = engine_module.run_oks_evaluation(
                truth, results, CROWDPOSE_14.sigmas, chosen, False
            )
            stats[f"AP_{kind}"] = round(float(part.eval["precision"].mean()), 4)
    return collect_scores(
        engine,
        CROWDPOSE_14,
        CROWDPOSE_14.sigmas,
        stats,
        _table(stats),
        checked.skipped,
        (*checked.notes, *notes),
    )


def _table(stats: Mapping[str, float]) -> list[str]:
    """Return the nine lines of the set's printout, the last three named for what they are."""
    lines = [
        table_line(kind == "AP", threshold, "area=   all", 20, stats[kind + suffix])
        for kind in ("AP", "AR")
        for suffix, threshold in (("", None), ("50", 0.5), ("75", 0.75))
    ]
    return lines + [
        table_line(True, None, f"type={kind:>6s}", 20, stats[f"AP_{kind}"])
        for kind, _, _ in CROWD_KINDS
    ]
