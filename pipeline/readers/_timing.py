"""The time of every decoded frame, in seconds from the start of the clip."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import av

# Streams that were joined, or whose sender began again, start their times anew: FFmpeg takes a step
# back of a tenth of a second for that, and in MPEG streams one ahead of ten seconds.
_BACK_S = 0.1
_AHEAD_S = 10.0
"""A longer step is no pause of a recording but another clock, where that may be."""
_MAY_JUMP_AHEAD = frozenset({"mpegts", "mpeg"})
_RAW = frozenset({"h264", "hevc", "m4v", "mpegvideo"})
_RATE_IN_CODEC = _RAW | {"dv"}
_WITHOUT_TIMES = _RAW | {"jpeg_pipe", "mjpeg"}


def frame_rate(stream: av.VideoStream) -> Fraction:
    """Return a stream's frames a second, 0 where nothing says them.

    Of a raw stream FFmpeg's average is its own guess of 25, of raw DV 60000; the codec's headers
    say better.
    """
    rates = [stream.average_rate, stream.guessed_rate]
    if stream.container.format.name in _RATE_IN_CODEC:
        rates.reverse()
    return Fraction(rates[0] or rates[1] or 0)


def guessed_rate_note(stream: av.VideoStream) -> str:
    """Return what is to be said of a stream that has neither times nor a rate; else nothing."""
    is_bare = stream.container.format.name in _WITHOUT_TIMES
    if not is_bare or stream.codec_context.framerate:
        return ""
    rate = float(frame_rate(stream))
    return f"the stream says no times: {rate:g} frames a second are taken"


class FrameClock:
    """Turns the container's timestamps into times that never go back.

    Most containers store presentation times and the decoder hands them on. AVI and raw streams do
    not: there a frame that was moved by the decoder carries the time of another one. Their chunks
    are evenly spaced, so the n-th frame that comes out takes the time of the n-th chunk that went
    in (chunks without data, which repeat a picture, keep their time but give no frame).

    Where the stamps begin anew, times go on from the frame before.

    Attributes:
        jump_s: seconds by which the stamps jumped at the latest frame; 0 if they went on.
    """

    def __init__(self, stream: av.VideoStream, start_pts: int | None = None) -> None:
        self._base = Fraction(stream.time_base or Fraction(1, 1000))
        self._rate = frame_rate(stream) or Fraction(25)
        self._by_chunk = stream.container.format.name in _RAW | {"avi"}
        self._start = stream.start_time if start_pts is None else start_pts
        self._chunks: deque[int] = deque()
        self._may_jump_ahead = stream.container.format.name in _MAY_JUMP_AHEAD
        self._shift_s = 0.0
        self.jump_s = 0.0
        self._last_s = -1.0
        self._count = 0
        self._standing = 0

    @property
    def has_jumped(self) -> bool:
        """Whether the stamps began anew at some frame so far."""
        return self._shift_s != 0.0

    @property
    def last_s(self) -> float:
        """Time of the latest frame in seconds; below 0 before the first."""
        return self._last_s

    @property
    def standing_note(self) -> str:
        """What is to be said of times that mostly stand still; else nothing."""
        if 2 * self._standing < self._count:
            return ""
        return (
            f"{self._standing} of {self._count} frames have no later time than the frame before: "
            "times in seconds mean nothing here"
        )

    def sent(self, packet: av.Packet) -> None:
        """Note a chunk that goes into the decoder."""
        if self._by_chunk and packet.size and packet.dts is not None:
            self._chunks.append(packet.dts)

    def refused(self) -> None:
        """Note that the latest chunk was damaged and gives no frame."""
        if self._chunks:
            self._chunks.pop()

    def time_of(self, frame: av.VideoFrame) -> float:
        """Return the time of the next decoded frame in seconds, later than any before."""
        stamp = frame.pts
        self.jump_s = 0.0
        if self._by_chunk:
            stamp = self._chunks.popleft() if self._chunks else None
        tick_s = float(1 / self._rate)
        if stamp is None:
            time_s = self._last_s + tick_s if self._count else 0.0
        else:
            if self._start is None:
                self._start = stamp
            time_s = float((stamp - self._start) * self._base) + self._shift_s
            step_s = time_s - self._last_s
            if self._count and (step_s < -_BACK_S or (self._may_jump_ahead and step_s > _AHEAD_S)):
                self.jump_s = step_s - tick_s
                self._shift_s -= self.jump_s
                time_s = self._last_s + tick_s
        if self._count and time_s <= self._last_s:
            self._standing += 1
            time_s = self._last_s + min(tick_s, float(self._base))
        self._last_s = time_s
        self._count += 1
        return time_s
