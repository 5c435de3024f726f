"""The drawn street of the benchmark, for the tracker's tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load(folder: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def walkers(repository: Path) -> ModuleType:
    """``WalkerScene`` and ``disturb``."""
    return _load(repository / "benchmarks", "walkers")


@pytest.fixture(scope="session")
def identity_scores(repository: Path) -> ModuleType:
    """``score_identities`` and the plain ``IouTracker``."""
    return _load(repository / "benchmarks", "identity_scores")
