"""Poses of pictures: `images`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rmpe_cli import building
from rmpe_cli.options import estimator_options, output_options
from rmpe_cli.progress import frame_bar
from rmpe_cli.wrong_use import wrong_use

if TYPE_CHECKING:
    from pipeline.assemble import RunOptions
    from pipeline.clips.clip import OutputPlan
    from pipeline.items import PosedFrame
    from pipeline.readers import Reader
    from rmpe.estimator import PoseEstimator


@click.command()
@click.argument("inputs", nargs=-1, required=True)
@output_options
@click.option("--no-images", is_flag=True, help="Write no annotated pictures.")
@estimator_options
def images(inputs: tuple[str, ...], **given: Any) -> None:
    """Poses of the people in pictures: files or folders, into one folder.

    The folder, STEM_rmpe of the first input by default, gets poses.ndjson, annotated pictures
    and summary.json. A picture that cannot be read is reported; exit code 1.
    """
    from pipeline.clips.clip import OutputPlan
    from pipeline.readers import ImageReader
    from pipeline.readers.finding import find_images, output_folders
    from rmpe.runtimes import limit_threads

    with wrong_use(OSError):
        pictures = find_images(inputs, given["recursive"])
    options = building.run_options(given)
    estimator = building.build_estimator(given, limit_threads().openvino)
    plan = OutputPlan(
        output_folders(inputs[:1], given["output"])[0],
        given["formats"],
        video=False,
        images=not given["no_images"],
    )
    reader = partial(ImageReader, pictures, source=inputs[0])
    if not run_one(reader, estimator, plan, options, given):
        sys.exit(1)


def run_one(
    open_reader: Callable[[], Reader],
    estimator: PoseEstimator,
    plan: OutputPlan,
    options: RunOptions,
    given: dict[str, Any],
) -> bool:
    """Run the pictures with a progress bar, say what came of it, and return whether all is well."""
    from pipeline.clips.clip import process_clip
    from pipeline.engine.stage import StageError
    from pipeline.engine.stats import stage_table

    quiet = given["quiet"]
    try:
        reader = open_reader()
        with frame_bar(reader, quiet) as bar:

            def advance(result: PosedFrame) -> None:
                bar.set_postfix(people=len(result.poses), refresh=False)
                bar.update()

            summary = process_clip(
                reader,
                estimator,
                plan,
                options=options,
                described=given,
                on_frame=advance,
            )
    except (OSError, ValueError, StageError) as error:
        logging.getLogger("rmpe").info("the failure in full", exc_info=True)
        click.echo(f"error: {error}", err=True)
        return False
    if summary.stats and not quiet:
        click.echo(stage_table(summary.stats), err=True)
    for warning in summary.warnings:
        click.echo(f"warning: {summary.source}: {warning}", err=True)
    if summary.decoder_errors:
        click.echo(
            f"error: {summary.source} is damaged in {summary.decoder_errors} places, the "
            f"{summary.frames} frames that came are kept; {summary.decoder_messages[0]}",
            err=True,
        )
    click.echo(f"{plan.folder}: {summary.frames} frames, up to {summary.most_people} people")
    return summary.succeeded
