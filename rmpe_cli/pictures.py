"""Poses of pictures: `images`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rmpe_cli import building
from rmpe_cli._wrong_use import wrong_use
from rmpe_cli.options import EstimatorChoices, OutputChoices, ShowingChoices, option, takes

if TYPE_CHECKING:
    from pipeline.clips.outputs import OutputPlan
    from pipeline.items import PosedFrame
    from pipeline.options import RunOptions
    from pipeline.readers import Reader
    from rmpe.estimator import PoseEstimator


@dataclass(frozen=True)
class PictureChoices:
    """What is written of pictures."""

    no_images: bool = option(
        "--no-images", default=False, is_flag=True, help="Write no annotated pictures."
    )


@click.command()
@click.argument("inputs", nargs=-1, required=True)
@takes(
    output=OutputChoices,
    showing=ShowingChoices,
    pictures=PictureChoices,
    estimator=EstimatorChoices,
)
def images(
    inputs: tuple[str, ...],
    output: OutputChoices,
    showing: ShowingChoices,
    pictures: PictureChoices,
    estimator: EstimatorChoices,
) -> None:
    """Find the poses of the people in pictures: files or folders, into one folder.

    The folder, STEM_rmpe of the first input by default, gets poses.ndjson, annotated pictures
    and summary.json. A picture that cannot be read is reported; exit code 1.
    """
    from pipeline.clips.outputs import OutputPlan
    from pipeline.readers import ImageReader
    from pipeline.readers.finding import find_images, output_folders
    from rmpe.runtimes import limit_threads

    with wrong_use(OSError):
        found = find_images(inputs, output.recursive)
    options = building.run_options(estimator)
    built = building.build_estimator(estimator, limit_threads().openvino)
    plan = OutputPlan(
        output_folders(inputs[:1], output.output)[0],
        output.formats,
        video=False,
        images=not pictures.no_images,
        look=showing.look(),
    )
    reader = partial(ImageReader, found, source=inputs[0])
    described = {
        "formats": list(output.formats),
        "no_images": pictures.no_images,
        **estimator.identity(),
    }
    if not run_one(reader, built, plan, options, described, output.quiet):
        sys.exit(1)


def run_one(
    open_reader: Callable[[], Reader],
    estimator: PoseEstimator,
    plan: OutputPlan,
    options: RunOptions,
    described: dict[str, Any],
    quiet: bool,
) -> bool:
    """Run the pictures with a progress bar, say what came of it, and return whether all is well."""
    from pipeline.clips.clip import process_clip
    from pipeline.engine.stage import StageError
    from pipeline.sources import NetworkPoses
    from rmpe_cli._progress import frame_bar, tell_end

    try:
        reader = open_reader()
        with frame_bar(reader.info.frames_expected, quiet) as bar:

            def advance(result: PosedFrame) -> None:
                bar.set_postfix(people=len(result.poses), refresh=False)
                bar.update()

            summary = process_clip(
                reader,
                NetworkPoses(estimator),
                plan,
                options=options,
                request=described,
                on_frame=advance,
            )
    except (OSError, ValueError, StageError) as error:
        logging.getLogger("rmpe").info("the failure in full", exc_info=True)
        click.echo(f"error: {error}", err=True)
        return False
    tell_end(summary, partial(click.echo, err=True), quiet)
    click.echo(f"{plan.folder}: {summary.frames} frames, up to {summary.most_people} people")
    return summary.succeeded
