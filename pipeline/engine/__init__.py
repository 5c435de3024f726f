"""Threads joined by bounded channels: the part of the pipeline that knows nothing of poses.

A run is a :class:`Source` and a list of :class:`Stage`, joined by a :class:`Pipeline`: iterate it.
Every channel is bounded, the first failure cancels everything and reaches the caller, and no thread
is left alive, however the iteration ends.
"""

from pipeline.engine.channel import Channel, ClosedError
from pipeline.engine.inline import run_inline
from pipeline.engine.runner import ChannelLimits, Pipeline, Source
from pipeline.engine.stage import Stage, StageError
from pipeline.engine.stats import RunStats, stage_table

__all__ = [
    "Channel",
    "ChannelLimits",
    "ClosedError",
    "Pipeline",
    "RunStats",
    "Source",
    "Stage",
    "StageError",
    "run_inline",
    "stage_table",
]
