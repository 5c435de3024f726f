"""Poses of this moment: `webcam`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from rmpe_cli import building
from rmpe_cli.options import EstimatorChoices, option, takes
from rmpe_cli.options.fields import FILE, FOLDER, Number, as_json
from rmpe_cli.options.names import LIVE_POLICIES
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


@dataclass(frozen=True)
class LiveChoices:
    """How a live source is read, shown and recorded."""

    policy: Literal["newest", "every"] = option(
        "--policy",
        default="newest",
        type=click.Choice(LIVE_POLICIES),
        help="Drop what a newer frame replaced, or keep every frame and fall behind.",
    )
    max_latency: float = option(
        "--max-latency", default=0.25, help="Wanted seconds from a frame to its result."
    )
    max_backlog: int = option(
        "--max-backlog", default=250, help="Most frames that wait with --policy every."
    )
    detect_every: str = option(
        "--detect-every",
        default="auto",
        help="Look for people in every n-th frame; auto: as often as there is time.",
    )
    reconnect: float = option(
        "--reconnect",
        default=0.0,
        type=Number(endless=True),
        show_default=True,
        help="Seconds to try to get a lost source back; 0 ends the run with it.",
    )
    stall: float = option(
        "--stall", default=5.0, help="Seconds without a frame after which a source is lost."
    )
    serve: str | None = option(
        "--serve",
        default=None,
        metavar="[HOST:]PORT",
        help="Show it in a browser; on this machine only unless HOST says otherwise.",
    )
    token: str = option(
        "--token",
        default="",
        envvar="RMPE_TOKEN",
        help="What viewers of --serve must know; RMPE_TOKEN or --token-file keep it out of the "
        "shell's history.",
    )
    token_file: Path | None = option(
        "--token-file", default=None, type=FILE, help="File that holds the token."
    )
    send_to: tuple[str, ...] = option(
        "--send-to",
        default=(),
        multiple=True,
        metavar="ADDRESS",
        help="Post results to http(s)://… or publish them to mqtt://host/topic; may be repeated.",
    )
    record: Path | None = option(
        "--record", default=None, type=FOLDER, help="Folder to record into."
    )
    segment: str | None = option(
        "--segment", default=None, help="Record in segments of a time or size, 10m or 500MB."
    )
    no_video: bool = option(
        "--no-video", default=False, is_flag=True, help="Record no annotated.mp4."
    )
    window: bool | None = option(
        "--window/--no-window",
        default=None,
        help="Show a window; by default where there is a screen and no --serve.",
    )
    track: bool = option("--track/--no-track", default=True, help="Give people identities.")
    smooth: bool = option(
        "--smooth", default=False, is_flag=True, help="Smooth every person's joints over time."
    )
    propagate: bool = option(
        "--propagate/--no-propagate",
        default=True,
        help="Look for people whom the detector missed where they should be; needs tracking.",
    )
    quiet: bool = option("--quiet", default=False, is_flag=True, help="Show no progress line.")

    def secret(self) -> str:
        """Return the token, from its file if one was given.

        Raises:
            ValueError: both were given, or the file holds none.
        """
        if self.token_file is None:
            return self.token
        if self.token:
            raise ValueError("give --token-file or --token (RMPE_TOKEN), not both")
        token = self.token_file.read_text("utf-8").strip()
        if not token:
            raise ValueError(f"{self.token_file} holds no token")
        return token

    def described(self) -> dict[str, Any]:
        """Return the options for the records' header and the summary, without the secret one."""
        from pipeline.readers.address import shown_source

        given = {name: value for name, value in as_json(self).items() if name != "token"}
        return {**given, "send_to": [shown_source(address) for address in self.send_to]}


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@takes(without=("boxes",), live=LiveChoices, estimator=EstimatorChoices)
def webcam(sources: tuple[str, ...], live: LiveChoices, estimator: EstimatorChoices) -> None:
    """Find the poses of this moment, from cameras or streams.

    SOURCE is a camera's number or device, an RTSP, HTTP or UDP address, - for standard input, or a
    clip that is played live; the first camera if none is given. Several run side by side on one
    set of networks, and NAME=SOURCE gives one its name. Frames that are older than the network is
    quick are dropped and counted. Ctrl-C, q in the window or the end of the streams ends it; what
    was recorded is whole.
    """
    from rmpe_cli.live.plan import LiveCommand
    from rmpe_cli.live.run import run_command

    with wrong_use():
        command = LiveCommand.from_choices(
            sources or ("0",), live, {**live.described(), **estimator.identity()}
        )
    from rmpe.runtimes import limit_threads

    threads = limit_threads()

    def build() -> PoseEstimator:
        return building.build_estimator(estimator, threads.openvino)

    ended = run_command(command, build, threads.video, click.echo, partial(click.echo, err=True))
    if ended.at_once:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.exit_code)
    if ended.exit_code:
        sys.exit(ended.exit_code)
