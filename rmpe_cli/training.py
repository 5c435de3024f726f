"""Fitting: `train`, `learn-nms` and `learn-score`."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from rmpe_cli.options import option, takes
from rmpe_cli.options.fields import EXISTING, UNSEEN
from rmpe_cli.terminal.wrong_use import wrong_use


@dataclass(frozen=True)
class TrainChoices:
    """What is trained on what, from where, and on which machines."""

    data: Path | None = option(
        "--data", default=None, type=EXISTING, help="Folder of the data set."
    )
    annotations: Path | None = option(
        "--annotations",
        default=None,
        type=EXISTING,
        help="Own people: a COCO file, in place of --data.",
    )
    images: Path | None = option(
        "--images", default=None, type=EXISTING, help="Folder of the pictures of --annotations."
    )
    val_annotations: Path | None = option(
        "--val-annotations", default=None, type=EXISTING, help="Own people to score on."
    )
    val_images: Path | None = option(
        "--val-images", default=None, type=EXISTING, help="Their pictures; --images by default."
    )
    output: Path | None = option(
        "-o", "--output", default=None, type=UNSEEN, help="Folder of the run."
    )
    settings: tuple[str, ...] = option(
        "--set",
        default=(),
        multiple=True,
        metavar="NAME=VALUE",
        help="Replace a value of the recipe; may be given several times.",
    )
    start: Path | None = option(
        "--start", default=None, type=EXISTING, help="Weights to start from."
    )
    resume: Path | None = option(
        "--resume",
        default=None,
        type=EXISTING,
        help="last.ckpt of an interrupted run to go on from.",
    )
    proposals: str | None = option(
        "--proposals",
        default=None,
        help="Boxes as a detector errs: an .npz file, or a detector to learn them from.",
    )
    labels: Path | None = option(
        "--labels", default=None, type=EXISTING, help="What a teacher says of the makers' packs."
    )
    device: Literal["auto", "cpu", "gpu"] = option(
        "--device",
        default="auto",
        type=click.Choice(["auto", "cpu", "gpu"]),
        help="Where to train.",
    )
    devices: int = option("--devices", default=1, help="Training processes on each machine.")
    machines: int = option("--machines", default=1, help="Machines that train together.")
    workers: int = option("--workers", default=2, help="Processes that make crops.")
    log: tuple[str, ...] = option(
        "--log",
        default=(),
        multiple=True,
        type=click.Choice(["wandb"]),
        help="Also log to Weights & Biases, as its own settings say (WANDB_MODE, WANDB_PROJECT).",
    )


class _CommandWithRecipes(click.Command):
    """A command whose help ends with the recipes there are, which only then are loaded."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from rmpe.training.runs import recipe_names

        with formatter.section("Recipes"):
            formatter.write_text(", ".join(recipe_names()))


@click.command(cls=_CommandWithRecipes)
@click.argument("recipe")
@click.option("--show", is_flag=True, help="Print the recipe, settings in place, and end.")
@takes(choices=TrainChoices)
def train(recipe: str, show: bool, choices: TrainChoices) -> None:
    """Train a network by a recipe, on a data set or on own pictures.

    docs/training.md shows how.
    """
    from rmpe.training.runs import (
        RunRequest,
        describe_recipe,
        is_first_process,
        quiet_lightning,
        run_recipe,
    )

    with wrong_use():
        if show:
            click.echo(describe_recipe(recipe, choices.settings))
            return
        if choices.output is None:
            raise click.UsageError("give --output, the folder of the run")
        first = is_first_process()
        logging.getLogger("rmpe").setLevel(logging.INFO if first else logging.ERROR)
        quiet_lightning()
        given = {name: v for name, v in vars(choices).items() if name not in ("data", "output")}
        request = RunRequest(**given, progress=sys.stderr.isatty())
        weights = run_recipe(recipe, choices.data, choices.output, request)
        if first:
            click.echo(weights)


@dataclass(frozen=True)
class FitChoices:
    """What something is fitted to."""

    annotations: Path = option("--annotations", type=EXISTING, help="The truth, a COCO file.")
    skeleton: str = option("--skeleton", default="coco17", help="Joints of the annotations.")
    held_out: int = option(
        "--held-out", default=4, help="Keep every n-th picture out of the fit; 0 keeps none."
    )


@dataclass(frozen=True)
class NmsFitChoices(FitChoices):
    """What pose-NMS is fitted to, and how."""

    output: Path = option(
        "-o", "--output", default=Path("pose_nms.json"), type=UNSEEN, help="File to write."
    )
    start: str = option("--start", default="alphapose", help="Set to start from.")


@click.command("learn-nms")
@click.argument("candidates", type=EXISTING)
@takes(fit=NmsFitChoices)
def learn_nms(candidates: Path, fit: NmsFitChoices) -> None:
    """Fit pose-NMS to poses that nothing suppressed, by their AP.

    CANDIDATES are stored poses of a run with --nms none.
    """
    from rmpe.evaluation.learn_nms import fit_pose_nms
    from rmpe.formats.outputs import check_outputs
    from rmpe.skeletons import get_skeleton

    with wrong_use():
        check_outputs([fit.output], [candidates, fit.annotations], overwrite=True)
        skeleton = get_skeleton(fit.skeleton)
        lines = fit_pose_nms(
            candidates, fit.annotations, fit.output, fit.start, skeleton, fit.held_out
        )
    for line in lines:
        click.echo(line)


@dataclass(frozen=True)
class ScoreFitChoices(FitChoices):
    """What the score of poses is fitted to, and how."""

    output: Path = option(
        "-o", "--output", default=Path("pose_score.json"), type=UNSEEN, help="File to write."
    )


@click.command("learn-score")
@click.argument("candidates", type=EXISTING)
@takes(fit=ScoreFitChoices)
def learn_score(candidates: Path, fit: ScoreFitChoices) -> None:
    """Fit what a pose scores to how right it is, its OKS.

    CANDIDATES are stored poses of a run with --min-score 0.
    """
    from rmpe.evaluation.learn_score import fit_pose_score
    from rmpe.formats.outputs import check_outputs
    from rmpe.skeletons import get_skeleton

    with wrong_use():
        check_outputs([fit.output], [candidates, fit.annotations], overwrite=True)
        skeleton = get_skeleton(fit.skeleton)
        lines = fit_pose_score(candidates, fit.annotations, fit.output, skeleton, fit.held_out)
    for line in lines:
        click.echo(line)
