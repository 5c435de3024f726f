"""The README's figures are what the benchmark wrote."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tables  # noqa: E402

TWO = tables.as_table("Time", ("network", "fp32"), [("pose", "5.0 ms")])


def test_tables_take_their_place_in_a_page_and_leave_the_rest(tmp_path: Path) -> None:
    page = f"before\n{tables.BEGIN}old\n{tables.END}after\n"
    written = tables.with_tables(page, [TWO])
    assert written == (
        f"before\n{tables.BEGIN}\nTime:\n\n| network | fp32 |\n| --- | --- |\n| pose | 5.0 ms |\n\n"
        f"{tables.END}after\n"
    )
    assert tables.with_tables(written, [TWO]) == written
    tables.save([TWO], tmp_path / "a.json")
    assert tables.load(tmp_path / "a.json") == [TWO]


def test_the_readme_holds_what_was_measured_and_nothing_else() -> None:
    page = tables.README.read_text(encoding="utf-8")
    assert tables.with_tables(page, tables.load()) == page
