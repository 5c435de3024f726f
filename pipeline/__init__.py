"""From frames to tracked poses on threads: readers, stages, writers and the run that joins them.

:func:`run_video` is all that most need. Importing this is cheap; names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.assemble import assemble, run_plain, run_video
    from pipeline.engine.stage import StageError
    from pipeline.items import PosedFrame
    from pipeline.options import RunOptions
    from pipeline.readers.video import Span
    from pipeline.sources import NetworkPoses, PoseSource

_LATER = {
    "NetworkPoses": "sources",
    "PoseSource": "sources",
    "PosedFrame": "items",
    "RunOptions": "options",
    "Span": "readers.video",
    "StageError": "engine.stage",
    "assemble": "assemble",
    "run_plain": "assemble",
    "run_video": "assemble",
}

__all__ = [
    "NetworkPoses",
    "PoseSource",
    "PosedFrame",
    "RunOptions",
    "Span",
    "StageError",
    "assemble",
    "run_plain",
    "run_video",
]


def __getattr__(name: str) -> Any:
    """Load a public name the first time it is asked for (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pipeline.{_LATER[name]}"), name)
