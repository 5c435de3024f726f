"""The drawn street of the benchmark, for the tracker's tests."""

from __future__ import annotations

from types import ModuleType

import pytest

from benchmarks.tracking import identity_scores as identity_scores_module
from benchmarks.tracking import walkers as walkers_module


@pytest.fixture(scope="session")
def walkers() -> ModuleType:
    """``WalkerScene`` and ``disturb``."""
    return walkers_module


@pytest.fixture(scope="session")
def identity_scores() -> ModuleType:
    """``score_identities`` and the plain ``IouTracker``."""
    return identity_scores_module
