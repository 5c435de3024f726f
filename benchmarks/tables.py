"""Measured figures as tables: printed, kept as JSON in the tree, and written into the pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
SCALE = ROOT / "docs" / "scale.md"
MEASURED = ROOT / "benchmarks" / "measured.json"
MEASURED_SCALE = ROOT / "benchmarks" / "measured_scale.json"
BEGIN, END = "<!-- bench_pipeline.py -->\n", "<!-- / bench_pipeline.py -->\n"


@dataclass(frozen=True)
class Table:
    """Figures of one kind."""

    title: str
    """What they are of: a sentence."""
    columns: tuple[str, ...]
    """What stands in each column; the first names the row."""
    rows: tuple[tuple[str, ...], ...]
    """A cell for each column."""


def as_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table of such rows."""
    return Table(title, tuple(columns), tuple(tuple(row) for row in rows))


def markdown(tables: Sequence[Table]) -> str:
    """Return the tables as Markdown, each under its title."""
    lines = []
    for table in tables:
        lines += [f"{table.title}:", "", _row(table.columns), _row(["---"] * len(table.columns))]
        lines += [*(_row(row) for row in table.rows), ""]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(tables: Sequence[Table], page: Path, kept: Path) -> None:
    """Put the tables into a page, and keep them as JSON."""
    page.write_text(with_tables(page.read_text("utf-8"), tables), encoding="utf-8")
    save(tables, kept)


def save(tables: Sequence[Table], path: Path = MEASURED) -> None:
    """Write the tables as JSON."""
    text = json.dumps([asdict(table) for table in tables], indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def load(path: Path = MEASURED) -> list[Table]:
    """Read tables that were saved."""
    items = json.loads(path.read_text(encoding="utf-8"))
    return [as_table(item["title"], item["columns"], item["rows"]) for item in items]


def told_in(text: str) -> str:
    """Return the part of a page that the tables fill.

    Raises:
        ValueError: its begin or end is not marked.
    """
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


def with_tables(text: str, tables: Sequence[Table]) -> str:
    """Return a page with the tables in their place, its other lines as they are."""
    return text.replace(BEGIN + told_in(text) + END, BEGIN + "\n" + markdown(tables) + "\n" + END)
