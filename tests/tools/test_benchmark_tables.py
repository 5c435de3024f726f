"""Figures of time and memory in the pages are what a benchmark wrote."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import pytest  # noqa: E402
import tables  # noqa: E402

TWO = tables.as_table("Time", ("network", "fp32"), [("pose", "5.0 ms")])


PAGES = {
    "bench_pipeline.py": "README.md",
    "bench_pipeline.py cost": "docs/scale.md",
    "bench_scale.py": "docs/scale.md",
    "bench_live.py": "docs/live.md",
}
ALL_PAGES = [
    "README.md",
    *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md"))),
]
WRITTEN = re.compile(
    r"<!-- (?:table: begin|\w+\.py[ \w]*) -->.*?<!-- (?:table: end|/ \w+\.py[ \w]*) -->", re.DOTALL
)
UNIT = r"(?:ms|milliseconds?|s|seconds?|minutes?|core-hours|[kMGT]i?B|frames/s|fps)"
MEASURE = re.compile(rf"(?<![\w.,])\d[\d.,]*[ -]?{UNIT}\b")
COLUMN = re.compile(r"^\|.*\b(?:ms|MB|frames/s)\b.*\|(?=\n\| ?:?---)", re.MULTILINE)
"""The head of a table whose columns are of such a unit."""
ALLOWED = {
    "README.md": {"7.5 MB", "4.6 MB"},  # Sizes of files.
    "docs/crowds_and_boxes.md": {"0.6 MB"},  # Of a file.
    "docs/inputs.md": {"15 s", "30 s"},  # Limits.
    "docs/live.md": {"0.25 s", "5 s", "512 MiB", "500MB", "2GB", "90s"},  # Pauses and limits.
    "docs/scale.md": {"15 s"},  # A limit of Ray's.
    "docs/tracking.md": {"0.2 seconds", "20 seconds"},  # Rules.
}
"""What may stand outside of written tables: sizes, limits, rules. No measured time, no memory."""


def measures_in(text: str) -> set[str]:
    """Return times, sizes and speeds outside of what a program wrote, by their units."""
    rest = WRITTEN.sub("", text)
    return {found.strip() for found in MEASURE.findall(rest) + COLUMN.findall(rest)}


def test_tables_take_their_place_in_a_page_and_leave_the_rest(tmp_path: Path) -> None:
    page, kept = tmp_path / "page.md", tmp_path / "a.json"
    page.write_text("before\n<!-- a.py -->\nold\n<!-- / a.py -->\nafter\n", "utf-8")
    kept.write_text("{}", "utf-8")
    tables.write("a.py", page, {"one": TWO}, kept)
    table = "\nTime:\n\n| network | fp32 |\n| --- | --- |\n| pose | 5.0 ms |\n\n"
    assert page.read_text("utf-8") == f"before\n<!-- a.py -->\n{table}<!-- / a.py -->\nafter\n"
    tables.write("a.py", page, {"two": TWO}, kept)
    assert page.read_text("utf-8").count("pose | 5.0 ms") == 2
    assert tables.load(kept) == {"a.py": {"one": TWO, "two": TWO}}


@pytest.mark.parametrize("script", PAGES)
def test_a_page_holds_what_was_measured_and_nothing_else(script: str) -> None:
    page = (ROOT / PAGES[script]).read_text(encoding="utf-8")
    assert tables.with_tables(page, script, list(tables.load()[script].values())) == page


@pytest.mark.parametrize("page", ALL_PAGES)
def test_no_time_or_memory_stands_where_no_program_wrote_it(page: str) -> None:
    assert measures_in((ROOT / page).read_text("utf-8")) <= ALLOWED.get(page, set())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It takes 17 ms of processor.", {"17 ms"}),
        ("memory was 156.2 MB", {"156.2 MB"}),
        ("| p50 ms | what |\n|---|---|\n| 41 | a |", {"| p50 ms | what |"}),
        ("at 25 frames a second, 17 joints, 3 people and 0.5 px", set()),
        ("<!-- a.py -->\n| 21 ms |\n<!-- / a.py -->", set()),
    ],
)
def test_measured_times_are_known_by_their_units(text: str, found: set[str]) -> None:
    assert measures_in(text) == found
