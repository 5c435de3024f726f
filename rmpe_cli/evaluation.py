"""Scoring: `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from rmpe_cli import building
from rmpe_cli.options import EstimatorChoices, option, takes
from rmpe_cli.options.fields import UNSEEN
from rmpe_cli.options.places import NEW, THERE, delivered
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.datasets.coco_document import AnnotationChoices
    from rmpe.evaluation.outcomes import Evaluation

Dataset = Literal["coco", "crowdpose", "mpii", "posetrack", "lsp", "mot"]


@dataclass(frozen=True)
class EvaluationChoices:
    """What is scored against what, and where the figures go."""

    annotations: Path = option("--annotations", "--truth", type=THERE, help="The truth.")
    predictions: Path | None = option(
        "--predictions", default=None, type=THERE, help="Stored poses to score."
    )
    images: Path | None = option(
        "--images", default=None, type=THERE, help="Pictures to find the poses in."
    )
    detect: bool = option(
        "--detect",
        default=False,
        is_flag=True,
        help="Find people with the detector; otherwise the annotated boxes are taken.",
    )
    json_file: Path | None = option(
        "--json", default=None, type=NEW, help="Write every figure into this file."
    )
    report: Path | None = option(
        "--report", default=None, type=NEW, help="Write a page of curves and failures here."
    )
    head_boxes: Path | None = option(
        "--head-boxes", default=None, type=THERE, help="MPII: its gt_valid.mat."
    )
    held_out: bool = option(
        "--held-out",
        default=False,
        is_flag=True,
        help="LSP: score the rows marked as held out alone.",
    )
    tracking: bool = option(
        "--tracking/--no-tracking",
        default=True,
        show_default=False,
        help="PoseTrack: score identities (MOTA) too, which is the default.",
    )
    same_people: Path | None = option(
        "--people",
        default=None,
        type=THERE,
        help="MOT: text file with the true ids of one person a line.",
    )
    skeleton: str | None = option(
        "--skeleton", default=None, help="COCO: joints of the annotation, instead of its own names."
    )
    joints: str | None = option(
        "--joints",
        default=None,
        help="COCO: what joints of the annotation are called here: lk=left_knee,rk=right_knee.",
    )
    category: str | None = option(
        "--category",
        default=None,
        help="COCO: name or id of the people's category, where several have keypoints.",
    )
    resume: Path | None = option(
        "--resume", default=None, type=UNSEEN, help="File to keep results in and to go on from."
    )

    def annotation_choices(self) -> AnnotationChoices | None:
        """Return how a COCO annotation is to be read; None as it says itself."""
        from rmpe.datasets.coco_document import AnnotationChoices
        from rmpe.skeletons import get_skeleton

        if not (self.skeleton or self.joints or self.category):
            return None
        pairs = [pair.partition("=") for pair in (self.joints or "").split(",") if pair.strip()]
        if not all(own.strip() and name.strip() for own, _, name in pairs):
            raise click.UsageError(f"--joints is {self.joints!r}, needed are pairs: a=b,c=d")
        with wrong_use():
            return AnnotationChoices(
                skeleton=get_skeleton(self.skeleton) if self.skeleton else None,
                joints={own.strip(): name.strip() for own, _, name in pairs},
                category=self.category,
            )


SCORED_BOXES = 0.15
"""Boxes from this score on are scored: average precision asks for everybody, in the right order."""


@click.command(context_settings={"default_map": {"min_score": 0.0, "box_score": SCORED_BOXES}})
@click.argument("dataset", type=click.Choice(get_args(Dataset)))
@takes(scoring=EvaluationChoices, estimator=EstimatorChoices)
def evaluate(dataset: Dataset, scoring: EvaluationChoices, estimator: EstimatorChoices) -> None:
    """Score stored poses, or an estimator on pictures, by a data set's own rules.

    With both --predictions and --images the pictures are only for the report.
    """
    from rmpe.evaluation import outcomes
    from rmpe.formats.outputs import check_outputs

    if scoring.predictions is None and scoring.images is None:
        raise click.UsageError("give --predictions, or --images to find the poses in")
    if dataset == "mot" and scoring.predictions is None:
        raise click.UsageError("mot scores identities that are stored: give --predictions")
    if scoring.annotation_choices() is not None and dataset != "coco":
        raise click.UsageError("--skeleton, --joints and --category are about coco annotations")
    if scoring.report and dataset in ("posetrack", "mot"):
        raise click.UsageError("--report draws coco, crowdpose, mpii and lsp scores")
    written = [path for path in (scoring.json_file, scoring.report) if path]
    read = [path for path in (scoring.annotations, scoring.predictions, scoring.resume) if path]
    with wrong_use():
        check_outputs(written, read, overwrite=True)
    result = _scored(dataset, scoring, estimator)
    for line in result.skipped:
        click.echo(f"skipped: {line}", err=True)
    for line in result.notes:
        click.echo(f"note: {line}", err=True)
    click.echo("\n".join([*result.table, *result.breakdown]))
    with delivered(written, read, overwrite=True):
        if scoring.json_file:
            outcomes.write_json(result, scoring.json_file)
        if scoring.report:
            from rmpe.evaluation.page import write_report

            write_report(scoring.report, result, scoring.annotations, scoring.images)


def _scored(
    dataset: Dataset, scoring: EvaluationChoices, estimator: EstimatorChoices
) -> Evaluation:
    """Return the figures of stored poses if some are given, else of the estimator."""
    from rmpe.evaluation import runs

    if scoring.predictions is not None:
        return runs.evaluate_predictions(
            dataset,
            scoring.annotations,
            scoring.predictions,
            tracking=scoring.tracking,
            held_out=scoring.held_out,
            head_boxes=scoring.head_boxes,
            same_people=scoring.same_people,
            choices=scoring.annotation_choices(),
        )
    return runs.evaluate_images(
        dataset,
        scoring.annotations,
        scoring.images or "",
        building.build_estimator(estimator, 0, detect=scoring.detect),
        boxes=building.given_boxes(estimator),
        annotated_boxes=not scoring.detect,
        head_boxes=scoring.head_boxes,
        progress_file=scoring.resume,
        held_out=scoring.held_out,
        choices=scoring.annotation_choices(),
    )
