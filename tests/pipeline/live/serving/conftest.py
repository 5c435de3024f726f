"""A hub that is fed by the test, a server on a free port, and a plain HTTP reader."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the extra [serve] is not installed")
pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

from pipeline.live.events import Events
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.server import LiveServer
from rmpe.formats import ClipHeader
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton

TRIANGLE = Skeleton("triangle", ("a", "b", "c"), ((0, 1), (1, 2)), (0.1, 0.1, 0.1))


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and set(threading.enumerate()) - before:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()


class View:
    """A served hub and the means to feed and to read it."""

    def __init__(
        self, token: str = "", size: tuple[int, int] = (48, 64), noise: bool = False
    ) -> None:
        self.events = Events()
        self.size = size
        self.noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8) * noise
        self.processed = 0
        self.changed = {}
        self.header = ClipHeader(TRIANGLE, "test")
        self.hub = ViewHub(most_fps=100)
        self.hub.begin(self.header, self.events, self.figures)
        self.server = LiveServer([self.hub], token=token)
        self.port = self.server.port

    def figures(self) -> dict[str, Any]:
        return {
            "source": "test",
            "source_state": "up",
            "failure": "",
            "last_result_age_s": 0.1,
            "captured": 2 * self.processed,
            "processed": self.processed,
            "dropped": {"newer_frame": self.processed},
            "results_per_s": 10.0,
            "latency_ms": {"p50": 20.0, "p95": 40.0, "p99": None},
            "losses": 0,
            "people": 1,
            "ids": [7],
            "stages": [{"stage": "detect", "busy": 0.5}],
            **self.changed,
        }

    def show(self, index: int) -> float:
        """Show one frame with a person; return the seconds that took."""
        image = self.noise + np.uint8(index * 7 % 256)
        points = np.array([[[10, 10], [20, 30], [30, 10]]], np.float32)
        one = np.ones(1, np.float32)
        poses = Poses(
            np.array([[5, 5, 40, 40]], np.float32),
            one,
            points,
            np.ones((1, 3), np.float32),
            one,
            np.array([7]),
        )
        began = time.perf_counter()
        self.hub.show(Frame(index, index / 10, image), poses)
        self.processed += 1
        return time.perf_counter() - began

    def open(
        self, path: Path, headers: dict[str, str] | None = None
    ) -> tuple[HTTPConnection, HTTPResponse]:
        """Return an open response and its connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers=headers or {})
        return connection, connection.getresponse()

    def status(self, path: Path, headers: dict[str, str] | None = None) -> int:
        """Return the status that a request gets."""
        connection, response = self.open(path, headers)
        connection.close()
        return response.status


@pytest.fixture
def view() -> Iterator[Callable[..., View]]:
    """A function that starts a :class:`View`; all are stopped at the end."""
    views = []

    def start(**options: Any) -> View:
        views.append(View(**options))
        return views[-1]

    yield start
    for started in views:
        started.server.stop()


class Feed:
    """A thread that shows frames until it is stopped; keeps the slowest hand-over."""

    def __init__(self, view: View, gap_s: float = 0.02) -> None:
        self.slowest_s = 0.0
        self.count = 0
        self._stopping = threading.Event()
        self._view, self._gap_s = view, gap_s
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(self._gap_s):
            self.slowest_s = max(self.slowest_s, self._view.show(self.count))
            self.count += 1

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


@pytest.fixture
def feed() -> Iterator[Callable[..., Feed]]:
    """A function that feeds a view from a thread; all threads are stopped at the end."""
    feeds = []

    def start(view: View, gap_s: float = 0.02) -> Feed:
        feeds.append(Feed(view, gap_s))
        return feeds[-1]

    yield start
    for started in feeds:
        started.stop()
