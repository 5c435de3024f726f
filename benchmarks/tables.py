"""Measured figures as tables: printed, kept as JSON in the tree, and written into a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README, DOCS = ROOT / "README.md", ROOT / "docs"
MEASURED = ROOT / "benchmarks" / "measured.json"


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


def write(script: str, page: Path, found: Mapping[str, Table], path: Path = MEASURED) -> None:
    """Keep a script's tables beside those of its other parts, and put all into their page.

    Args:
        script: file name of the benchmark, which marks its place in the page.
        page: a Markdown file with that place.
        found: tables by the part that made them.
        path: where tables are kept.
    """
    kept = load(path)
    kept[script] = {**kept.get(script, {}), **found}
    content = {
        name: {part: asdict(table) for part, table in parts.items()} for name, parts in kept.items()
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    told = with_tables(page.read_text("utf-8"), script, list(kept[script].values()))
    page.write_text(told, encoding="utf-8")


def load(path: Path = MEASURED) -> dict[str, dict[str, Table]]:
    """Read what was kept: tables by script and part."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {
        script: {
            part: as_table(item["title"], item["columns"], item["rows"])
            for part, item in parts.items()
        }
        for script, parts in content.items()
    }


def with_tables(text: str, script: str, tables: Sequence[Table]) -> str:
    """Return a page with a script's tables in their place, its other lines as they are.

    Raises:
        ValueError: the place's begin or end is not marked.
    """
    begin, end = f"<!-- {script} -->\n", f"<!-- / {script} -->\n"
    before, after = text.index(begin) + len(begin), text.index(end)
    return text[:before] + "\n" + markdown(tables) + "\n" + text[after:]
