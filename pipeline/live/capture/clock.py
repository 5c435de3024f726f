"""The times of a live source's frames."""

from __future__ import annotations

from pipeline.live.policy import Picture

_LEAST_STEP_S = 1e-6
"""Times of frames grow, whatever a source says."""


class FrameClock:
    """Gives frames their times, from 0 at the first on, each later than the one before.

    Times are those of the captures, or the stream's own where pictures carry them. A stream whose
    times begin anew, or are missing for a while, goes on as its data came.
    """

    def __init__(self) -> None:
        self._last_s = -_LEAST_STEP_S
        self._captured_s: float | None = None
        self._has_own = False
        self._origin_s = 0.0

    def time_of(self, picture: Picture) -> float:
        """Return the time of the next picture in seconds."""
        has_own = picture.stream_s is not None
        source_s = picture.captured_s if picture.stream_s is None else picture.stream_s
        if self._captured_s is None:
            self._origin_s = source_s
        elif has_own != self._has_own or (has_own and source_s - self._origin_s <= self._last_s):
            passed_s = max(picture.captured_s - self._captured_s, 0.0)
            self._origin_s = source_s - (self._last_s + passed_s)
        self._captured_s, self._has_own = picture.captured_s, has_own
        self._last_s = max(source_s - self._origin_s, self._last_s + _LEAST_STEP_S)
        return self._last_s
