"""Stored poses in other forms: `convert` and `report`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rmpe_cli.options import OverwriteChoice, ReadingChoices, option, takes
from rmpe_cli.options.fields import EXISTING
from rmpe_cli.options.names import RECORD_FORMATS, TABLES
from rmpe_cli.options.places import NEW, RECORDS, THERE, delivered, shown_place, with_addresses
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.report import ClipMode


@dataclass(frozen=True)
class ConvertChoices:
    """What is written."""

    to_format: str = option(
        "--to",
        type=click.Choice((*RECORD_FORMATS, *TABLES)),
        help="Format to write; parquet and csv are tables, which are not read back.",
    )
    output: Path | None = option(
        "-o", "--output", default=None, type=NEW, help="File or folder to write."
    )
    fps: float = option("--fps", default=0.0, help="Frames a second, to give frames a time.")
    frames: int | None = option(
        "--frames",
        default=None,
        type=int,
        help="Frames of the clip, whose last may be without people.",
    )
    images: Path | None = option(
        "--images",
        default=None,
        type=EXISTING,
        help="Folder of the pictures that RECORDS name.",
    )
    rows: Literal["people", "joints"] = option(
        "--rows",
        default="people",
        type=click.Choice(["people", "joints"]),
        help="For tables: what a row is, for every frame.",
    )


@click.command()
@click.argument("records", type=RECORDS)
@takes(choices=ConvertChoices, reading=ReadingChoices, writing=OverwriteChoice)
def convert(
    records: Path, choices: ConvertChoices, reading: ReadingChoices, writing: OverwriteChoice
) -> None:
    """Convert stored poses between formats; joints are matched by name.

    RECORDS may be the folder of a run too.
    """
    from pipeline.readers.finding import find_images
    from rmpe.formats import convert_records, get_format, read_records
    from rmpe.formats.catalogue import notes_of
    from rmpe.formats.outputs import check_outputs
    from rmpe.formats.table import write_table

    table = choices.to_format in TABLES
    with wrong_use(OSError):
        pictures = find_images([choices.images]) if choices.images else []
        if table:
            target = choices.output or Path(f"poses.{choices.to_format}")
            if target.suffix != f".{choices.to_format}":
                raise ValueError(f"{target} does not end in .{choices.to_format}")
        else:
            target = choices.output or Path(get_format(choices.to_format).output_name)
        outputs = [target] if table else get_format(choices.to_format).outputs(target)
        check_outputs(outputs, [records], overwrite=writing.overwrite)
    hints = replace(
        reading.hints(),
        fps=choices.fps,
        frame_count=choices.frames,
        image_names=tuple(path.name for path in pictures),
    )
    with delivered(outputs, [records], writing.overwrite):
        if table:
            stored = read_records(records, reading.from_format, hints)
            for note in notes_of(stored):
                say(note)
            count = write_table(target, stored, choices.rows)
        else:
            count = convert_records(
                records,
                target,
                choices.to_format,
                reading.from_format,
                hints,
                overwrite=writing.overwrite,
                on_note=say,
            )
    click.echo(f"{count} {'rows' if table else 'frames'} -> {shown_place(target)}")


def say(note: str) -> None:
    """Say what was guessed."""
    click.echo(f"note: {note}", err=True)


@dataclass(frozen=True)
class ReportChoices:
    """What the page shows."""

    output: Path = option(
        "-o", "--output", default=Path("report.html"), type=NEW, help="Page to write."
    )
    title: str = option("--title", default="", help="Heading; by default the name of the clip.")
    video: Path | None = option(
        "--video", default=None, type=THERE, help="The clip, if RECORDS name it wrongly."
    )
    mode: ClipMode = option(
        "--clip",
        default="auto",
        type=click.Choice(["auto", "embed", "link", "strip", "none"]),
        help="Put the clip into the page, link to its file, or take a strip of small pictures.",
    )
    embed_up_to: float = option(
        "--embed-up-to", default=25.0, help="Largest clip, in MB, that --clip auto puts in."
    )
    fps: float = option("--fps", default=0.0, help="Frames a second, where RECORDS do not say.")


@click.command()
@click.argument("records", nargs=-1, required=True, type=RECORDS)
@takes(choices=ReportChoices, reading=ReadingChoices, writing=OverwriteChoice)
def report(
    records: tuple[Path, ...],
    choices: ReportChoices,
    reading: ReadingChoices,
    writing: OverwriteChoice,
) -> None:
    """Make one HTML page to look at stored poses; it needs no network.

    It shows picture, timeline and scores. Several RECORDS come onto one page with a selector.
    """
    from rmpe.formats.outputs import check_outputs
    from rmpe.report import PictureOptions, ReportOptions, write_report

    with wrong_use(OSError):
        options = ReportOptions(
            title=choices.title,
            clip=choices.video,
            pictures=PictureOptions(choices.mode, int(choices.embed_up_to * 1e6)),
            format_name=reading.from_format,
            hints=replace(reading.hints(), fps=choices.fps),
        )
        read = [*records, *([choices.video] if choices.video else [])]
        check_outputs([choices.output], read, overwrite=writing.overwrite)
        with delivered([choices.output], read, writing.overwrite):
            written = write_report(choices.output, records, options)
    for warning in written.warnings:
        click.echo(f"warning: {with_addresses(warning)}", err=True)
    for clip in written.clips:
        click.echo(f"{clip.name}: {clip.frames} frames, {clip.identities} ids, {clip.shown}")
    click.echo(f"{written.size_bytes / 1e6:.1f} MB -> {shown_place(choices.output)}")
