"""The figures of the README and of the page about scale are what the benchmark wrote."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("page", "kept"),
    [(tables.README, tables.MEASURED), (tables.SCALE, tables.MEASURED_SCALE)],
    ids=["README", "scale"],
)
def test_a_page_holds_what_was_measured_and_nothing_else(page: Path, kept: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert tables.with_tables(text, tables.load(kept)) == text


def test_tables_are_written_into_their_page_and_kept(tmp_path: Path) -> None:
    page, kept = tmp_path / "page.md", tmp_path / "kept.json"
    page.write_text(f"{tables.BEGIN}{tables.END}", encoding="utf-8")
    tables.write([TWO], page, kept)
    assert "| pose | 5.0 ms |" in page.read_text(encoding="utf-8")
    assert tables.load(kept) == [TWO]
