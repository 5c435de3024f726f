"""What every evaluation comes to: printout, figures for a file, and what a page of it needs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rmpe.datasets.coco_document import AnnotationChoices, CocoDocument
from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.evaluation.mot.scores import MotScores
from rmpe.evaluation.oks.coco import evaluate_coco
from rmpe.evaluation.oks.crowdpose import evaluate_crowdpose
from rmpe.evaluation.oks.scores import OksScores
from rmpe.evaluation.pck.lsp import LspTruth, evaluate_lsp, lsp_errors
from rmpe.evaluation.pck.mpii import (
    MpiiTruth,
    evaluate_mpii,
    mpii_errors,
    mpii_joint_scores,
    mpii_table,
)
from rmpe.evaluation.pck.scores import JointErrors
from rmpe.evaluation.posetrack.scores import PoseTrackScores
from rmpe.skeletons import sigma_note

Dataset = Literal["coco", "crowdpose", "mpii", "posetrack", "lsp", "mot"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The figures of one run."""

    dataset: Dataset
    """Whose rules were followed."""
    table: tuple[str, ...]
    """The official printout."""
    document: Mapping[str, Any]
    """Everything for a JSON file."""
    breakdown: tuple[str, ...] = ()
    """Printout by size and by joint, where the official one has none."""
    oks: OksScores | None = None
    """Curves and people of COCO and CrowdPose, for a report."""
    predictions: Sequence[Mapping[str, Any]] = ()
    """COCO results that were scored."""
    skipped: tuple[str, ...] = ()
    """Broken annotations and pictures: one line each."""
    notes: tuple[str, ...] = ()
    """What was guessed or filled in: one line each."""
    choices: AnnotationChoices | None = None
    """How the annotation was read, where that was said."""
    errors: JointErrors | None = None
    """Errors of MPII's and LSP's people, for a report."""
    people: KeypointSet | None = None
    """Those people in the same order, where the annotation names their pictures; paths as named."""


def oks_evaluation(
    dataset: Dataset,
    document: CocoDocument,
    results: Sequence[Mapping[str, Any]],
    skipped: Sequence[str] = (),
    notes: Sequence[str] = (),
    choices: AnnotationChoices | None = None,
) -> Evaluation:
    """Return results scored by the rules of COCO or CrowdPose.

    Args:
        dataset: whose rules to follow.
        document: the annotation.
        results: COCO results in its joints.
        skipped: what else was left out: one line each.
        notes: what else was guessed; empty lines are passed over.
        choices: how the annotation was read.
    """
    if dataset == "crowdpose":
        scores = evaluate_crowdpose(document, results)
    else:
        scores = evaluate_coco(document, results, document.skeleton)
    # What scoring and reading both find is named once.
    skipped = tuple(dict.fromkeys((*skipped, *scores.skipped)))
    sigmas = sigma_note(document.skeleton)
    said = tuple(dict.fromkeys(note for note in (*notes, *scores.notes, sigmas) if note))
    figures = {**scores.to_json(), "skipped": list(skipped), "notes": list(said)}
    if sigmas:
        figures["sigmas"] = dict(zip(document.skeleton.joints, document.skeleton.sigmas))
    return Evaluation(
        dataset,
        scores.table,
        figures,
        tuple(scores.breakdown()),
        scores,
        results,
        skipped,
        notes=said,
        choices=choices,
    )


def mpii_evaluation(
    truth: MpiiTruth,
    predicted: np.ndarray,
    skipped: tuple[str, ...],
    people: KeypointSet | None = None,
) -> Evaluation:
    """Return joints scored by PCKh; ``people`` are those of the truth with their pictures."""
    scores = evaluate_mpii(truth, predicted)
    by_joint = mpii_joint_scores(truth, predicted)
    document = {
        "PCKh": scores,
        "by_joint": {joint: 100 * share for joint, share in by_joint.by_joint.items()},
        "counts": dict(by_joint.counts),
        "people": len(truth.head_sizes),
        "skipped": list(skipped),
    }
    return Evaluation(
        "mpii",
        tuple(mpii_table(scores)),
        document,
        tuple(by_joint.table()[:-1]),
        skipped=skipped,
        errors=mpii_errors(truth, predicted),
        people=people,
    )


def lsp_evaluation(
    truth: LspTruth, predicted: np.ndarray, skipped: tuple[str, ...], people: KeypointSet | None
) -> Evaluation:
    """Return joints scored by PCK@0.2; ``people`` are those of the truth with their pictures."""
    scores = evaluate_lsp(truth, predicted)
    return Evaluation(
        "lsp",
        tuple(scores.table()),
        {**scores.to_json(), "skipped": list(skipped)},
        skipped=skipped,
        errors=lsp_errors(truth, predicted),
        people=people,
    )


def posetrack_evaluation(scores: PoseTrackScores, skipped: tuple[str, ...]) -> Evaluation:
    """Return PoseTrack scores with what was skipped."""
    document = {**scores.to_json(), "skipped": list(skipped)}
    return Evaluation("posetrack", tuple(scores.table()), document, skipped=skipped)


def mot_evaluation(scores: MotScores) -> Evaluation:
    """Return MOTChallenge scores."""
    return Evaluation("mot", tuple(scores.table()), scores.to_json())


def write_json(evaluation: Evaluation, path: str | Path) -> None:
    """Write every figure of an evaluation; what is undefined (NaN) becomes null."""
    document = {"dataset": evaluation.dataset, **evaluation.document}
    text = json.dumps(_without_nan(document), indent=1, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
