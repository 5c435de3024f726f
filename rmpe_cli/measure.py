"""Angles, speeds, distances and steps from stored poses: `measure`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rmpe_cli.options import OverwriteChoice, ReadingChoices, option, takes
from rmpe_cli.options.names import MEASURE_FORMATS, PLOT_FORMATS
from rmpe_cli.options.places import NEW, RECORDS, delivered, shown_place
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.kinematics import ClipMeasures, MeasureOptions

# A camera that moves by less of the picture's width is taken to stand still.
_STILL = 0.02


@dataclass(frozen=True)
class MeasureChoices:
    """Who is measured and how."""

    person: str = option(
        "--person", default="all", help="Whom: all, largest, longest, or ids as 1,3."
    )
    min_score: float = option(
        "--min-score", default=0.3, help="Take joints that score less as unknown."
    )
    max_gap: int = option(
        "--max-gap", default=10, help="Fill gaps of up to so many frames; 0 fills none."
    )
    outliers: bool = option(
        "--outliers/--keep-outliers", default=True, help="Replace single wild positions (Hampel)."
    )
    swaps: bool = option(
        "--swaps/--keep-swaps", default=True, help="Repair sides that swap for one frame."
    )
    filter: str | None = option(
        "--filter",
        default=None,
        help="How joints are smoothed: butterworth:HZ:ORDER, savgol:FRAMES:DEGREE, "
        "median:FRAMES, gaussian:FRAMES, loess:FRAMES, one-euro:HZ:BETA or none. "
        "If not given butterworth:6Hz:4, or none where a clip is too slow for it.",
    )
    facing: Literal["auto", "right", "left"] = option(
        "--facing",
        default="auto",
        type=click.Choice(["auto", "right", "left"]),
        help="Where people look; angles are taken as if they looked to the right.",
    )
    distances: tuple[str, ...] = option(
        "--distance",
        default=(),
        multiple=True,
        metavar="JOINT-JOINT",
        help="Also measure this distance; may be given several times.",
    )
    person_height: float = option(
        "--person-height",
        default=0.0,
        metavar="METRES",
        help="Give metres by the height of the first person measured.",
    )
    scale: float = option("--scale", default=0.0, help="Give metres by the pixels of one.")
    known_length: str | None = option(
        "--known-length",
        default=None,
        metavar="X1,Y1,X2,Y2=METRES",
        help="Give metres by two points of the picture and their distance.",
    )
    floor_angle: str = option(
        "--floor-angle",
        default="0",
        help="Degrees that the floor rises to the right; auto tells it from the feet.",
    )

    def options(self, fps: float) -> MeasureOptions:
        """Return the same for the library, exit code 2 if it makes no sense.

        Args:
            fps: frames a second of records without times; 0 is not known.
        """
        from rmpe.kinematics import KnownLength, MeasureOptions

        with wrong_use():
            return MeasureOptions(
                person=self.person,
                fps=fps,
                min_score=self.min_score,
                repair_swaps=self.swaps,
                outliers=self.outliers,
                max_gap=self.max_gap,
                filter=self.filter,
                facing=self.facing,
                distances=tuple(_pair(text) for text in self.distances),
                person_height_m=self.person_height,
                px_per_m=self.scale,
                known_length=KnownLength.from_text(self.known_length)
                if self.known_length
                else None,
                floor_deg=_floor(self.floor_angle),
            )


@dataclass(frozen=True)
class MeasureOutput:
    """What is written, and what is said about the camera."""

    output: Path | None = option(
        "-o",
        "--output",
        default=None,
        type=NEW,
        help="Folder to write; measures beside RECORDS by default.",
    )
    formats: tuple[str, ...] = option(
        "--format",
        default=("csv",),
        multiple=True,
        type=click.Choice(MEASURE_FORMATS),
        help="Files to write; may be given several times.",
    )
    plots: tuple[str, ...] = option(
        "--plot",
        default=(),
        multiple=True,
        type=click.Choice(PLOT_FORMATS),
        help="Also draw angles, stick figures and gait cycles.",
    )
    moving_camera: Literal["warn", "refuse", "ignore"] = option(
        "--moving-camera",
        default="warn",
        type=click.Choice(["warn", "refuse", "ignore"]),
        help="What to do where the clip is there and its camera moves.",
    )
    fps: float = option("--fps", default=0.0, help="Frames a second, where RECORDS have no times.")


@click.command()
@click.argument("records", nargs=-1, required=True, type=RECORDS)
@takes(
    choices=MeasureChoices,
    output=MeasureOutput,
    reading=ReadingChoices,
    writing=OverwriteChoice,
)
def measure(
    records: tuple[Path, ...],
    choices: MeasureChoices,
    output: MeasureOutput,
    reading: ReadingChoices,
    writing: OverwriteChoice,
) -> None:
    """Measure what people do from stored poses; no network is run.

    It gives angles, places, speeds, distances and steps as tables, plots and files for
    biomechanics programs. RECORDS are files of poses, folders that video made, or a folder of
    such folders.
    """
    from rmpe.error_words import in_words
    from rmpe.formats.outputs import check_outputs

    options = choices.options(output.fps)
    sources = _sources(records)
    folders = [_folder(place, sources, output.output) for place in range(len(sources))]
    with wrong_use():
        check_outputs(folders, sources, overwrite=writing.overwrite)
    failed = False
    with delivered(folders, sources, writing.overwrite):
        for source, folder in zip(sources, folders):
            try:
                _measure_one(source, folder, options, output, reading)
            except (OSError, ValueError) as error:
                if len(sources) == 1:
                    raise
                click.echo(f"error: {shown_place(source)}: {in_words(error)}", err=True)
                failed = True
    if failed:
        raise click.exceptions.Exit(1)


def _measure_one(
    source: Path,
    folder: Path,
    options: MeasureOptions,
    output: MeasureOutput,
    reading: ReadingChoices,
) -> None:
    from rmpe.formats import read_records
    from rmpe.formats.catalogue import notes_of
    from rmpe.kinematics import measure_clip, write_measures
    from rmpe.kinematics.outputs import filled_warnings

    hints = replace(reading.hints(), fps=output.fps)
    stored = read_records(source, reading.from_format, hints)
    shown = shown_place(source)
    for note in notes_of(stored):
        click.echo(f"note: {shown}: {note}", err=True)
    measures = measure_clip(stored, options)
    warnings = [
        *measures.warnings,
        *filled_warnings(measures, output.formats),
        *_about_the_camera(source, measures, output.moving_camera),
    ]
    files = write_measures(folder, measures, output.formats, output.plots, warnings)
    for warning in warnings:
        click.echo(f"warning: {shown}: {warning}", err=True)
    people = len(measures.people)
    who = "person" if people == 1 else "people"
    click.echo(f"{shown}: {people} {who} -> {shown_place(folder)}")
    click.echo("  " + ", ".join(file.name for file in files))


def _about_the_camera(source: Path, measures: ClipMeasures, choice: str) -> list[str]:
    """Return what is to be said about the camera: places mean nothing while it moves."""
    from pipeline.stored.camera import camera_travel
    from rmpe.report import find_clip_file

    clip = None if choice == "ignore" else find_clip_file(measures.source, source)
    if clip is None:
        return []
    travel = camera_travel(clip, measures.boxes)
    if travel < _STILL:
        return []
    words = (
        f"the camera moves, by {100 * travel:.0f} % of the picture's width: joint angles hold, "
        "places, speeds, steps and metres do not"
    )
    if choice == "refuse":
        raise ValueError(words)
    return [words]


def _sources(records: tuple[Path, ...]) -> list[Path]:
    """Return the files or folders of poses that are named, directly or by a folder of them."""
    from rmpe.formats.outputs import RECORDS_NAME

    found: list[Path] = []
    for given in records:
        if given.is_dir() and (given / RECORDS_NAME).is_file():
            found.append(given / RECORDS_NAME)
        elif given.is_dir() and (inside := sorted(given.glob(f"*/{RECORDS_NAME}"))):
            found += inside
        else:
            found.append(given)
    return found


def _folder(place: int, sources: list[Path], output: Path | None) -> Path:
    """Return where the measures of one of the sources go; several get a folder each."""
    source = sources[place]
    if output is None:
        return source.parent / "measures"
    if len(sources) == 1:
        return output
    names = [_clip_name(one) for one in sources]
    earlier = names[:place].count(names[place])
    return output / (names[place] + (f"_{earlier + 1}" if earlier else ""))


def _clip_name(source: Path) -> str:
    from rmpe.formats.outputs import RECORDS_NAME

    name = source.resolve().parent.name if source.name == RECORDS_NAME else source.stem
    return name.removesuffix("_rmpe") or "clip"


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition("-")
    if not (first and second):
        raise ValueError(f"distance is {text!r}, needed are two joints: left_wrist-right_wrist")
    return first, second


def _floor(text: str) -> float | None:
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"floor angle is {text!r}, allowed are degrees or auto") from None
