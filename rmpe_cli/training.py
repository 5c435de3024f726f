"""Fitting and scoring: `train`, `learn-nms`, `evaluate`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmpe_cli import building
from rmpe_cli.options import estimator_options
from rmpe_cli.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.evaluation.outcomes import Dataset

_RULES = ("tracking", "held_out", "head_boxes", "same_people")


@click.command()
@click.argument("recipe")
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Folder of the data.")
@click.option("--annotations", type=click.Path(exists=True, path_type=Path), help="Own COCO file.")
@click.option("--images", type=click.Path(exists=True, path_type=Path), help="Its pictures.")
@click.option("--val-annotations", type=click.Path(exists=True, path_type=Path), help="Held out.")
@click.option("--val-images", type=click.Path(exists=True, path_type=Path), help="Its pictures.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--set", "settings", multiple=True, help="Replace a value of the recipe: name=value.")
@click.option("--show", is_flag=True, help="Print the recipe, settings in place, and end.")
@click.option(
    "--start", type=click.Path(exists=True, path_type=Path), help="Weights to start from."
)
@click.option("--teacher", type=click.Path(exists=True, path_type=Path), help="For compact-pose.")
@click.option("--resume", type=click.Path(exists=True, path_type=Path), help="last.ckpt of a run.")
@click.option("--proposals", help="DPG boxes: an .npz file, or a detector to learn them from.")
@click.option("--labels", type=click.Path(exists=True, path_type=Path), help="Of unknown regions.")
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto")
@click.option("--devices", default=1, show_default=True, help="Processes on each machine.")
@click.option("--machines", default=1, show_default=True, help="Machines that train together.")
@click.option("--workers", default=2, show_default=True, help="Processes that make crops.")
def train(recipe: str, show: bool, data: Path | None, output: Path | None, **given: Any) -> None:
    """Train a network by a recipe, on a data set or on own pictures; docs/training.md shows how."""
    from rmpe.training.runs import (
        RunRequest,
        describe_recipe,
        is_first_process,
        quiet_lightning,
        run_recipe,
    )

    with wrong_use():
        if show:
            click.echo(describe_recipe(recipe, given["settings"]))
            return
        if output is None:
            raise click.UsageError("give --output, the folder of the run")
        first = is_first_process()
        logging.getLogger("rmpe").setLevel(logging.INFO if first else logging.ERROR)
        quiet_lightning()
        request = RunRequest(**given, progress=sys.stderr.isatty())
        weights = run_recipe(recipe, data, output, request)
        if first:
            click.echo(weights)


@click.command("learn-nms")
@click.argument("candidates", type=click.Path(exists=True))
@click.option("--annotations", required=True, type=click.Path(exists=True), help="The truth.")
@click.option("-o", "--output", default="pose_nms.json", show_default=True, help="File to write.")
@click.option("--start", default="alphapose", show_default=True, help="Set to start from.")
@click.option("--skeleton", default="coco17", show_default=True, help="Joints of the annotations.")
@click.option("--held-out", default=4, show_default=True, help="Keep every Nth picture; 0: none.")
def learn_nms(candidates: str, annotations: str, output: str, **given: Any) -> None:
    """Fit pose-NMS to CANDIDATES, poses that nothing suppressed (--nms none), by their AP."""
    from rmpe.evaluation.learn_nms import fit_pose_nms
    from rmpe.skeletons import get_skeleton

    with wrong_use():
        skeleton = get_skeleton(given["skeleton"])
        lines = fit_pose_nms(
            candidates, annotations, output, given["start"], skeleton, given["held_out"]
        )
    for line in lines:
        click.echo(line)


@click.command(context_settings={"default_map": {"min_score": 0.0}})
@click.argument(
    "dataset", type=click.Choice(["coco", "crowdpose", "mpii", "posetrack", "lsp", "mot"])
)
@click.option(
    "--annotations", "--truth", required=True, type=click.Path(exists=True), help="The truth."
)
@click.option("--predictions", type=click.Path(exists=True), help="Stored poses to score.")
@click.option("--images", type=click.Path(exists=True), help="Pictures to find the poses in.")
@click.option("--detect", is_flag=True, help="Run the detector; otherwise annotated boxes.")
@click.option("--json", "json_file", type=click.Path(), help="Write every figure here.")
@click.option("--report", type=click.Path(), help="Write a page of curves and failures here.")
@click.option("--head-boxes", type=click.Path(exists=True), help="MPII: its gt_valid.mat.")
@click.option("--held-out", is_flag=True, help="LSP: the rows marked as held out alone.")
@click.option("--tracking/--no-tracking", default=True, help="PoseTrack: MOTA and the like too.")
@click.option(
    "--people",
    "same_people",
    type=click.Path(exists=True),
    help="MOT: true ids of one person a line.",
)
@click.option("--resume", type=click.Path(), help="Keep results here and go on from them.")
@estimator_options
def evaluate(
    dataset: Dataset, annotations: str, predictions: str | None, images: str | None, **given: Any
) -> None:
    """Score stored poses, or an estimator on pictures, by a data set's own rules.

    With both --predictions and --images the pictures are only for the report.
    """
    from rmpe.evaluation import outcomes, runs

    if predictions is None and images is None:
        raise click.UsageError("give --predictions, or --images to find the poses in")
    if dataset == "mot" and predictions is None:
        raise click.UsageError("mot scores identities that are stored: give --predictions")
    if given["report"] and dataset in ("posetrack", "mot"):
        raise click.UsageError("--report draws coco, crowdpose, mpii and lsp scores")
    if predictions is not None:
        rules = {name: given[name] for name in _RULES}
        result = runs.evaluate_predictions(dataset, annotations, predictions, **rules)
    else:
        from rmpe.detectors.precomputed import read_boxes

        boxes = read_boxes(given["boxes"]) if given["boxes"] else None
        result = runs.evaluate_images(
            dataset,
            annotations,
            images or "",
            building.build_estimator({**given, "boxes": not given["detect"]}, 0),
            boxes=boxes,
            annotated_boxes=not given["detect"],
            head_boxes=given["head_boxes"],
            progress_file=given["resume"],
            held_out=given["held_out"],
        )
    for line in result.skipped:
        click.echo(f"skipped: {line}", err=True)
    click.echo("\n".join([*result.table, *result.breakdown]))
    if given["json_file"]:
        outcomes.write_json(result, given["json_file"])
    if given["report"]:
        from rmpe.evaluation.page import write_report

        write_report(given["report"], result, annotations, images)
