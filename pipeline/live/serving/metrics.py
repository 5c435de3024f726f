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


def metrics_text(figures: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the figures of cameras as metrics, labelled with the cameras' names.

    Args:
        figures: what :meth:`~pipeline.live.session.LiveSession.page_status` gives, by camera; one
            whose name is empty gets no label.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(figures))
    return generate_latest(registry)


class _Figures:
    def __init__(self, figures: Mapping[str, Mapping[str, Any]]) -> None:
        self._figures = figures
        self._labels = ["camera"] if any(figures) else []

    def collect(self) -> Iterator[Metric]:
        for name, words in _COUNTERS.items():
            yield self._counter(f"frames_{name}", words, name)
        if any(figures.get("recorded") is not None for figures in self._figures.values()):
            words = "Frames in files that are whole even if the process is killed now."
            yield self._counter("frames_recorded", words, "recorded")
        yield self._dropped()
        yield self._counter("source_losses", "Times the source was lost.", "losses")
        yield self._source_up()
        for name, (metric, words) in _GAUGES.items():
            yield self._gauge(metric, words, name)
        yield self._latency()

    def _by_camera(self) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
        for camera, figures in self._figures.items():
            yield [camera] * len(self._labels), figures

    def _counter(self, metric: str, words: str, name: str) -> Metric:
        family = CounterMetricFamily(f"rmpe_{metric}", words, labels=self._labels)
        for camera, figures in self._by_camera():
            family.add_metric(camera, float(figures.get(name) or 0))
        return family

    def _gauge(self, metric: str, words: str, name: str) -> Metric:
        family = GaugeMetricFamily(f"rmpe_{metric}", words, labels=self._labels)
        for camera, figures in self._by_camera():
            if figures.get(name) is not None:
                family.add_metric(camera, float(figures[name]))
        return family

    def _source_up(self) -> Metric:
        words = "Whether the source gives frames."
        family = GaugeMetricFamily("rmpe_source_up", words, labels=self._labels)
        for camera, figures in self._by_camera():
            family.add_metric(camera, float(figures.get("source_state", "up") == "up"))
        return family

    def _dropped(self) -> Metric:
        labels = [*self._labels, "reason"]
        family = CounterMetricFamily("rmpe_frames_dropped", "Frames left out.", labels=labels)
        for camera, figures in self._by_camera():
            for reason, count in figures.get("dropped", {}).items():
                family.add_metric([*camera, reason], count)
        return family

    def _latency(self) -> Metric:
        labels = [*self._labels, "quantile"]
        words = "From capture to result, of late."
        family = GaugeMetricFamily("rmpe_latency_seconds", words, labels=labels)
        for camera, figures in self._by_camera():
            for name, milliseconds in figures.get("latency_ms", {}).items():
                if milliseconds is not None:
                    family.add_metric([*camera, f"0.{name.removeprefix('p')}"], milliseconds / 1000)
        return family
