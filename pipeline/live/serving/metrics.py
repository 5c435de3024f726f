"""The figures of a live run for Prometheus, in its text format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_COUNTERS = {
    "captured": "Frames that the source gave.",
    "processed": "Frames whose result is there.",
}
_GAUGES = {
    "results_per_s": ("results_per_second", "Results a second, of late."),
    "people": ("people", "People in the newest result."),
    "in_flight": ("frames_in_flight", "Frames on their way to a result."),
    "viewers": ("viewers", "Viewers of pictures and records."),
    "last_result_age_s": ("last_result_age_seconds", "Seconds since the newest result."),
}


def metrics_text(figures: Mapping[str, Any]) -> bytes:
    """Return the figures of :meth:`~pipeline.live.session.LiveSession.page_status` as metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(figures))
    return generate_latest(registry)


class _Figures:
    def __init__(self, figures: Mapping[str, Any]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        for name, words in _COUNTERS.items():
            yield CounterMetricFamily(f"rmpe_frames_{name}", words, value=figures.get(name, 0))
        dropped = CounterMetricFamily("rmpe_frames_dropped", "Frames left out.", labels=["reason"])
        for reason, count in figures.get("dropped", {}).items():
            dropped.add_metric([reason], count)
        yield dropped
        losses = figures.get("losses", 0)
        yield CounterMetricFamily("rmpe_source_losses", "Times the source was lost.", value=losses)
        is_up = float(figures.get("source_state", "up") == "up")
        yield GaugeMetricFamily("rmpe_source_up", "Whether the source gives frames.", value=is_up)
        for name, (metric, words) in _GAUGES.items():
            if figures.get(name) is not None:
                yield GaugeMetricFamily(f"rmpe_{metric}", words, value=float(figures[name]))
        latency = GaugeMetricFamily(
            "rmpe_latency_seconds", "From capture to result, of late.", labels=["quantile"]
        )
        for name, milliseconds in figures.get("latency_ms", {}).items():
            if milliseconds is not None:
                latency.add_metric([f"0.{name.removeprefix('p')}"], milliseconds / 1000)
        yield latency
