"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def estimator_options(command: F) -> F:
    """Add the options that say which detector and network run, where and how."""
    file = click.Path(exists=True, dir_okay=False)
    default: dict[str, Any] = {"show_default": True}
    options = [
        click.option("--preset", default="compact", **default, help="Detector and network."),
        click.option("--detector", help="Person detector instead of the preset's."),
        click.option("--pose-network", help="Network of the zoo instead of the preset's."),
        click.option("--weights", type=file, help="Checkpoint of a pose network, any family."),
        click.option("--weights-as", help="Variant or origin that the file's keys cannot tell."),
        click.option("--input-size", help="Height x width of the checkpoint's input: 384x288."),
        click.option("--device", default="auto", **default, help="auto, cpu, cuda, cuda:N, mps."),
        click.option("--runtime", default="auto", **default, help="auto, torch or openvino."),
        click.option("--precision", default="auto", **default, help="auto, fp32, bf16 or fp16."),
        click.option("--batch-size", default=16, **default, help="Crops in one network call."),
        click.option("--min-score", default=0.15, **default, help="Drop people below this score."),
        click.option("--max-people", default=0, **default, help="Most people a frame; 0: any."),
        click.option("--flip-test", is_flag=True, help="Average with the mirrored crop: slower."),
        click.option(
            "--crowd",
            "--association",
            "association",
            is_flag=True,
            help="Share joint candidates out among the people of a crowd.",
        ),
        click.option("--sstn", is_flag=True, help="Cut badly placed boxes anew before the pose."),
        click.option("--boxes", type=file, help="Person boxes to use instead of a detector."),
        click.option("--nms", default="pose", **default, help="pose, oks, oks-soft or none."),
        click.option(
            "--nms-parameters",
            default="alphapose",
            **default,
            help="Set of pose-NMS constants, or a file from learn-nms.",
        ),
        click.option("--oks-threshold", default=0.9, **default, help="Most alike two may be."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def output_options(command: F) -> F:
    """Add the options that say what is written and shown."""
    options = [
        click.option("-o", "--output", type=click.Path(), help="Output folder."),
        click.option("--format", "formats", multiple=True, help="Also write this record format."),
        click.option("--recursive", is_flag=True, help="Look into folders of folders."),
        click.option("--quiet", is_flag=True, help="No progress bar and no table."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def clip_options(command: F) -> F:
    """Add the options that say which part of clips is taken, and how lists of them go."""
    file = click.Path(exists=True, dir_okay=False)
    options = [
        click.option(
            "--list", "lists", type=file, multiple=True, help="File of clips, one a line."
        ),
        click.option("--no-video", is_flag=True, help="Write no annotated.mp4."),
        click.option("--start", default=0.0, help="First second of the clip to take."),
        click.option("--end", type=float, help="Second to stop at."),
        click.option("--stride", default=1, show_default=True, help="Take every n-th frame."),
        click.option(
            "--detect-every", default=1, show_default=True, help="Detect in every n-th frame."
        ),
        click.option(
            "--track/--no-track", default=True, show_default=True, help="Give identities."
        ),
        click.option("--smooth", is_flag=True, help="Smooth the joints of every person over time."),
        click.option(
            "--resume/--overwrite",
            default=True,
            help="Go on where a run stopped (the default), or begin again.",
        ),
        click.option("--fail-fast", is_flag=True, help="Stop at the first clip that fails."),
    ]
    for option in reversed(options):
        command = option(command)
    return command
