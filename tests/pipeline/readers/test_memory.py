"""A decoded picture is freed with its frame, not when the garbage collector comes."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import pytest

from pipeline.readers import VideoReader


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Reference counts alone free what is no longer used; what there was before is not counted."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def test_no_frame_outlives_its_use(repository: Path, no_collector: None) -> None:
    reader = VideoReader(repository / "examples/crossing.mp4")
    alive = [decoded_frames() for _ in islice(reader, 30)]
    assert max(alive[5:]) <= max(alive[:5])
    reader.close()


def decoded_frames() -> int:
    return sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
