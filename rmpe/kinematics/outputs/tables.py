"""Measurements as tables: wide (a row for each person and frame), long (a row for each value).

    wide   id, frame, time_s, faces; then for every angle, position and distance its value
           (left_knee_deg), its velocity (left_knee_deg_per_s) and acceleration
           (left_knee_deg_per_s2), and every joint's speed (left_wrist_speed_px_per_s)
    long   id, frame, time_s, kind, name, unit, value, raw, velocity, acceleration
    steps  id, time_s, frame, side, event, x

Numbers have six digits after the point; what is unknown is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmpe._door import extra_module
from rmpe.formats.table import csv_quoting, harmless_text
from rmpe.kinematics.measuring import ClipMeasures, PersonMeasures

Cell = str | int | float | None
_DIGITS = 6
"""Decimals: micrometres, and less than any rate's microseconds."""
_XLSX_ROWS = 1_048_576
"""What a sheet of Excel holds."""


@dataclass(frozen=True)
class Table:
    """A heading and rows of cells; None is an empty cell."""

    name: str
    """Name of the sheet, and of the file before its ending."""
    columns: tuple[str, ...]
    """Heading of every column."""
    rows: list[tuple[Cell, ...]]
    """Cells of every row."""


def wide_table(measures: ClipMeasures) -> Table:
    """Return one row for each person and frame."""
    columns: list[str] = ["id", "frame", "time_s", "faces"]
    names = [name for person in measures.people[:1] for name, _ in _wide_columns(person)]
    rows: list[tuple[Cell, ...]] = []
    for person in measures.people:
        cells = [[_cell(value) for value in column.tolist()] for _, column in _wide_columns(person)]
        for place, (frame, time_s, left) in enumerate(_frames(person)):
            faces = "left" if left else "right"
            start: tuple[Cell, ...] = (person.person.identity, frame, time_s, faces)
            rows.append((*start, *(column[place] for column in cells)))
    return Table("measures", (*columns, *names), rows)


def long_table(measures: ClipMeasures) -> Table:
    """Return one row for each value."""
    columns = ("id", "frame", "time_s", "kind", "name", "unit")
    numbers = ("value", "raw", "velocity", "acceleration")
    rows: list[tuple[Cell, ...]] = []
    for person in measures.people:
        frames = list(_frames(person))
        for series in person.series:
            parts = (series.values, series.raw, series.velocity, series.acceleration)
            cells = zip(*([_cell(value) for value in part.tolist()] for part in parts))
            for (frame, time_s, _), four in zip(frames, cells):
                key = (person.person.identity, frame, time_s, series.kind, series.name)
                rows.append((*key, series.unit, *four))
    return Table("measures_long", columns + numbers, rows)


def steps_table(measures: ClipMeasures) -> Table:
    """Return when feet met and left the floor."""
    rows: list[tuple[Cell, ...]] = [
        (
            person.person.identity,
            _cell(event.time_s),
            event.frame,
            event.side,
            event.kind,
            _cell(event.x),
        )
        for person in measures.people
        for event in person.events
    ]
    return Table("steps", ("id", "time_s", "frame", "side", "event", f"x_{measures.unit}"), rows)


def write_csv(path: Path, table: Table) -> None:
    """Write a table as CSV, UTF-8, a comma between cells."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        quoting = csv_quoting(table.columns)
        writer = csv.writer(file, lineterminator="\n", quoting=quoting)
        writer.writerow(map(harmless_text, table.columns))
        writer.writerows([harmless_text(cell) for cell in row] for row in table.rows)


def write_xlsx(path: Path, tables: Sequence[Table]) -> None:
    """Write tables as the sheets of one workbook; extra ``xlsx``.

    Raises:
        ValueError: openpyxl is not installed, or a table has more rows than a sheet holds.
    """
    openpyxl = extra_module("openpyxl", "xlsx", "XLSX")
    book = openpyxl.Workbook(write_only=True)
    for table in tables:
        if len(table.rows) >= _XLSX_ROWS:
            raise ValueError(
                f"{len(table.rows)} rows are more than a sheet holds ({_XLSX_ROWS - 1}); choose a "
                "person, or the formats csv or parquet"
            )
        sheet = book.create_sheet(table.name)
        sheet.freeze_panes = "A2"
        for row in (table.columns, *table.rows):
            sheet.append([harmless_text(cell) for cell in row])
    book.save(path)


def write_parquet(path: Path, table: Table) -> None:
    """Write a table as Parquet; extra ``table``.

    Raises:
        ValueError: pyarrow is not installed.
    """
    arrow = extra_module("pyarrow", "table", "Parquet")
    parquet = extra_module("pyarrow.parquet", "table", "Parquet")
    columns = list(zip(*table.rows)) or [()] * len(table.columns)
    parquet.write_table(arrow.table(dict(zip(table.columns, map(list, columns)))), path)


def _wide_columns(person: PersonMeasures) -> Iterator[tuple[str, Any]]:
    for series in person.series:
        yield series.column, series.values
        if series.kind != "speed":
            yield f"{series.column}_per_s", series.velocity
            yield f"{series.column}_per_s2", series.acceleration


def _frames(person: PersonMeasures) -> Iterator[tuple[int, float, bool]]:
    times = np.round(person.time_s, _DIGITS).tolist()
    return zip(person.person.frames.tolist(), times, person.faces_left.tolist())


def _cell(value: float) -> float | None:
    return round(value, _DIGITS) if np.isfinite(value) else None
