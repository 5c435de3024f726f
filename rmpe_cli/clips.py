"""Poses of clips: `video` in this process, `batch` on many."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmpe_cli import building
from rmpe_cli.options import clip_options, estimator_options, output_options
from rmpe_cli.wrong_use import wrong_use

if TYPE_CHECKING:
    from pipeline.clips.jobs import ClipJob
    from pipeline.clips.worklist import ClipOutcome

_NOT_OF_THE_RUN = {
    *("output", "lists", "recursive", "quiet", "resume", "fail_fast", "engine", "address"),
    *("workers", "cpus_per_worker", "gpus_per_worker", "segments"),
}
"""Options that have no effect on a clip's results, so that runs without them are the same run."""


@click.command()
@click.argument("inputs", nargs=-1)
@output_options
@clip_options
@estimator_options
def video(inputs: tuple[str, ...], **given: Any) -> None:
    """Poses of the people in clips: files, folders of clips, patterns or addresses.

    Each clip gets a folder, STEM_rmpe by default, with poses.ndjson, annotated.mp4 and
    summary.json. A clip that is done is left alone and one that was interrupted goes on where it
    stopped. A clip that fails is reported and the others still run; exit code 1.
    """
    from pipeline.clips.worklist import run_worklist
    from rmpe.runtimes import limit_threads
    from rmpe_cli.watcher import TerminalWatcher

    threads = limit_threads()
    watcher = TerminalWatcher(click.echo, partial(click.echo, err=True), given["quiet"])
    try:
        outcomes = run_worklist(
            clip_jobs(inputs, given, threads.video),
            lambda: building.build_estimator(given, threads.openvino),
            watcher,
            given["fail_fast"],
        )
    finally:
        watcher.close()
    report_worklist(outcomes, given)


@click.command()
@click.argument("inputs", nargs=-1)
@output_options
@clip_options
@click.option("--engine", type=click.Choice(["local", "ray"]), default="ray", show_default=True)
@click.option("--address", help="Ray cluster to join; without it Ray runs on this machine.")
@click.option("--workers", default=0, help="Processes; 0: as many as there is room for.")
@click.option("--cpus-per-worker", default=1, show_default=True, help="Cores of each.")
@click.option("--gpus-per-worker", default=0.0, show_default=True, help="GPUs of each, or a part.")
@click.option("--segments", default=1, show_default=True, help="Parts to cut every clip into.")
@estimator_options
def batch(inputs: tuple[str, ...], **given: Any) -> None:
    """Poses of the people in many clips, on many processes or machines with Ray.

    Takes what video takes and leaves the same folders; a second call does what is left. With
    --segments a long clip is worked on in parts and put together again.
    """
    from pipeline.fleet.batch import run_batch
    from pipeline.fleet.ray_workers import FleetOptions

    if given["segments"] < 1:
        raise click.UsageError(f"--segments is {given['segments']}, allowed is 1 or more")
    with wrong_use():
        fleet = FleetOptions(
            given["address"], given["workers"], given["cpus_per_worker"], given["gpus_per_worker"]
        )
    jobs = clip_jobs(inputs, given, 1)
    outcomes = run_batch(
        jobs,
        partial(building.build_on_worker, given),
        fleet if given["engine"] == "ray" else None,
        segments=given["segments"],
        fail_fast=given["fail_fast"],
        quiet=given["quiet"],
        tell=partial(click.echo, err=True),
    )
    report_worklist(outcomes, given)


def clip_jobs(inputs: tuple[str, ...], given: dict[str, Any], video_threads: int) -> list[ClipJob]:
    """Return one job for each clip that is asked for."""
    from pipeline.clips.jobs import ClipJob
    from pipeline.clips.outputs import OutputPlan
    from pipeline.readers import Span
    from pipeline.readers.finding import find_clips, output_folders, read_list
    from pipeline.stages.track import build_tracker

    if not inputs and not given["lists"]:
        raise click.UsageError("Missing argument 'INPUTS...': give clips, or --list FILE")
    with wrong_use(OSError):
        sources = find_clips(inputs, given["recursive"])
        sources += [clip for path in given["lists"] for clip in read_list(path)]
    with wrong_use():
        span = Span(given["start"], given["end"], given["stride"])
        build_tracker(given["track"], given["smooth"])
    options = building.run_options(given)
    described = {name: value for name, value in given.items() if name not in _NOT_OF_THE_RUN}
    formats, video = given["formats"], not given["no_video"]
    return [
        ClipJob(
            source,
            OutputPlan(folder, formats, video, video_threads=video_threads),
            span=span,
            options=options,
            track=given["track"],
            smooth=given["smooth"],
            described=described,
            rerun="go_on" if given["resume"] else "overwrite",
            threads=video_threads,
        )
        for source, folder in zip(sources, output_folders(sources, given["output"]))
    ]


def report_worklist(outcomes: list[ClipOutcome], given: dict[str, Any]) -> None:
    """Print and write what came of a list of clips; exit with 1 if one is not done."""
    from pipeline.clips.worklist import worklist_table, write_worklist_summary

    if len(outcomes) > 1:
        click.echo(worklist_table(outcomes), err=True)
        write_worklist_summary(Path(given["output"] or "") / "summary.json", outcomes)
    if not all(outcome.succeeded for outcome in outcomes):
        sys.exit(1)
