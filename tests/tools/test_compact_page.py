"""Every table of the bundled networks' page and cards says the command that makes it again."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "compact.md"
CARDS = sorted((ROOT / "rmpe" / "weights").glob("*.md"))
COMMAND = re.compile(r"(?:python (?:tools|benchmarks)/[\w/]+\.py|rmpe \w+)[^`\n|]*")
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]*)\)")


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """Return each table or picture of a page, and what stands above it since the heading."""
    text = re.sub(r"\\\n\s*", "", page.read_text("utf-8"))
    found, above = [], ""
    for block in re.split(r"\n\s*\n", text):
        is_table = re.search(r"^\s*\|[ -]*-[-| ]*\|$", block, re.MULTILINE) is not None
        if block.startswith("#"):
            above = ""
        if is_table or PICTURE.search(block):
            found.append((above, block))
        above += block + "\n"
    return found


@pytest.mark.parametrize("page", [PAGE, *CARDS], ids=lambda page: page.name)
def test_every_table_and_picture_stands_below_a_command(page: Path) -> None:
    for above, block in blocks_of(page):
        assert COMMAND.search(above + block), f"{page.name}: nothing makes\n{block[:300]}"


def test_tables_have_as_many_cells_in_every_row() -> None:
    for _, block in blocks_of(PAGE):
        rows = [line for line in block.splitlines() if line.strip().startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, block[:300]


@pytest.mark.parametrize("page", [PAGE, *CARDS], ids=lambda page: page.name)
def test_every_script_takes_what_the_page_gives_it(page: Path) -> None:
    for command in COMMAND.findall(re.sub(r"\\\n\s*", "", page.read_text("utf-8"))):
        words = shlex.split(command.rstrip(" ;:),."))
        if words[0] == "python":
            known = options_of(ROOT / words[1])
            given = {word for word in words[2:] if word.startswith("--")}
            assert given <= known, f"{page.name}: {command}: no {given - known}"


def options_of(script: Path) -> set[str]:
    """Return the options that a script's parser may know: its words that begin with two dashes."""
    return {
        str(node.value)
        for node in ast.walk(ast.parse(script.read_text("utf-8")))
        if isinstance(node, ast.Constant) and str(node.value).startswith("--")
    }


def test_a_lost_script_and_a_lost_option_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\nfigures:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "utf-8")
    with pytest.raises(AssertionError, match="nothing makes"):
        test_every_table_and_picture_stands_below_a_command(page)
    page.write_text("    python tools/scores/ablate_pose.py compact --no-such 1\n", "utf-8")
    with pytest.raises(AssertionError, match="--no-such"):
        test_every_script_takes_what_the_page_gives_it(page)
