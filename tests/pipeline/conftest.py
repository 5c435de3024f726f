"""Small stages and sources for the pipeline's tests, and a check that no thread is left."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from pipeline.stage import Stage
from rmpe.records import Frame


@pytest.fixture(autouse=True)
def no_thread_left():
    """Fail a test that leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and set(threading.enumerate()) - before:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()


def make_frames(count, size=(4, 4), start=0):
    """Yield frames 0..count-1 whose every pixel is the frame's index modulo 256."""
    for index in range(start, start + count):
        image = np.full((*size, 3), index % 256, np.uint8)
        yield Frame(index, index / 10, image)


@dataclass
class FunctionStage(Stage):
    """A stage out of a function of one item; remembers how it was closed."""

    function: object
    name: str = "work"
    workers: int = 1
    last: tuple = ()
    closed: list = field(default_factory=list)

    def process(self, item):
        return [self.function(item)]

    def finish(self):
        return self.last

    def close(self, complete):
        self.closed.append(complete)


@pytest.fixture
def frames():
    """The function :func:`make_frames`."""
    return make_frames


@pytest.fixture
def stage():
    """The class :class:`FunctionStage`."""
    return FunctionStage
