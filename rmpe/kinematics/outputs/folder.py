"""The files of one measured clip, in one folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmpe._door import extra_module
from rmpe.kinematics.measuring import ClipMeasures, PersonMeasures
from rmpe.kinematics.outputs import opensim, tables

OUTPUT_FORMATS = ("csv", "xlsx", "parquet", "trc", "mot", "c3d")
PLOT_FORMATS = ("png", "svg")
SUMMARY_NAME = "measures.json"
_IN_METRES = ("trc", "c3d")


def write_measures(
    folder: str | Path,
    measures: ClipMeasures,
    formats: Sequence[str] = ("csv",),
    plots: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> list[Path]:
    """Write a clip's measurements and return the files.

    ``measures.json`` (facts, warnings, ranges of every angle) is always written; ``csv`` adds
    ``measures.csv``, ``measures_long.csv`` and ``steps.csv``, ``xlsx`` the same as sheets of
    ``measures.xlsx``, ``parquet`` the two tables, and ``trc``, ``mot``, ``c3d`` and plots a file
    for each person.

    Args:
        folder: where to; it is made if missing. Files of an earlier measurement are removed.
        measures: what :func:`rmpe.kinematics.measure_clip` returned.
        formats: of :data:`OUTPUT_FORMATS`.
        plots: of :data:`PLOT_FORMATS`.
        warnings: what the summary says; those of ``measures`` if none are given.

    Raises:
        OSError: a file cannot be written.
        ValueError: a format is unknown, needs metres or a library that is not installed.
    """
    folder = Path(folder)
    _check(measures, formats, plots)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder)
    facts = summary(measures) | {"warnings": list(warnings or measures.warnings)}
    written: list[Path] = []
    three = (tables.wide_table(measures), tables.long_table(measures), tables.steps_table(measures))
    if "csv" in formats:
        for table in three:
            written.append(folder / f"{table.name}.csv")
            tables.write_csv(written[-1], table)
    if "xlsx" in formats:
        written.append(folder / "measures.xlsx")
        tables.write_xlsx(written[-1], (three[0], three[2]))
    if "parquet" in formats:
        for table in three[:2]:
            written.append(folder / f"{table.name}.parquet")
            tables.write_parquet(written[-1], table)
    writers: dict[str, Callable[[Path, PersonMeasures], None]] = {
        "trc": opensim.write_trc,
        "mot": opensim.write_mot,
        "c3d": opensim.write_c3d,
    }
    for person in measures.people:
        for name, write in writers.items():
            if name in formats:
                written.append(folder / f"person{person.person.identity}.{name}")
                write(written[-1], person)
    if plots:
        from rmpe.kinematics.outputs.plots import write_plots

        for person in measures.people:
            written += write_plots(folder, person, measures.unit, plots)
    facts["files"] = [path.name for path in written]
    (folder / SUMMARY_NAME).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    return [folder / SUMMARY_NAME, *written]


def filled_warnings(measures: ClipMeasures, formats: Sequence[str]) -> list[str]:
    """Return what is to be said about values that a format cannot leave open."""
    return [
        f"person{person.person.identity}.mot: {gaps} values that are unknown were filled by "
        "straight lines, OpenSim reads no gaps"
        for person in measures.people
        if "mot" in formats and (gaps := opensim.mot_gaps(person))
    ]


def summary(measures: ClipMeasures) -> dict[str, Any]:
    """Return what is told of a clip as a whole: scale, floor, people, ranges, steps."""
    return {
        "source": measures.source,
        "unit": measures.unit,
        "px_per_m": measures.plane.px_per_m if measures.unit == "m" else None,
        "floor_deg": measures.plane.floor_deg,
        "people": [_person_summary(person) for person in measures.people],
    }


def _person_summary(person: PersonMeasures) -> dict[str, Any]:
    ranges = {}
    for series in person.of_kind("joint_angle", "segment_angle"):
        known = series.values[np.isfinite(series.values)]
        if len(known):
            numbers = {
                "least": known.min(),
                "most": known.max(),
                "mean": known.mean(),
                # Single frames between gaps have no velocity.
                "fastest_per_s": np.nanmax(np.abs(series.velocity), initial=-math.inf),
            }
            ranges[series.column] = {name: _number(value) for name, value in numbers.items()}
    gait = person.gait
    return {
        "id": person.person.identity,
        "frames": len(person.person),
        "found_in": int((person.raw.box_areas > 0).sum()),
        "from_s": _number(person.time_s[0]),
        "to_s": _number(person.time_s[-1]),
        "repaired": person.repaired,
        "angles": ranges,
        "steps": {
            "contacts": gait.contacts,
            "stride_s": _number(gait.stride_s),
            "step_s": _number(gait.step_s),
            "stride_length": _number(gait.stride_length),
            "cadence_per_min": _number(gait.cadence_per_min),
        },
    }


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def _remove_stale(folder: Path) -> None:
    """Remove what an earlier measurement left here: it may have been of other people."""
    try:
        names = json.loads((folder / SUMMARY_NAME).read_text("utf-8")).get("files", ())
    except (OSError, ValueError, AttributeError):
        return
    for name in names:
        if isinstance(name, str) and name == Path(name).name:
            (folder / name).unlink(missing_ok=True)


def _check(measures: ClipMeasures, formats: Sequence[str], plots: Sequence[str]) -> None:
    """Find what is wrong before the first file is written."""
    for given, allowed in ((formats, OUTPUT_FORMATS), (plots, PLOT_FORMATS)):
        for name in given:
            if name not in allowed:
                raise ValueError(f"got format {name!r}, there are {', '.join(allowed)}")
    for name in _IN_METRES:
        if name in formats and measures.unit != "m":
            raise ValueError(
                f"{name} holds metres: give a person's height, a scale or a known length"
            )
    needed = {"xlsx": "openpyxl", "parquet": "pyarrow", "c3d": "ezc3d"}
    extras = {"parquet": "table"}
    for name in formats:
        if name in needed:
            extra_module(needed[name], extras.get(name, name), f"--format {name}")
    if plots:
        extra_module("matplotlib", "plot", "a plot")
