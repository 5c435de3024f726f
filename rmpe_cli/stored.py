"""Stored poses with their pictures: `track` and `render`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rmpe_cli.options import (
    FrameChoices,
    OverwriteChoice,
    ReadingChoices,
    ShowingChoices,
    option,
    takes,
)
from rmpe_cli.options.names import RECORD_FORMAT
from rmpe_cli.options.places import (
    NEW,
    RECORDS,
    address_of,
    delivered,
    pictures_here,
    shown_place,
)
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from pipeline.items import PosedFrame
    from pipeline.readers import Reader
    from rmpe.formats import PoseReader

# Of a film: more is a slip, and would fill the disk.
_MOST_FPS = 1000


@dataclass(frozen=True)
class TrackChoices:
    """How identities are given, and what is written."""

    output: Path | None = option(
        "-o",
        "--output",
        default=None,
        type=NEW,
        help="File to write; tracked.ndjson beside RECORDS by default.",
    )
    to_format: str = option("--to", default="native", type=RECORD_FORMAT, help="Format to write.")
    offline: bool = option(
        "--offline",
        default=False,
        is_flag=True,
        help="See the whole clip before anybody is named: pieces of tracks are joined where the "
        "sum of evidence is highest.",
    )
    building: Literal["identities", "confidence"] | None = option(
        "--building",
        default=None,
        type=click.Choice(["identities", "confidence"]),
        help="With --offline, what is joined: pieces of the online tracks (default), or flows, the "
        "paper's most confident ways through the poses.",
    )
    smooth: bool = option(
        "--smooth", default=False, is_flag=True, help="Smooth every person's joints over time."
    )
    tracker: Literal["poseflow", "bytetrack", "ocsort", "sort"] = option(
        "--tracker",
        default="poseflow",
        show_default=True,
        type=click.Choice(["poseflow", "bytetrack", "ocsort", "sort"]),
        help="Ours, or a plain one to compare with (extra [trackers]).",
    )
    reference: bool = option(
        "--reference",
        default=False,
        is_flag=True,
        help="Take the rules of the public PoseFlow, not our own.",
    )
    explain: int | None = option(
        "--explain",
        default=None,
        type=click.IntRange(0),
        metavar="FRAME",
        help="Write nothing; print why the people of that frame are who they are: what each term "
        "said of each candidate, and what was chosen.",
    )
    quiet: bool = option("--quiet", default=False, is_flag=True, help="Show no progress bar.")

    def check(self) -> None:
        """Raise a UsageError where options do not go together."""
        if self.building and not self.offline:
            raise click.UsageError("--building is about whole clips: give --offline too")
        if self.tracker != "poseflow" and (self.offline or self.reference):
            raise click.UsageError(
                f"--tracker {self.tracker} has rules of its own, frame by frame: "
                "leave --offline and --reference out"
            )
        ours = self.tracker == "poseflow" and not self.offline and not self.reference
        if self.explain is not None and not ours:
            raise click.UsageError(
                "--explain is about our own rules, frame by frame: "
                "leave --offline, --reference and --tracker out"
            )
        if self.explain is not None and (self.output or self.smooth):
            raise click.UsageError("--explain writes nothing: leave --output and --smooth out")


@click.command()
@click.argument("records", type=RECORDS)
@takes(frames=FrameChoices, reading=ReadingChoices, choices=TrackChoices, writing=OverwriteChoice)
def track(
    records: Path,
    frames: FrameChoices,
    reading: ReadingChoices,
    choices: TrackChoices,
    writing: OverwriteChoice,
) -> None:
    """Give stored poses identities, anew and without a network.

    Pictures come from the clip that RECORDS name, or from --video or --images.
    """
    from pipeline.stored.plain_trackers import PlainTracker
    from pipeline.stored.retrack import retrack_records
    from rmpe.formats import get_format
    from rmpe.formats.outputs import TRACKED_NAME, check_outputs
    from rmpe.runtimes import limit_threads
    from rmpe_cli.explaining import print_explanation
    from rmpe_cli.terminal.progress import frame_bar
    from tracking import DEFAULT, POSEFLOW_REFERENCE, OneEuroSmoother

    choices.check()
    if choices.explain is not None:
        reader, stored = open_stored_poses(records, frames, reading, limit_threads().video)
        print_explanation(reader, stored, choices.explain, choices.quiet)
        return
    output = choices.output or beside(records) / TRACKED_NAME
    target = get_format(choices.to_format)
    reader, stored = open_stored_poses(records, frames, reading, limit_threads().video)
    with wrong_use():
        check_outputs(
            target.outputs(output), [records, *files_of(reader)], overwrite=writing.overwrite
        )
        plain = None
        if choices.tracker != "poseflow":
            plain = PlainTracker(choices.tracker, reader.info.fps or stored.header.fps)
    target.remove_stale(output)
    upload = delivered(target.outputs(output), [records], writing.overwrite)
    with upload, frame_bar(reader.info.frames_expected, choices.quiet) as bar:
        people = retrack_records(
            reader,
            stored,
            lambda header: target.writer(output, header),
            parameters=POSEFLOW_REFERENCE if choices.reference else DEFAULT,
            whole_clip=(choices.building or "identities") if choices.offline else None,
            plain=plain,
            smoother=OneEuroSmoother() if choices.smooth else None,
            on_frame=lambda _: bar.update(),
        )
    click.echo(f"{people} people -> {shown_place(output)}")


@dataclass(frozen=True)
class RenderChoices:
    """Where what is drawn goes to."""

    output: Path | None = option(
        "-o",
        "--output",
        default=None,
        type=NEW,
        help="File to write, by its ending .mp4, .webm, .mov or .gif, or a folder for pictures; "
        "rendered.mp4, or for pictures rendered, beside RECORDS by default.",
    )
    fps: float = option(
        "--fps",
        default=0.0,
        help="Frames a second of the result; the clip's own, or 25 for pictures, if not given.",
    )
    no_audio: bool = option(
        "--no-audio",
        default=False,
        is_flag=True,
        help="Leave the clip's sound out of an MP4, MOV or WebM.",
    )
    quiet: bool = option("--quiet", default=False, is_flag=True, help="Show no progress bar.")


@click.command()
@click.argument("records", type=RECORDS)
@takes(
    frames=FrameChoices,
    reading=ReadingChoices,
    showing=ShowingChoices,
    choices=RenderChoices,
    writing=OverwriteChoice,
)
def render(
    records: Path,
    frames: FrameChoices,
    reading: ReadingChoices,
    showing: ShowingChoices,
    choices: RenderChoices,
    writing: OverwriteChoice,
) -> None:
    """Draw stored poses onto their clip or pictures; no network is run.

    The output's ending says what it becomes: MP4 (H.264), WebM (VP9) and MOV (ProRes 4444), which
    hold transparency, GIF, or PNG pictures in a folder.
    """
    from pipeline.stored.render import render_records
    from pipeline.writers import check_target
    from rmpe.formats.outputs import RENDERED_NAME, check_outputs
    from rmpe.runtimes import limit_threads
    from rmpe_cli.terminal.progress import frame_bar

    if not 0 <= choices.fps <= _MOST_FPS:
        raise click.UsageError(f"--fps is {choices.fps:g}, allowed is up to {_MOST_FPS}")
    look = showing.look()
    threads = limit_threads()
    if choices.output:
        with wrong_use():
            check_target(choices.output, look)
    reader, stored = open_stored_poses(records, frames, reading, threads.video)
    pictures = reader.info.image_names
    clear = look.background == "transparent"
    name = Path(RENDERED_NAME).with_suffix("" if pictures else ".webm" if clear else ".mp4")
    output = choices.output or beside(records) / name
    drawn = pictures if not output.suffix or output.is_dir() else ()
    with wrong_use():
        check_outputs(
            [output, *(output / picture for picture in drawn)],
            [records, *files_of(reader)],
            overwrite=writing.overwrite,
        )
    upload = delivered([output], [records], writing.overwrite)
    found: set[int] = set()
    with upload, frame_bar(reader.info.frames_expected, choices.quiet) as bar:

        def seen(posed: PosedFrame) -> None:
            found.update(posed.poses.ids.tolist())
            bar.update()

        count = render_records(
            reader,
            stored,
            output,
            look=look,
            fps=choices.fps,
            video_threads=threads.video,
            sound_of="" if pictures or choices.no_audio else frames.video or reader.info.source,
            on_frame=seen,
        )
    for identity in sorted(set(look.only) - found):
        click.echo(f"warning: nobody has the id {identity}", err=True)
    click.echo(f"{count} frames -> {shown_place(output)}")


def open_stored_poses(
    records: Path, frames: FrameChoices, reading: ReadingChoices, threads: int
) -> tuple[Reader, PoseReader]:
    """Return the frames of stored poses and the poses; what is guessed is said.

    Args:
        records: the poses.
        frames: where the pictures are, if that was given.
        reading: what the records do not say.
        threads: threads that decode a clip.
    """
    from pipeline.stored.opening import open_stored
    from rmpe.formats.catalogue import notes_of

    with wrong_use(OSError):
        images = [pictures_here(given) for given in frames.images]
        given = frames.video or next(iter(images), "")
        reader, stored = open_stored(
            records,
            video=frames.video,
            images=images,
            called=shown_place(given) if address_of(given) else "",
            format_name=reading.from_format,
            hints=reading.hints(),
            threads=threads,
        )
    for note in notes_of(stored):
        click.echo(f"note: {note}", err=True)
    return reader, stored


def beside(records: Path) -> Path:
    """Return the folder in which outputs lie by default: where the records are, or in a run's."""
    from rmpe.formats.outputs import RECORDS_NAME

    return records if records.is_dir() and (records / RECORDS_NAME).exists() else records.parent


def files_of(reader: Reader) -> list[str | Path]:
    """Return the files that a reader reads."""
    from pipeline.readers import ImageReader

    return list(reader.paths) if isinstance(reader, ImageReader) else [reader.info.source]
