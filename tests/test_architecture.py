"""The map of the building against the building: rooms, files that the page names, doors, sizes."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

TOPS = ("rmpe", "tracking", "pipeline", "rmpe_cli")
WITHOUT_DOOR = {"rmpe.weights"}
"""Packages that hold data files only; the command line's are for nobody but ``cli.py``."""
MOST_MODULES = 14
REPOSITORY = Path(__file__).resolve().parent.parent


def packages() -> list[str]:
    """Return every package of the program, dotted."""
    doors = [door for top in TOPS for door in (REPOSITORY / top).rglob("__init__.py")]
    return sorted(".".join(door.parent.relative_to(REPOSITORY).parts) for door in doors)


def page() -> str:
    """Return the text of the architecture page."""
    return (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_room_table_has_every_package_and_no_other() -> None:
    rows = re.findall(r"^\| `([\w/]+)/` \|", page(), re.MULTILINE)
    assert sorted(row.replace("/", ".") for row in rows) == packages()


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`([\w/.-]+\.(?:py|md|cfg|csv|ndjson)|[\w/]+/)`", page()))
    outputs = {"poses.ndjson", "__init__.py"}
    missing = [name for name in sorted(named - outputs) if not (REPOSITORY / name).exists()]
    assert missing == []


def test_every_name_that_the_page_gives_a_file_is_defined_there() -> None:
    pairs = re.findall(r"`([\w/]+\.py)`:`(\w+)`", page())
    missing = [
        f"{name} in {file}"
        for file, name in pairs
        if not re.search(
            rf"^\s*(?:def|class) {name}\b|^{name}\b",
            (REPOSITORY / file).read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]
    assert pairs
    assert missing == []


@pytest.mark.parametrize("package", packages())
def test_no_folder_holds_more_than_a_hand_can(package: str) -> None:
    folder = REPOSITORY / package.replace(".", "/")
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize(
    "package", [p for p in packages() if p not in WITHOUT_DOOR and not p.startswith("rmpe_cli")]
)
def test_a_package_has_a_door_of_a_few_documented_names(package: str) -> None:
    door = importlib.import_module(package)
    assert door.__doc__
    names = [name for name in getattr(door, "__all__", []) if not name.startswith("__")]
    assert 3 <= len(names) <= 10, names
    for name in names:
        thing = getattr(door, name)
        is_code = inspect.isclass(thing) or inspect.isroutine(thing)
        assert not is_code or inspect.getdoc(thing), name
