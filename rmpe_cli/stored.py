"""Stored poses with their pictures: `track` and `render`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rmpe_cli._wrong_use import wrong_use
from rmpe_cli.options import FrameChoices, ReadingChoices, option, takes
from rmpe_cli.options.names import RECORD_FORMAT

if TYPE_CHECKING:
    from pipeline.readers import Reader
    from rmpe.formats import PoseReader

_THERE = click.Path(exists=True, path_type=Path)
_NEW = click.Path(path_type=Path)


@dataclass(frozen=True)
class TrackChoices:
    """How identities are given, and what is written."""

    output: Path | None = option(
        "-o",
        "--output",
        default=None,
        type=_NEW,
        help="File to write; tracked.ndjson beside RECORDS by default.",
    )
    to_format: str = option("--to", default="native", type=RECORD_FORMAT, help="Format to write.")
    offline: bool = option(
        "--offline",
        default=False,
        is_flag=True,
        help="See the whole clip: merge and join whole flows.",
    )
    building: Literal["identities", "confidence"] | None = option(
        "--building",
        default=None,
        type=click.Choice(["identities", "confidence"]),
        help="With --offline, flows are: the online identities (default), or the paper's most "
        "confident ways through the poses.",
    )
    smooth: bool = option(
        "--smooth", default=False, is_flag=True, help="Smooth every person's joints over time."
    )
    reference: bool = option(
        "--reference",
        default=False,
        is_flag=True,
        help="Take the rules of the public PoseFlow, not our own.",
    )
    quiet: bool = option("--quiet", default=False, is_flag=True, help="Show no progress bar.")


@click.command()
@click.argument("records", type=_THERE)
@takes(frames=FrameChoices, reading=ReadingChoices, choices=TrackChoices)
def track(
    records: Path, frames: FrameChoices, reading: ReadingChoices, choices: TrackChoices
) -> None:
    """Give stored poses identities, anew and without a network.

    Pictures come from the clip that RECORDS name, or from --video or --images.
    """
    from pipeline.stored.retrack import retrack_records
    from rmpe.formats import get_format
    from rmpe.runtimes import limit_threads
    from rmpe_cli._progress import frame_bar
    from tracking import DEFAULT, POSEFLOW_REFERENCE, OneEuroSmoother

    if choices.building and not choices.offline:
        raise click.UsageError("--building is about whole clips: give --offline too")
    output = choices.output or records.parent / "tracked.ndjson"
    if output.exists() and output.samefile(records):
        raise click.UsageError(f"{output} is the file to read; give another --output")
    target = get_format(choices.to_format)
    stored = read_stored(records, reading)
    reader = open_frames(stored, frames, limit_threads().video)
    with frame_bar(reader.info.frames_expected, choices.quiet) as bar:
        people = retrack_records(
            reader,
            stored,
            lambda header: target.writer(output, header),
            parameters=POSEFLOW_REFERENCE if choices.reference else DEFAULT,
            whole_clip=(choices.building or "identities") if choices.offline else None,
            smoother=OneEuroSmoother() if choices.smooth else None,
            on_frame=lambda _: bar.update(),
        )
    click.echo(f"{people} people -> {output}")


@dataclass(frozen=True)
class RenderChoices:
    """What is drawn, and where to."""

    output: Path | None = option(
        "-o",
        "--output",
        default=None,
        type=_NEW,
        help="File to write, a folder for pictures; rendered.mp4 or rendered beside RECORDS by "
        "default.",
    )
    min_joint_score: float = option(
        "--min-joint-score", default=0.3, help="Leave out joints that score less."
    )
    no_limbs: bool = option(
        "--no-limbs", default=False, is_flag=True, help="Draw no limbs and joints."
    )
    no_boxes: bool = option("--no-boxes", default=False, is_flag=True, help="Draw no boxes.")
    no_ids: bool = option("--no-ids", default=False, is_flag=True, help="Write no ids.")
    quiet: bool = option("--quiet", default=False, is_flag=True, help="Show no progress bar.")


@click.command()
@click.argument("records", type=_THERE)
@takes(frames=FrameChoices, reading=ReadingChoices, choices=RenderChoices)
def render(
    records: Path, frames: FrameChoices, reading: ReadingChoices, choices: RenderChoices
) -> None:
    """Draw stored poses onto their clip or pictures; no network is run."""
    from pipeline.stored.render import render_records
    from rmpe.drawing import DrawingStyle
    from rmpe.runtimes import limit_threads
    from rmpe_cli._progress import frame_bar

    stored = read_stored(records, reading)
    threads = limit_threads()
    reader = open_frames(stored, frames, threads.video)
    name = "rendered" if reader.info.image_names else "rendered.mp4"
    output = choices.output or records.parent / name
    style = DrawingStyle(
        min_joint_score=choices.min_joint_score,
        limbs=not choices.no_limbs,
        boxes=not choices.no_boxes,
        ids=not choices.no_ids,
    )
    with frame_bar(reader.info.frames_expected, choices.quiet) as bar:
        count = render_records(
            reader,
            stored,
            output,
            style=style,
            video_threads=threads.video,
            on_frame=lambda _: bar.update(),
        )
    click.echo(f"{count} frames -> {output}")


def read_stored(records: Path, reading: ReadingChoices) -> PoseReader:
    """Return stored poses in the format and with the joints that were given, if any."""
    from rmpe.formats import ReadHints, read_records

    with wrong_use():
        return read_records(records, reading.from_format, ReadHints(skeleton=reading.joints()))


def open_frames(stored: PoseReader, frames: FrameChoices, threads: int) -> Reader:
    """Return the frames of stored poses: of a clip or pictures given, or those that they name.

    Args:
        stored: the poses.
        frames: where the pictures are, if that was given.
        threads: threads that decode a clip.
    """
    from pipeline.readers import ImageReader, VideoReader
    from pipeline.readers.finding import find_images

    if frames.video and frames.images:
        raise click.UsageError("give --video or --images, not both")
    with wrong_use(OSError):
        if frames.images or (stored.header.image_names and not frames.video):
            pictures = find_images(frames.images or (stored.header.source,))
            return ImageReader(pictures, source=str(pictures[0].parent))
        return VideoReader(frames.video or stored.header.source, threads=threads)
