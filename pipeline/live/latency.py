"""How late results are: percentiles over a whole run in fixed memory, and over the last moments."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.live.policy import FrameCounts

_SHORTEST_S = 1e-4
_GROWTH = 1.02
_BINS = 700
"""Lowest bin of the histogram, ratio of neighbours, and number: 0.1 ms * 1.02^700 is 105 s."""
_RECENT = 100
"""Results that the figures of the moment are of."""
_SILENT_AFTER_S = 3.0
"""Without a result for so long the rate is 0, not that of the last ones."""


@dataclass(frozen=True)
class LatencyFigures:
    """Percentiles of the time from capture to result, seconds; NaN without a result."""

    p50_s: float
    """Half of the results came sooner."""
    p95_s: float
    """95 % came sooner."""
    p99_s: float
    """99 % came sooner."""

    def to_json(self) -> dict[str, float | None]:
        """Return milliseconds by name; null without a result."""
        seconds = {"p50": self.p50_s, "p95": self.p95_s, "p99": self.p99_s}
        return {
            name: None if math.isnan(value) else round(1000 * value, 1)
            for name, value in seconds.items()
        }


class LatencyMeter:
    """Collects latencies; its memory does not grow.

    The whole run is a histogram whose bins grow by 2 %, from 0.1 ms to 100 s, so its percentiles
    are right to 1 %; the last 100 results are kept as they are.
    """

    def __init__(self) -> None:
        self._bins = np.zeros(_BINS, np.int64)
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)
        self._lock = threading.Lock()

    def add(self, latency_s: float) -> None:
        """Take the latency of one result."""
        steps = math.log(max(latency_s, _SHORTEST_S) / _SHORTEST_S) / math.log(_GROWTH)
        with self._lock:
            self._bins[min(int(steps), _BINS - 1)] += 1
            self._recent.append((time.monotonic(), latency_s))

    def whole_run(self) -> LatencyFigures:
        """Return the percentiles of all results."""
        with self._lock:
            reached = np.cumsum(self._bins)
        total = int(reached[-1])
        if not total:
            return LatencyFigures(math.nan, math.nan, math.nan)
        p50, p95, p99 = (
            _SHORTEST_S * _GROWTH ** (float(np.searchsorted(reached, share * total)) + 0.5)
            for share in (0.5, 0.95, 0.99)
        )
        return LatencyFigures(p50, p95, p99)

    def recent(self) -> LatencyFigures:
        """Return the percentiles of the last 100 results."""
        with self._lock:
            values = [latency for _, latency in self._recent]
        if not values:
            return LatencyFigures(math.nan, math.nan, math.nan)
        p50, p95, p99 = np.percentile(values, [50, 95, 99]).tolist()
        return LatencyFigures(p50, p95, p99)

    def results_per_s(self) -> float:
        """Return the rate of the last results, 0 with fewer than two or none for three seconds."""
        with self._lock:
            if len(self._recent) < 2:
                return 0.0
            first, last = self._recent[0][0], self._recent[-1][0]
        if time.monotonic() - last > _SILENT_AFTER_S:
            return 0.0
        span = max(time.monotonic(), last) - first
        return (len(self._recent) - 1) / span if span > 0 else 0.0


@dataclass(frozen=True)
class LiveStatus:
    """A live run at one moment: what the progress line, the page and the events show."""

    counts: FrameCounts
    """Where the captured frames are."""
    recent: LatencyFigures
    """Latency of the last results."""
    whole_run: LatencyFigures
    """Latency of all results."""
    results_per_s: float
    """Results a second, of late."""
    losses: int
    """Times the source was lost."""
    people: int
    """People in the last result."""

    @classmethod
    def before_the_first(cls) -> LiveStatus:
        """Return the figures of a run that has not begun."""
        none = LatencyFigures(math.nan, math.nan, math.nan)
        return cls(FrameCounts(), none, none, 0.0, 0, 0)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        counts = self.counts
        return {
            "captured": counts.captured,
            "processed": counts.processed,
            "dropped": dict(counts.dropped),
            "in_flight": counts.held + counts.under_way,
            "results_per_s": round(self.results_per_s, 1),
            "latency_ms": self.recent.to_json(),
            "latency_ms_whole_run": self.whole_run.to_json(),
            "losses": self.losses,
            "people": self.people,
        }

    def line(self) -> str:
        """Return the progress line."""
        counts, late = self.counts, self.recent.to_json()
        parts = [
            f"{counts.processed} of {counts.captured} frames",
            f"{counts.dropped_total} dropped",
            f"{self.results_per_s:.1f}/s",
            f"{self.people} people",
        ]
        if late["p50"] is not None:
            parts.append(f"latency {late['p50']:.0f} ms, p95 {late['p95']:.0f}")
        if self.losses:
            parts.append(f"lost {self.losses}x")
        return ", ".join(parts)
