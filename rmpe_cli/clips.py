"""Poses of clips: `video` in this process, `batch` on many."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import click

from rmpe_cli import building
from rmpe_cli.options import (
    ClipChoices,
    EstimatorChoices,
    OutputChoices,
    ShowingChoices,
    WorklistChoices,
    option,
    takes,
)
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.clips.jobs import ClipJob
    from pipeline.clips.worklist import ClipOutcome


@click.command()
@click.argument("inputs", nargs=-1)
@takes(
    output=OutputChoices,
    showing=ShowingChoices,
    worklist=WorklistChoices,
    clip=ClipChoices,
    estimator=EstimatorChoices,
)
def video(
    inputs: tuple[str, ...],
    output: OutputChoices,
    showing: ShowingChoices,
    worklist: WorklistChoices,
    clip: ClipChoices,
    estimator: EstimatorChoices,
) -> None:
    """Find the poses of the people in clips: files, folders, patterns or addresses.

    Each clip gets a folder, STEM_rmpe by default, with poses.ndjson, annotated.mp4 and
    summary.json. A clip that is done is left alone and one that was interrupted goes on where it
    stopped. A clip that fails is reported and the others still run; exit code 1.
    """
    from pipeline.clips.worklist import run_worklist
    from rmpe_cli.terminal.progress import TerminalWatcher

    threads = building.threads_for(estimator)
    jobs = clip_jobs(inputs, output, showing, worklist, clip, estimator, threads.video)
    echo_error = partial(click.echo, err=True)
    watcher = TerminalWatcher(click.echo, echo_error, output.quiet, single=len(jobs) == 1)
    try:
        outcomes = run_worklist(
            jobs,
            lambda: building.build_estimator(estimator, threads.openvino),
            watcher,
            worklist.fail_fast,
        )
    finally:
        watcher.close()
    report_worklist(outcomes, output, watcher.told)


@dataclass(frozen=True)
class FleetChoices:
    """On what a list of clips is worked. None of it decides what the poses are."""

    engine: Literal["local", "ray"] = option(
        "--engine",
        default="ray",
        type=click.Choice(["local", "ray"]),
        help="Ray's workers, or this process alone.",
    )
    address: str | None = option(
        "--address",
        default=None,
        help="Ray cluster to join; without it Ray runs on this machine.",
    )
    workers: int = option(
        "--workers",
        default=0,
        show_default=True,
        help="Worker processes; 0 takes as many as there is room for.",
    )
    cpus_per_worker: int = option("--cpus-per-worker", default=1, help="Cores of each worker.")
    gpus_per_worker: float = option(
        "--gpus-per-worker",
        default=0.0,
        show_default=True,
        help="GPUs of each worker; a part of one is shared.",
    )
    segments: int = option("--segments", default=1, help="Parts to cut every clip into.")


@click.command()
@click.argument("inputs", nargs=-1)
@takes(
    output=OutputChoices,
    showing=ShowingChoices,
    worklist=WorklistChoices,
    clip=ClipChoices,
    fleet=FleetChoices,
    estimator=EstimatorChoices,
)
def batch(
    inputs: tuple[str, ...],
    output: OutputChoices,
    showing: ShowingChoices,
    worklist: WorklistChoices,
    clip: ClipChoices,
    fleet: FleetChoices,
    estimator: EstimatorChoices,
) -> None:
    """Find the poses of the people in many clips, on many processes or machines with Ray.

    Takes what video takes and leaves the same folders; a second call does what is left. With
    --segments a long clip is worked on in parts and put together again.
    """
    from pipeline.fleet import FleetOptions, run_fleet
    from rmpe_cli.terminal.progress import FleetBar

    if fleet.segments < 1:
        raise click.UsageError(f"--segments is {fleet.segments}, allowed is 1 or more")
    with wrong_use():
        options = FleetOptions(
            fleet.address, fleet.workers, fleet.cpus_per_worker, fleet.gpus_per_worker
        )
    jobs = clip_jobs(inputs, output, showing, worklist, clip, estimator, 1)
    with FleetBar(partial(click.echo, err=True), output.quiet) as bar:
        outcomes = run_fleet(
            jobs,
            partial(building.build_on_worker, estimator),
            options if fleet.engine == "ray" else None,
            parts=fleet.segments,
            fail_fast=worklist.fail_fast,
            on_frames=bar.advance,
            on_end=bar.ended,
        )
    report_worklist(outcomes, output, bar.told)


def clip_jobs(
    inputs: tuple[str, ...],
    output: OutputChoices,
    showing: ShowingChoices,
    worklist: WorklistChoices,
    clip: ClipChoices,
    estimator: EstimatorChoices,
    video_threads: int,
) -> list[ClipJob]:
    """Return one job for each clip that is asked for."""
    from pipeline.clips.jobs import ClipJob
    from pipeline.clips.outputs import OutputPlan
    from pipeline.readers import Span
    from pipeline.readers.finding import LeftOut, read_list
    from pipeline.stages.track import build_tracker
    from pipeline.storage import find_sources, output_places, unique_sources

    if not inputs and not worklist.lists:
        raise click.UsageError("Missing argument 'INPUTS...': give clips, or --list FILE")
    if clip.fps < 0:
        raise click.UsageError(f"--fps is {clip.fps:g}, allowed is more than 0")
    left_out = LeftOut()
    with wrong_use(OSError):
        sources = find_sources(inputs, output.recursive, frames=clip.fps > 0, left_out=left_out)
        sources += [source for path in worklist.lists for source in read_list(path)]
        sources = unique_sources(sources)
        places = output_places(sources, output.output)
    for line in left_out.lines():
        click.echo(f"warning: {line}", err=True)
    with wrong_use():
        span = Span(clip.start, clip.end, clip.stride)
        build_tracker(clip.track, clip.smooth)
    options = building.run_options(estimator, clip.detect_every, clip.detect_batch)
    request = {**clip.identity(), **estimator.identity()}
    look = showing.look()
    with wrong_use():
        plans = [
            OutputPlan(
                folder,
                output.formats,
                not worklist.no_video,
                video_threads=video_threads,
                audio=not worklist.no_audio,
                look=look,
                address=address,
            )
            for folder, address in places
        ]
    written = {"formats": list(output.formats), "no_video": worklist.no_video}
    return [
        ClipJob(
            source,
            plan,
            fps=clip.fps,
            span=span,
            options=options,
            track=clip.track,
            smooth=clip.smooth,
            propagate=clip.propagate,
            request=request,
            files=estimator.files(),
            header_options={**written, **request},
            rerun="go_on" if worklist.resume else "overwrite",
            threads=video_threads,
        )
        for source, plan in zip(sources, plans)
    ]


def report_worklist(
    outcomes: list[ClipOutcome], output: OutputChoices, told: Collection[str]
) -> None:
    """Print and write what came of a list of clips; exit with 1 if one is not done.

    Args:
        outcomes: of the clips.
        output: where a list's summary goes; without an output folder nowhere.
        told: reasons of failures that were printed; the others are, also if it is to be quiet.
    """
    from pipeline.clips.worklist import failure_line, worklist_table, write_worklist_summary

    if len(outcomes) > 1:
        if not output.quiet:
            click.echo(worklist_table(outcomes, told))
        if output.output is not None:
            write_worklist_summary(output.output, outcomes)
    if len(outcomes) == 1 or output.quiet:
        for outcome in outcomes:
            if outcome.reason and outcome.reason not in told:
                click.echo(f"error: {failure_line(outcome)}", err=True)
    if not all(outcome.succeeded for outcome in outcomes):
        sys.exit(1)
