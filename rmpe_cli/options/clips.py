"""Which part of clips is taken, how a list of them goes, and what is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmpe_cli.options.fields import FILE, as_json, option
from rmpe_cli.options.names import RECORD_FORMAT
from rmpe_cli.options.places import OutputPlace


@dataclass(frozen=True)
class OutputChoices:
    """What is written and shown. None of it decides what the poses are."""

    output: Path | str | None = option(
        "-o",
        "--output",
        default=None,
        type=OutputPlace(),
        help="Output folder, or its address in a store, as s3://BUCKET/FOLDER.",
    )
    formats: tuple[str, ...] = option(
        "--format",
        default=(),
        multiple=True,
        type=RECORD_FORMAT,
        help="Also write this format of records; may be given several times.",
    )
    recursive: bool = option(
        "--recursive", default=False, is_flag=True, help="Look into folders of folders."
    )
    quiet: bool = option(
        "--quiet", default=False, is_flag=True, help="Show no progress bar and no table."
    )


@dataclass(frozen=True)
class WorklistChoices:
    """How a list of clips goes. None of it decides what the poses are."""

    lists: tuple[Path, ...] = option(
        "--list", default=(), type=FILE, multiple=True, help="Text file of clips, one a line."
    )
    no_video: bool = option(
        "--no-video", default=False, is_flag=True, help="Write no annotated.mp4."
    )
    no_audio: bool = option(
        "--no-audio", default=False, is_flag=True, help="Leave the sound out of annotated.mp4."
    )
    resume: bool = option(
        "--resume/--overwrite",
        default=True,
        show_default=False,
        help="Go on where a run stopped (the default), or begin again.",
    )
    fail_fast: bool = option(
        "--fail-fast", default=False, is_flag=True, help="Stop at the first clip that fails."
    )


@dataclass(frozen=True)
class ClipChoices:
    """Which part of a clip is taken and what is done over time. All of it decides the poses."""

    fps: float = option(
        "--fps", default=0.0, help="Frames a second: folders or patterns of pictures are clips."
    )
    start: float = option("--start", default=0.0, help="First second of the clip to take.")
    end: float | None = option(
        "--end", default=None, type=float, help="Second of the clip to stop at."
    )
    stride: int = option("--stride", default=1, help="Take every n-th frame.")
    detect_every: int = option(
        "--detect-every",
        default=1,
        help="Look for people in every n-th frame and follow them in between.",
    )
    detect_batch: int = option(
        "--detect-batch",
        default=0,
        help="Frames in one call of the detector; 0 is 8 on a GPU where every frame is searched, "
        "else 1.",
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

    def identity(self) -> dict[str, Any]:
        """Return what makes a run on the same clip the same run, as JSON can hold it: all."""
        return as_json(self)
