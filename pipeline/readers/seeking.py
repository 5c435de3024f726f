"""Finds out where decoding has to begin for a clip that is wanted from some second on."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import av


@dataclass(frozen=True)
class SeekPlan:
    """Where to begin, and how to number what comes."""

    keyframe_pts: int
    """Timestamp of the keyframe that decoding begins with."""
    presented_before: int
    """Frames of the clip that are shown before that keyframe."""


def plan_seek(path: str, start_s: float) -> SeekPlan | None:
    """Return the plan for a start in seconds, None if decoding must begin at the first frame.

    The packets before the start are read but not decoded, so the frames keep the index that they
    have in the whole clip. Containers whose packets have no presentation time cannot be planned.
    """
    with av.open(path, metadata_errors="replace") as container:
        stream = container.streams.video[0]
        if stream.time_base is None or container.format.name == "avi":
            return None
        origin = stream.start_time or 0
        start_pts = origin + int(start_s / stream.time_base)
        times: list[int] = []
        keyframes: list[int] = []
        for packet in container.demux(stream):
            if not packet.size or packet.is_discard:
                continue
            if packet.pts is None or packet.dts is None:
                return None
            times.append(packet.pts)
            if packet.is_keyframe and packet.pts <= start_pts:
                keyframes.append(packet.pts)
            if packet.dts >= start_pts:
                break
    if not keyframes:
        return None
    begin = max(keyframes)
    return SeekPlan(begin, bisect_left(sorted(times), begin))
