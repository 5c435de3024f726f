"""What a run measured: busy time of every stage, waits at every channel, and who held it back."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_LOADS_EVERY_S = 1.0
"""Over less a stage is busy wholly or not at all."""


@dataclass
class StageStats:
    """Work of one stage over a run."""

    name: str
    """The stage."""
    items: int = 0
    """Items it took."""
    busy_s: float = 0.0
    """Seconds inside the stage's own work, by the clock on the wall."""
    cpu_s: float = 0.0
    """Processor seconds of the stage's own thread; helper threads of a library not counted."""
    wait_input_s: float = 0.0
    """Seconds it waited for the stage before."""
    wait_output_s: float = 0.0
    """Seconds it waited for the stage behind."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def working(self, items: int = 1) -> Iterator[None]:
        """Count the block as work on ``items`` items."""
        wall, processor = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            wall, processor = time.perf_counter() - wall, time.thread_time() - processor
            with self._lock:
                self.items += items
                self.busy_s += wall
                self.cpu_s += processor


@dataclass(frozen=True)
class RunStats:
    """Figures of one run."""

    wall_s: float
    """Seconds from the start of the threads to the end of the last."""
    results: int
    """Items that came out."""
    stages: tuple[StageStats, ...]
    """In the order of the flow."""

    @property
    def results_per_s(self) -> float:
        """Items a second."""
        return self.results / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def bottleneck(self) -> str:
        """Name of the stage that was busy for the largest part of the run."""
        busiest = max(self.stages, key=lambda stage: stage.busy_s, default=None)
        return busiest.name if busiest else ""

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them, seconds to the millisecond."""
        return {
            "wall_s": round(self.wall_s, 3),
            "frames": self.results,
            "frames_per_s": round(self.results_per_s, 2),
            "held_back_by": self.bottleneck,
            "stages": [
                {
                    "stage": stage.name,
                    "items": stage.items,
                    "busy_s": round(stage.busy_s, 3),
                    "cpu_s": round(stage.cpu_s, 3),
                    "wait_input_s": round(stage.wait_input_s, 3),
                    "wait_output_s": round(stage.wait_output_s, 3),
                }
                for stage in self.stages
            ],
        }


class StageLoads:
    """The share of the last second or so that each stage was busy."""

    def __init__(self) -> None:
        self._before: dict[str, float] = {}
        self._before_s = 0.0
        self._loads: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def update(self, stats: RunStats) -> list[dict[str, Any]]:
        """Return name and share, 0..1, of every stage but the reader, which mostly waits."""
        with self._lock:
            passed_s = stats.wall_s - self._before_s
            if passed_s >= _LOADS_EVERY_S:
                self._loads = [
                    {"stage": stage.name, "busy": round(self._share(stage, passed_s), 3)}
                    for stage in stats.stages[1:]
                ]
                self._before = {stage.name: stage.busy_s for stage in stats.stages}
                self._before_s = stats.wall_s
            return self._loads

    def _share(self, stage: StageStats, passed_s: float) -> float:
        busy_s = stage.busy_s - self._before.get(stage.name, 0.0)
        return min(max(busy_s / passed_s, 0.0), 1.0)


def stage_table(stats: RunStats) -> str:
    """Return the figures as a table of text, the stage that held the run back marked."""
    rows: list[Sequence[str]] = [
        ("stage", "items", "busy s", "busy %", "cpu s", "waits in s", "waits out s", "")
    ]
    for stage in stats.stages:
        share = stage.busy_s / stats.wall_s if stats.wall_s > 0 else 0.0
        rows.append(
            (
                stage.name,
                str(stage.items),
                f"{stage.busy_s:.2f}",
                f"{100 * share:.0f}",
                f"{stage.cpu_s:.2f}",
                f"{stage.wait_input_s:.2f}",
                f"{stage.wait_output_s:.2f}",
                "<- held the run back" if stage.name == stats.bottleneck else "",
            )
        )
    summary = f"{stats.results} frames in {stats.wall_s:.2f} s, {stats.results_per_s:.1f} frames/s"
    return "\n".join([*aligned(rows, (0, len(rows[0]) - 1)), summary])


def aligned(rows: Sequence[Sequence[str]], words: Collection[int]) -> list[str]:
    """Return the rows of a table as lines; the columns of ``words`` begin, those of figures end."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column in words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
