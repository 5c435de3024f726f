"""Finds out where decoding has to begin for a clip that is wanted from some frame on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av

from pipeline.readers.address import ffmpeg_name
from rmpe.pictures import film_of

# Containers whose marked keyframes are true ones: what follows them never looks back.
_SEEKABLE = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
# Decoders put pictures in order over at most 16 others.
_LONGEST_REORDERING = 32


@dataclass(frozen=True)
class SeekPlan:
    """Where to begin, and how to number what comes."""

    keyframe_pts: int
    """Timestamp of the keyframe that decoding begins with."""
    presented_before: int
    """Frames of the clip that are shown before that keyframe."""
    kept_before: int
    """How many of those are at the start in seconds or after it."""


def plan_seek(path: str, start_s: float, frames: int = 0) -> SeekPlan | None:
    """Return the plan for a wanted frame, None if decoding must begin at the clip's first frame.

    The packets before it are read but not decoded, so frames keep the numbers that they have in
    the whole clip. There is no plan for containers whose keyframes or times cannot be relied on.

    Args:
        path: the file.
        start_s: seconds of the clip to leave out.
        frames: frames to leave out after that.
    """
    with av.open(ffmpeg_name(path), metadata_errors="replace") as container:
        stream = film_of(container)
        if container.format.name not in _SEEKABLE or stream is None or not stream.time_base:
            return None
        if stream.start_time is None:
            return None
        base, origin = Fraction(stream.time_base), stream.start_time
        times: list[int] = []
        keyframes: set[int] = set()
        before_start, after_start = 0, 0
        for packet in container.demux(stream):
            if not packet.size or packet.is_discard:
                continue
            if packet.pts is None:
                return None
            times.append(packet.pts)
            if packet.is_keyframe:
                keyframes.add(packet.pts)
            if float((packet.pts - origin) * base) < start_s:
                before_start += 1
            else:
                after_start += 1
            if after_start > frames + _LONGEST_REORDERING:
                break
    times.sort()
    wanted = before_start + frames
    if wanted >= len(times) or len(set(times)) < len(times):
        return None
    begin = max((p for p in range(wanted + 1) if times[p] in keyframes), default=0)
    if not begin:
        return None
    return SeekPlan(times[begin], begin, max(begin - before_start, 0))
