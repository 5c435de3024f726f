"""A live run: a camera or stream in, results with bounded latency out, recorded and shown."""

from pipeline.live.capture import LiveReader, LiveReadOptions
from pipeline.live.events import Events
from pipeline.live.outlets import Outlet, open_carrier
from pipeline.live.recording import Recorder, SegmentLimits
from pipeline.live.session import LiveOptions, LiveSession, LiveSummary

__all__ = [
    "Events",
    "LiveOptions",
    "LiveReadOptions",
    "LiveReader",
    "LiveSession",
    "LiveSummary",
    "Outlet",
    "Recorder",
    "SegmentLimits",
    "open_carrier",
]
