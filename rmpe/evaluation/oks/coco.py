"""COCO keypoint scores (https://cocodataset.org/#keypoints-eval) by pycocotools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmpe._door import extra_module
from rmpe.datasets.coco_document import CocoDocument
from rmpe.evaluation.oks._files import read_annotations, read_predictions
from rmpe.evaluation.oks.scores import (
    OksScores,
    collect_scores,
    mean_precision,
    mean_recall,
)
from rmpe.skeletons import COCO_17, Skeleton

if TYPE_CHECKING:
    from rmpe.evaluation.oks._engine import OksEvaluation

# Name, is it a precision, threshold, place of the size in all / medium / large.
_FIGURES: tuple[tuple[str, bool, float | None, int], ...] = (
    ("AP", True, None, 0),
    ("AP50", True, 0.5, 0),
    ("AP75", True, 0.75, 0),
    ("AP_M", True, None, 1),
    ("AP_L", True, None, 2),
    ("AR", False, None, 0),
    ("AR50", False, 0.5, 0),
    ("AR75", False, 0.75, 0),
    ("AR_M", False, None, 1),
    ("AR_L", False, None, 2),
)
_SIZES = ("all", "medium", "large")


def evaluate_coco(
    annotations: str | Path | Mapping[str, Any] | CocoDocument,
    predictions: str | Path | Sequence[Mapping[str, Any]],
    skeleton: Skeleton = COCO_17,
) -> OksScores:
    """Return the COCO keypoint scores of results.

    Args:
        annotations: ``person_keypoints_*.json`` or its document; what it lacks is filled in, and
            a broken annotation is left out and named in the scores.
        predictions: COCO results, a file or a list.
        skeleton: joints and sigmas of both; COCO's own by default.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a document is malformed, or pycocotools (extra ``eval``) is missing.
    """
    engine_module = extra_module("rmpe.evaluation.oks._engine", "eval", "this score", "pycocotools")
    truth = read_annotations(annotations, skeleton)
    results, notes = read_predictions(predictions, truth, skeleton.joint_count)
    engine = engine_module.run_oks_evaluation(truth.document, results, skeleton.sigmas)
    stats = {
        name: (mean_precision if is_precision else mean_recall)(engine, threshold, size)
        for name, is_precision, threshold, size in _FIGURES
    }
    table = coco_table(engine, stats)
    said = (*truth.notes, *notes)
    return collect_scores(engine, skeleton, skeleton.sigmas, stats, table, truth.skipped, said)


def coco_table(engine: OksEvaluation, stats: Mapping[str, float]) -> list[str]:
    """Return pycocotools' ten lines."""
    return [
        table_line(
            is_precision,
            threshold,
            f"area={_SIZES[size]:>6s}",
            engine.params.maxDets[0],
            stats[name],
        )
        for name, is_precision, threshold, size in _FIGURES
    ]


def table_line(
    is_precision: bool, threshold: float | None, subset: str, max_people: int, value: float
) -> str:
    """Return one line in pycocotools' layout."""
    title = "Average Precision" if is_precision else "Average Recall"
    kind = "(AP)" if is_precision else "(AR)"
    oks = "0.50:0.95" if threshold is None else f"{threshold:0.2f}"
    conditions = f"IoU={oks:<9} | {subset} | maxDets={max_people:>3d}"
    return f" {title:<18} {kind} @[ {conditions} ] = {value:0.3f}"
