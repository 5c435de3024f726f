"""Poses of this moment: `webcam`."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

import click

from rmpe_cli import building
from rmpe_cli.options import estimator_options
from rmpe_cli.wrong_use import wrong_use


@click.command()
@click.argument("source", default="0")
@click.option("--policy", default="newest", show_default=True, help="newest, or every frame.")
@click.option("--max-latency", default=0.25, show_default=True, help="Wanted seconds to a result.")
@click.option("--max-backlog", default=250, show_default=True, help="Frames kept with every.")
@click.option("--detect-every", default="auto", show_default=True, help="auto, or every n-th.")
@click.option("--reconnect", default=0.0, help="Try for these seconds to get a lost source back.")
@click.option("--stall", default=5.0, show_default=True, help="Seconds of silence mean it is lost.")
@click.option("--serve", help="Show it in a browser: PORT or HOST:PORT; loopback by default.")
@click.option("--token", default="", help="What viewers of --serve must know.")
@click.option("--record", type=click.Path(file_okay=False), help="Folder to record into.")
@click.option("--segment", help="Record in segments of a time or size: 10m, 500MB.")
@click.option("--no-video", is_flag=True, help="Record no annotated.mp4.")
@click.option("--window/--no-window", default=None, help="A window; default: without --serve.")
@click.option("--track/--no-track", default=True, show_default=True, help="Give identities.")
@click.option("--smooth", is_flag=True, help="Smooth the joints of every person over time.")
@click.option("--quiet", is_flag=True, help="No progress line.")
@estimator_options
def webcam(source: str, **given: Any) -> None:
    """Poses of this moment: camera number, device, RTSP/HTTP/UDP address, - or a clip played live.

    Frames that are older than the network is quick are dropped and counted. Ctrl-C, q in the
    window or the end of the stream ends it; what was recorded is whole.
    """
    from rmpe_cli.live_run import LiveCommand, run_command

    if given["boxes"]:
        raise click.UsageError("--boxes belong to a clip's frames; live frames have none")
    with wrong_use():
        command = LiveCommand.from_options(source, given)
    from rmpe.runtimes import limit_threads

    threads = limit_threads()
    estimator = building.build_estimator(given, threads.openvino)
    complain = partial(click.echo, err=True)
    ended = run_command(command, estimator, threads.video, click.echo, complain)
    if ended.at_once:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.exit_code)
    if ended.exit_code:
        sys.exit(ended.exit_code)
