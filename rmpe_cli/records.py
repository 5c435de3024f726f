"""What is done with stored poses: `convert`, `report`, `track`, `render`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmpe_cli.options import F
from rmpe_cli.progress import frame_bar
from rmpe_cli.wrong_use import wrong_use

if TYPE_CHECKING:
    from pipeline.readers import Reader
    from rmpe.formats import PoseReader
    from rmpe.report import ClipMode


@click.command()
@click.argument("records", type=click.Path(exists=True))
@click.option("--to", "to_format", required=True, help="Format to write.")
@click.option("-o", "--output", type=click.Path(), help="File or folder to write.")
@click.option("--from", "from_format", help="Format of RECORDS, where it is not recognised.")
@click.option("--skeleton", help="Joints of RECORDS, where its format leaves them open.")
@click.option("--fps", default=0.0, help="Frames a second, to give frames a time.")
@click.option("--frames", type=int, help="Frames of the clip: the last may be without people.")
@click.option("--images", type=click.Path(exists=True), help="Folder of the pictures it names.")
@click.option(
    "--rows",
    type=click.Choice(["people", "joints"]),
    default="people",
    show_default=True,
    help="For parquet and csv: what a row is, for every frame.",
)
def convert(records: str, to_format: str, output: str | None, **given: Any) -> None:
    """Convert stored poses between formats; joints are matched by name.

    --to parquet and --to csv write a table for data analysis, which is not read back.
    """
    from pipeline.readers.finding import find_images
    from rmpe.formats import ReadHints, convert_records, get_format, read_records
    from rmpe.formats.table import TABLE_SUFFIXES, write_table
    from rmpe.skeletons import get_skeleton

    with wrong_use(OSError):
        pictures = find_images([given["images"]], False) if given["images"] else []
        table = f".{to_format}" in TABLE_SUFFIXES
        default_name = f"poses.{to_format}" if table else get_format(to_format).output_name
        target = output or default_name
        if table and Path(target).suffix != f".{to_format}":
            raise ValueError(f"{target} does not end in .{to_format}")
        named = given["skeleton"]
        hints = ReadHints(
            skeleton=get_skeleton(named) if named else None,
            fps=given["fps"],
            frame_count=given["frames"],
            image_names=tuple(Path(name).name for name in pictures),
        )
        get_format(given["from_format"] or "native")
    if table:
        stored = read_records(records, given["from_format"], hints)
        count = write_table(target, stored, given["rows"])
        click.echo(f"{count} rows -> {target}")
        return
    count = convert_records(records, target, to_format, given["from_format"], hints)
    click.echo(f"{count} frames -> {target}")


@click.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("-o", "--output", default="report.html", show_default=True, help="Page to write.")
@click.option("--title", default="", help="Heading; by default the name of the clip.")
@click.option("--video", type=click.Path(exists=True), help="The clip, if RECORDS name it wrongly.")
@click.option(
    "--clip",
    "mode",
    type=click.Choice(["auto", "embed", "link", "strip", "none"]),
    default="auto",
    show_default=True,
    help="Put the clip into the page, link to its file, or take a strip of small pictures.",
)
@click.option("--embed-up-to", default=25.0, show_default=True, help="MB that auto puts in.")
@click.option("--from", "from_format", help="Format of RECORDS, where it is not recognised.")
@click.option("--skeleton", help="Joints of RECORDS, where its format leaves them open.")
@click.option("--fps", default=0.0, help="Frames a second, where RECORDS do not say.")
def report(records: tuple[str, ...], output: str, mode: ClipMode, **given: Any) -> None:
    """Make one HTML page to look at stored poses: picture, timeline, scores; no network needed.

    Several RECORDS come onto one page with a selector.
    """
    from rmpe.formats import ReadHints
    from rmpe.report import PictureOptions, ReportOptions, write_report
    from rmpe.skeletons import get_skeleton

    with wrong_use(OSError):
        joints = get_skeleton(given["skeleton"]) if given["skeleton"] else None
        options = ReportOptions(
            title=given["title"],
            clip=Path(given["video"]) if given["video"] else None,
            pictures=PictureOptions(mode, int(given["embed_up_to"] * 1e6)),
            format_name=given["from_format"],
            hints=ReadHints(skeleton=joints, fps=given["fps"]),
        )
        written = write_report(output, records, options)
    for warning in written.warnings:
        click.echo(f"warning: {warning}", err=True)
    for clip in written.clips:
        click.echo(f"{clip.name}: {clip.frames} frames, {clip.identities} ids, {clip.shown}")
    click.echo(f"{written.size_bytes / 1e6:.1f} MB -> {output}")


def frame_options(command: F) -> F:
    """Add what says which poses are meant and where their pictures are."""
    options = [
        click.argument("records", type=click.Path(exists=True)),
        click.option("--video", help="The clip; by default the one that RECORDS name."),
        click.option("--images", multiple=True, help="Pictures or their folder, not a clip."),
        click.option("--from", "from_format", help="Format of RECORDS, if not recognised."),
        click.option("--skeleton", help="Joints of RECORDS, where its format leaves them open."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@frame_options
@click.option("-o", "--output", type=click.Path(), help="File to write; tracked.ndjson by default.")
@click.option("--to", "to_format", default="native", show_default=True, help="Format to write.")
@click.option("--offline", is_flag=True, help="See the whole clip: merge and join whole flows.")
@click.option(
    "--building",
    type=click.Choice(["identities", "confidence"]),
    help="With --offline, flows are: the online identities (default), or the paper's most "
    "confident ways through the poses.",
)
@click.option("--smooth", is_flag=True, help="Smooth the joints of every person over time.")
@click.option("--reference", is_flag=True, help="Rules of the public PoseFlow, not our own.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def track(records: str, video: str | None, images: tuple[str, ...], **given: Any) -> None:
    """Give stored poses identities, anew and without a network; pictures come from the clip."""
    from pipeline.stored.retrack import retrack_records
    from rmpe.formats import get_format
    from rmpe.runtimes import limit_threads
    from tracking import DEFAULT, POSEFLOW_REFERENCE, OneEuroSmoother

    if given["building"] and not given["offline"]:
        raise click.UsageError("--building is about whole clips: give --offline too")
    output = Path(given["output"] or Path(records).parent / "tracked.ndjson")
    if output.exists() and output.samefile(records):
        raise click.UsageError(f"{output} is the file to read; give another --output")
    with wrong_use():
        target = get_format(given["to_format"])
    stored = read_stored(records, given)
    threads = limit_threads()
    reader = open_frames(stored, video, images, threads.video)
    with frame_bar(reader, given["quiet"]) as bar:
        people = retrack_records(
            reader,
            stored,
            lambda header: target.writer(output, header),
            parameters=POSEFLOW_REFERENCE if given["reference"] else DEFAULT,
            whole_clip=(given["building"] or "identities") if given["offline"] else None,
            smoother=OneEuroSmoother() if given["smooth"] else None,
            on_frame=lambda _: bar.update(),
        )
    click.echo(f"{people} people -> {output}")


@click.command()
@frame_options
@click.option("-o", "--output", type=click.Path(), help="File to write; a folder for pictures.")
@click.option(
    "--min-joint-score", default=0.3, show_default=True, help="Leave out joints below it."
)
@click.option("--no-limbs", is_flag=True, help="Draw no limbs and joints.")
@click.option("--no-boxes", is_flag=True, help="Draw no boxes.")
@click.option("--no-ids", is_flag=True, help="Write no ids.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def render(records: str, video: str | None, images: tuple[str, ...], **given: Any) -> None:
    """Draw stored poses onto their clip or pictures; no network is run.

    Writes rendered.mp4, or for pictures the folder rendered, beside RECORDS by default.
    """
    from pipeline.stored.render import render_records
    from rmpe.drawing import DrawingStyle
    from rmpe.runtimes import limit_threads

    stored = read_stored(records, given)
    threads = limit_threads()
    reader = open_frames(stored, video, images, threads.video)
    name = "rendered" if reader.info.image_names else "rendered.mp4"
    output = Path(given["output"] or Path(records).parent / name)
    style = DrawingStyle(
        min_joint_score=given["min_joint_score"],
        limbs=not given["no_limbs"],
        boxes=not given["no_boxes"],
        ids=not given["no_ids"],
    )
    with frame_bar(reader, given["quiet"]) as bar:
        count = render_records(
            reader,
            stored,
            output,
            style=style,
            video_threads=threads.video,
            on_frame=lambda _: bar.update(),
        )
    click.echo(f"{count} frames -> {output}")


def read_stored(records: str, given: dict[str, Any]) -> PoseReader:
    """Return stored poses in the format and with the joints that were given, if any."""
    from rmpe.formats import ReadHints, read_records
    from rmpe.skeletons import get_skeleton

    with wrong_use():
        joints = get_skeleton(given["skeleton"]) if given["skeleton"] else None
        return read_records(records, given["from_format"], ReadHints(skeleton=joints))


def open_frames(
    stored: PoseReader, video: str | None, images: tuple[str, ...], threads: int
) -> Reader:
    """Return the frames of stored poses: of a clip or pictures given, or those that they name.

    Args:
        stored: the poses.
        video: the clip, if it was given.
        images: pictures or folders, if they were given.
        threads: threads that decode a clip.
    """
    from pipeline.readers import ImageReader, VideoReader
    from pipeline.readers.finding import find_images

    if video and images:
        raise click.UsageError("give --video or --images, not both")
    with wrong_use(OSError):
        if images or (stored.header.image_names and not video):
            pictures = find_images(images or (stored.header.source,))
            return ImageReader(pictures, source=str(pictures[0].parent))
        return VideoReader(video or stored.header.source, threads=threads)
