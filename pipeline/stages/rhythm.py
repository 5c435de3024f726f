"""Which frames are searched for people: every n-th one, or as many as there is time for.

``--detect-every auto`` of a live run: every frame that is taken brings the time since the one
before; estimating the poses around the people already known costs some of it; what is left is saved
up, and when it pays for a detection, one is made. With nobody to follow everything is left, and
every frame is looked at.
"""

from __future__ import annotations

import threading
from typing import Literal, Protocol

DetectEvery = int | Literal["auto"]
"""Every n-th frame, or as often as there is time."""

_SMOOTHING = 0.2
_LONGEST_WITHOUT_S = 1.0


class DetectionRhythm(Protocol):
    """Decides which frames are searched for people."""

    def wants(self, now_s: float) -> bool:
        """Return whether the frame that is taken now shall be searched.

        Args:
            now_s: any clock; the frames' distances count.
        """

    def note_detection(self, seconds: float) -> None:
        """Take the duration of a detection."""

    def note_estimate(self, seconds: float) -> None:
        """Take the duration of estimating one frame."""


class EveryNth:
    """Searches every n-th frame that is taken.

    Raises:
        ValueError: ``n`` is below 1.
    """

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"detect every is {n}, allowed is 1 or more")
        self._n = n
        self._seen = 0

    def wants(self, now_s: float) -> bool:
        """Return whether the frame that is taken now is an n-th one."""
        self._seen += 1
        return (self._seen - 1) % self._n == 0

    def note_detection(self, seconds: float) -> None:
        """Durations do not matter here."""

    def note_estimate(self, seconds: float) -> None:
        """Durations do not matter here."""


class DetectionBudget:
    """Searches as often as the time allows; thread-safe.

    Args:
        longest_without_s: a frame is searched after this long in any case, so that people who
            came are found.
    """

    def __init__(self, longest_without_s: float = _LONGEST_WITHOUT_S) -> None:
        self._longest_without_s = longest_without_s
        self._saved_s = 0.0
        self._estimate_s = 0.0
        self._detect_s = 0.0
        self._last_frame_s: float | None = None
        self._last_detection_s = -float("inf")
        self._lock = threading.Lock()

    def wants(self, now_s: float) -> bool:
        """Return whether the frame that is taken now shall be searched."""
        with self._lock:
            gap_s = 0.0 if self._last_frame_s is None else now_s - self._last_frame_s
            self._last_frame_s = now_s
            left_s = max(gap_s - self._estimate_s, 0.0)
            self._saved_s = min(self._saved_s + left_s, self._detect_s)
            overdue = now_s - self._last_detection_s >= self._longest_without_s
            if not overdue and self._saved_s < self._detect_s:
                return False
            self._saved_s = 0.0
            self._last_detection_s = now_s
            return True

    def note_detection(self, seconds: float) -> None:
        """Take the duration of a detection."""
        with self._lock:
            self._detect_s = _smoothed(self._detect_s, seconds)

    def note_estimate(self, seconds: float) -> None:
        """Take the duration of estimating one frame."""
        with self._lock:
            self._estimate_s = _smoothed(self._estimate_s, seconds)


def build_rhythm(detect_every: DetectEvery) -> DetectionRhythm:
    """Return the rhythm that an option means; ``ValueError`` if it means none."""
    return DetectionBudget() if detect_every == "auto" else EveryNth(detect_every)


def _smoothed(before: float, value: float) -> float:
    return value if before == 0 else before + _SMOOTHING * (value - before)
