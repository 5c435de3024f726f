"""Run a network on an engine: one protocol, and the choice of device, engine and precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door
from rmpe.runtimes.base import (
    NetworkOutput,
    Precision,
    Runtime,
    RuntimeName,
    as_array,
    build_runtime,
    choose_device,
)
from rmpe.runtimes.bundled import bundled_runtime
from rmpe.runtimes.threads import limit_threads

if TYPE_CHECKING:
    from rmpe.runtimes.preprocess import PreprocessedNetwork

__all__ = [
    "NetworkOutput",
    "Precision",
    "PreprocessedNetwork",
    "Runtime",
    "RuntimeName",
    "as_array",
    "build_runtime",
    "bundled_runtime",
    "choose_device",
    "limit_threads",
]

# It needs torch.
__getattr__, __dir__ = lazy_door(__name__, {"PreprocessedNetwork": "rmpe.runtimes.preprocess"})
