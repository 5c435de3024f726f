"""From frames to tracked poses on threads: readers, stages, writers and the run that joins them.

Importing this is cheap; the names below load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.assemble import RunOptions, run_video
    from pipeline.engine.stage import StageError
    from pipeline.readers.video import Span

_LATER = {
    "RunOptions": "pipeline.assemble",
    "Span": "pipeline.readers.video",
    "StageError": "pipeline.engine.stage",
    "run_video": "pipeline.assemble",
}

__all__ = ["RunOptions", "Span", "StageError", "run_video"]


def __getattr__(name: str) -> Any:
    """Load a public name the first time it is asked for (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
