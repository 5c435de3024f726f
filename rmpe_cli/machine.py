"""Whether everything works here: `doctor` and `demo`."""

from __future__ import annotations

from typing import Any

import click

from rmpe_cli import building
from rmpe_cli.options import estimator_options
from rmpe_cli.wrong_use import wrong_use


@click.command()
def doctor() -> None:
    """Show versions, devices, threads and weights, and run a short self-test."""
    from rmpe.doctor import describe_machine, describe_weights, self_test

    for name, value in [*describe_machine(), *describe_weights(), self_test()]:
        click.echo(f"{name:>24}  {value}")


@click.command()
@click.option("--people", default=6, show_default=True, help="People in the scene.")
@click.option("--frames", default=150, show_default=True, help="Length of the clip at 25 fps.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same scene.")
@click.option("--width", default=960, show_default=True, help="Columns of the picture.")
@click.option("--height", default=540, show_default=True, help="Rows of the picture.")
@click.option("--pan", default=0.0, show_default=True, help="Turn of the camera, radians.")
@click.option("--detect-every", default=1, show_default=True, help="Detect in every n-th frame.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Annotated clip to write.")
@estimator_options
def demo(**given: Any) -> None:
    """Render people whose places are known, run on them, and print what was found."""
    from pipeline.writers import VideoWriter, Writer
    from rmpe.runtimes import limit_threads
    from rmpe.synthetic import walkers_scene
    from rmpe_cli.drawn_demo import run_demo
    from tracking import OnlineTracker

    frames, size = given["frames"], (given["width"], given["height"])
    if frames < 1 or min(size) < 16:
        raise click.UsageError("needed are --frames of 1 or more, --width and --height of 16")
    with wrong_use():
        scene = walkers_scene(
            given["people"], *size, given["seed"], pan=given["pan"], duration_s=max(frames / 25, 4)
        )
    options = building.run_options({**given, "formats": ()})
    threads = limit_threads()
    estimator = building.build_estimator(given, threads.openvino)
    writers: list[tuple[str, Writer]] = []
    if given["output"]:
        video_writer = VideoWriter(
            given["output"], estimator.skeleton, scene.fps, threads=threads.video
        )
        writers.append(("video", video_writer))
    report = run_demo(scene, frames, estimator, OnlineTracker(), options=options, writers=writers)
    click.echo("\n".join(report.table()))
