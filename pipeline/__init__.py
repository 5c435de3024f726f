"""From frames to tracked poses on threads: readers, stages, writers and the run that joins them.

:func:`run_video` is all that most need. Importing this is cheap; names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from pipeline.assemble import assemble, run_plain, run_video
    from pipeline.engine.stage import StageError
    from pipeline.items import PosedFrame
    from pipeline.options import RunOptions
    from pipeline.readers.span import Span
    from pipeline.sources import NetworkPoses, PoseSource

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

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "NetworkPoses": "pipeline.sources",
        "PoseSource": "pipeline.sources",
        "PosedFrame": "pipeline.items",
        "RunOptions": "pipeline.options",
        "Span": "pipeline.readers.video",
        "StageError": "pipeline.engine.stage",
        "assemble": "pipeline.assemble",
        "run_plain": "pipeline.assemble",
        "run_video": "pipeline.assemble",
    },
)
