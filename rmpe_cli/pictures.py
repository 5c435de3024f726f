"""Poses of pictures: `images`."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from rmpe_cli import building
from rmpe_cli.options import EstimatorChoices, OutputChoices, ShowingChoices, option, takes
from rmpe_cli.options.places import address_of, pictures_here
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from pipeline.items import PosedFrame


@dataclass(frozen=True)
class PictureChoices:
    """What is written of pictures."""

    no_images: bool = option(
        "--no-images", default=False, is_flag=True, help="Write no annotated pictures."
    )
    overwrite: bool = option(
        "--overwrite", default=False, is_flag=True, help="Replace results that are there already."
    )


MIN_SCORE = 0.1
"""Lower than in a clip, where somebody doubtful is found in another frame: docs/compact.md."""


@click.command(context_settings={"default_map": {"min_score": MIN_SCORE}})
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
    from pipeline.clips.pictures import run_pictures
    from pipeline.engine.stage import StageError
    from pipeline.readers.finding import LeftOut, find_images
    from pipeline.sources import NetworkPoses
    from pipeline.storage import output_places
    from rmpe.error_words import in_words
    from rmpe_cli.terminal.progress import frame_bar, tell_end

    left_out = LeftOut()
    with wrong_use(OSError):
        folder, address = output_places(inputs[:1], output.output)[0]
        here = [pictures_here(given, output.recursive) for given in inputs]
        found = find_images(here, output.recursive, left_out)
    options = building.run_options(estimator)
    threads = building.threads_for(estimator)
    plan = OutputPlan(
        folder,
        output.formats,
        address=address,
        video=False,
        images=not pictures.no_images,
        look=showing.look(),
    )
    request = {
        "formats": list(output.formats),
        "no_images": pictures.no_images,
        **estimator.identity(),
    }
    try:
        with frame_bar(len(found), output.quiet) as bar:

            def advance(result: PosedFrame) -> None:
                bar.set_postfix(people=len(result.poses), refresh=False)
                bar.update()

            summary = run_pictures(
                found,
                lambda: NetworkPoses(building.build_estimator(estimator, threads.openvino)),
                plan,
                source=inputs[0],
                read_from=[given for path in found if (given := address_of(path))],
                left_out=left_out.lines(),
                options=options,
                request=request,
                overwrite=pictures.overwrite,
                on_frame=advance,
            )
    except (OSError, ValueError, StageError) as error:
        logging.getLogger("rmpe").info("the failure in full", exc_info=True)
        click.echo(f"error: {in_words(error)}", err=True)
        sys.exit(1)
    tell_end(summary, partial(click.echo, err=True), output.quiet)
    click.echo(f"{plan.shown}: {summary.frames} frames, up to {summary.most_people} people")
    if not summary.succeeded:
        sys.exit(1)
