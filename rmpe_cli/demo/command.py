"""Try everything on drawn people: `demo`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from rmpe_cli import building
from rmpe_cli.options import EstimatorChoices, option, takes
from rmpe_cli.options.fields import DiskPath
from rmpe_cli.terminal.wrong_use import wrong_use


@dataclass(frozen=True)
class DemoChoices:
    """The scene that is drawn."""

    people: int = option("--people", default=6, help="People in the scene.")
    frames: int = option("--frames", default=150, help="Length of the clip, at 25 frames a second.")
    seed: int = option(
        "--seed", default=0, show_default=True, help="The same seed gives the same scene."
    )
    width: int = option("--width", default=960, help="Columns of the picture.")
    height: int = option("--height", default=540, help="Rows of the picture.")
    pan: float = option("--pan", default=0.0, show_default=True, help="Radians the camera turns.")
    detect_every: int = option(
        "--detect-every",
        default=1,
        help="Look for people in every n-th frame and follow them in between.",
    )
    output: Path | None = option(
        "-o",
        "--output",
        default=None,
        type=DiskPath(dir_okay=False, path_type=Path),
        help="Annotated clip to write.",
    )


@click.command()
@takes(scene=DemoChoices, estimator=EstimatorChoices)
def demo(scene: DemoChoices, estimator: EstimatorChoices) -> None:
    """Draw people whose places are known, run on them, and print what was found."""
    from pipeline.writers import VideoWriter, Writer
    from rmpe.runtimes import limit_threads
    from rmpe.synthetic import walkers_scene
    from rmpe_cli.demo.comparison import run_demo
    from tracking import OnlineTracker

    size = (scene.width, scene.height)
    if scene.frames < 1 or min(size) < 16:
        raise click.UsageError("needed are --frames of 1 or more, --width and --height of 16")
    with wrong_use():
        drawn = walkers_scene(
            scene.people, *size, scene.seed, pan=scene.pan, duration_s=max(scene.frames / 25, 4)
        )
    options = building.run_options(estimator, scene.detect_every)
    threads = limit_threads()
    built = building.build_estimator(estimator, threads.openvino)
    writers: list[tuple[str, Writer]] = []
    if scene.output:
        video_writer = VideoWriter(scene.output, built.skeleton, drawn.fps, threads=threads.video)
        writers.append(("video", video_writer))
    report = run_demo(drawn, scene.frames, built, OnlineTracker(), options=options, writers=writers)
    click.echo("\n".join(report.table()))
