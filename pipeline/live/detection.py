"""Detection with the time that is left: ``--detect-every auto``.

Every frame that is taken brings the time since the one before; estimating the poses around the
people already known costs some of it; what is left is saved up, and when it pays for a detection,
one is made. With nobody to follow everything is left, and every frame is looked at.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Protocol

from pipeline.engine.stage import Stage
from pipeline.items import DetectedFrame, PosedFrame
from pipeline.stages.detect import FindBoxes
from pipeline.stages.follow import FollowStage
from rmpe.records import Frame

_SMOOTHING = 0.2
_LONGEST_WITHOUT_S = 1.0


class DetectionBudget:
    """Decides which frames are searched for people; thread-safe.

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
        """Return whether the frame that is taken now shall be searched.

        Args:
            now_s: any clock; the frames' distances count.
        """
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


class DetectionRhythm(Protocol):
    """Decides which frames are searched for people."""

    def wants(self, now_s: float) -> bool:
        """Return whether the frame that is taken now shall be searched."""

    def note_detection(self, seconds: float) -> None:
        """Take the duration of a detection."""

    def note_estimate(self, seconds: float) -> None:
        """Take the duration of estimating one frame."""


class RhythmicDetectStage(Stage):
    """Frames in, frames with boxes out; those left out with ``boxes=None``, none held back."""

    name = "detect"

    def __init__(self, find_boxes: FindBoxes, rhythm: DetectionRhythm) -> None:
        self._find_boxes = find_boxes
        self._rhythm = rhythm

    def process(self, item: Frame) -> Iterable[DetectedFrame]:
        """Search one frame, or leave it to the poses of the one before."""
        began_s = time.perf_counter()
        if not self._rhythm.wants(began_s):
            return [DetectedFrame(item, None)]
        boxes = self._find_boxes([item])[0]
        self._rhythm.note_detection(time.perf_counter() - began_s)
        return [DetectedFrame(item, boxes)]


class TimedFollowStage(Stage):
    """A :class:`~pipeline.stages.follow.FollowStage` whose duration the rhythm gets to know."""

    name = "estimate"

    def __init__(self, follow: FollowStage, rhythm: DetectionRhythm) -> None:
        self._follow = follow
        self._rhythm = rhythm

    def process(self, item: DetectedFrame) -> Iterable[PosedFrame]:
        """Estimate one frame."""
        began_s = time.perf_counter()
        posed = self._follow.process(item)
        self._rhythm.note_estimate(time.perf_counter() - began_s)
        return posed


def _smoothed(before: float, value: float) -> float:
    return value if before == 0 else before + _SMOOTHING * (value - before)
