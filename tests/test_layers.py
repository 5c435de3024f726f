"""Imports go down the rooms only: read from the source, so that no import is missed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOMS = {
    "rmpe._door": -1,
    "rmpe._assignment": 0,
    "rmpe.records": 0,
    "rmpe.json_files": -3,
    "rmpe.error_words": -1,
    "rmpe.joint_names": -3,
    "rmpe._skeleton": -2,
    "rmpe._skeleton_sets": -1,
    "rmpe.skeletons": 0,
    "rmpe.oks": 1,
    "rmpe.geometry": 1,
    "rmpe.heatmaps": 1,
    "rmpe.drawing": 2,
    "rmpe.synthetic": 1,
    "rmpe.networks": 2,
    "rmpe.runtimes": 2,
    "rmpe.pose_nms": 2,
    "rmpe.association": 2,
    "rmpe.proposals": 2,
    "rmpe.datasets": 2,
    "rmpe.formats": 3,
    "rmpe.kinematics": 4,
    "rmpe.doctor": 7,
    "rmpe.weights": 2,
    "rmpe.pictures": 1,
    "rmpe.results": 4,
    "rmpe._picture_calls": 5,
    "rmpe.detectors": 5,
    "rmpe.sstn": 3,
    "rmpe.zoo": 4,
    "rmpe.estimator": 6,
    "rmpe.evaluation": 7,
    "rmpe.report": 7,
    "rmpe.training": 8,
    "rmpe": 9,
    "tracking": 10,
    "pipeline": 11,
    "rmpe_cli": 12,
    "cli": 13,
}
TRACKING_MAY = 1
HEAVY = {
    "lightning": "rmpe.training",
    "transformers": ("rmpe.zoo.hugging_face", "rmpe.detectors.hugging_face"),
    "pycocotools": "rmpe.evaluation",
    "motmetrics": "rmpe.evaluation",
    "matplotlib": "rmpe.kinematics.outputs",
    "ray": "pipeline.fleet",
    "starlette": "pipeline.live.serving",
    "uvicorn": "pipeline.live.serving",
    "prometheus_client": "pipeline.live.serving",
    "paho": "pipeline.live.outlets",
    "fsspec": "pipeline.storage",
    "wandb": "rmpe.training",
    "trackers": "pipeline.stored",
}


def room_of(module: str) -> str | None:
    """Return the longest room name that a module lies in."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in ROOMS:
            return ".".join(parts[:length])
    return None


def imported_modules(path: Path) -> list[tuple[str, int]]:
    """Return every absolute import in a file with its line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            found.append((node.module or "", node.lineno))
    return found


def sources(repository: Path) -> list[tuple[str, Path]]:
    """Return every module of the program with its file."""
    files = [repository / "cli.py"]
    for top in ("rmpe", "tracking", "pipeline", "rmpe_cli"):
        files += sorted((repository / top).rglob("*.py"))
    result = []
    for path in files:
        parts = list(path.relative_to(repository).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        result.append((".".join(parts), path))
    return result


def test_every_module_lies_in_a_room(repository: Path) -> None:
    homeless = [m for m, _ in sources(repository) if m.startswith("rmpe.") and room_of(m) == "rmpe"]
    assert homeless == []


def test_a_room_imports_only_rooms_below_it(repository: Path) -> None:
    wrong = []
    for module, path in sources(repository):
        room = room_of(module)
        if room is None or module == "rmpe":
            continue
        for imported, line in imported_modules(path):
            other = room_of(imported)
            if other is None or other in (room, "rmpe"):
                continue
            limit = TRACKING_MAY + 1 if room == "tracking" else ROOMS[room]
            if ROOMS[other] >= limit:
                wrong.append(f"{path.relative_to(repository)}:{line} imports {imported}")
    assert wrong == []


@pytest.mark.parametrize("library", HEAVY)
def test_an_optional_library_is_imported_in_its_own_room_only(
    repository: Path, library: str
) -> None:
    users = {
        module
        for module, path in sources(repository)
        for imported, _ in imported_modules(path)
        if imported.split(".")[0] == library
    }
    assert all(module.startswith(HEAVY[library]) for module in users), users
