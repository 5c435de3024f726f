"""Run a network on an engine: one protocol, and the choice of device, engine and precision."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rmpe.runtimes.base import (
    DEVICES_HELP,
    NetworkOutput,
    Precision,
    Runtime,
    RuntimeName,
    as_array,
    build_runtime,
    choose_device,
)
from rmpe.runtimes.bundled import bundled_runtime
from rmpe.runtimes.threads import ThreadCounts, limit_threads

if TYPE_CHECKING:
    from rmpe.runtimes.preprocess import PreprocessedNetwork

_LATER = {"PreprocessedNetwork": "rmpe.runtimes.preprocess"}
"""What needs torch, and where it is."""

__all__ = [
    "DEVICES_HELP",
    "NetworkOutput",
    "Precision",
    "PreprocessedNetwork",
    "Runtime",
    "RuntimeName",
    "ThreadCounts",
    "as_array",
    "build_runtime",
    "bundled_runtime",
    "choose_device",
    "limit_threads",
]


def __getattr__(name: str) -> Any:
    """Load a name that needs torch the first time it is asked for (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module 'rmpe.runtimes' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
