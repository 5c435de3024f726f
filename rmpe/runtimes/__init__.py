"""Run a network on an engine: one protocol, and the choice of device, engine and precision."""

from __future__ import annotations

from rmpe.runtimes.base import (
    DEVICES_HELP,
    Precision,
    Runtime,
    RuntimeName,
    build_runtime,
    choose_device,
)
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.runtimes.threads import ThreadCounts, limit_threads

__all__ = [
    "DEVICES_HELP",
    "Precision",
    "PreprocessedNetwork",
    "Runtime",
    "RuntimeName",
    "ThreadCounts",
    "build_runtime",
    "choose_device",
    "limit_threads",
]
