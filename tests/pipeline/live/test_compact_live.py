"""The compact preset on streams faster than it: the newest frame, and every frame accounted for.

The latency that it holds is a timing; ``benchmarks/live/bench_live.py`` measures and judges it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.session import LiveOptions, LiveSession, warm_up
from pipeline.stages.track import build_tracker
from rmpe.estimator import PoseEstimator
from rmpe.synthetic import crossing_scene
from tests.pipeline.live.conftest import MjpegSender, UdpSender

FRAMES, RENDERED = 60, 10


@pytest.fixture(scope="module")
def estimator() -> PoseEstimator:
    """The compact preset, warm."""
    made = PoseEstimator.from_preset("compact", threads=1)
    warm_up(made, 320, 240)
    return made


@pytest.fixture(scope="module")
def crossing() -> Callable[[], Iterator[np.ndarray]]:
    """A function that yields the pictures of two people who cross."""
    scene = crossing_scene(320, 240)
    pictures = [scene.frame_at(5 * index).image_bgr for index in range(RENDERED)]
    return lambda: (pictures[index % RENDERED] for index in range(FRAMES))


@pytest.mark.parametrize(("over", "fps"), [("http", 25), ("udp", 15)])
def test_every_frame_is_accounted_for(
    over: str,
    fps: int,
    mjpeg: Callable[..., MjpegSender],
    udp: Callable[..., UdpSender],
    udp_port: int,
    estimator: PoseEstimator,
    crossing: Callable[[], Iterator[np.ndarray]],
) -> None:
    if over == "http":
        sender: Any = mjpeg(fps=fps, pictures=crossing)
        reader = LiveReader(sender.address)
    else:
        sender = udp(udp_port, fps=fps, patient=True, pictures=crossing)
        reader = LiveReader(f"udp://127.0.0.1:{udp_port}", LiveReadOptions(stall_s=1.0))
    people = []
    session = LiveSession(reader, estimator, LiveOptions(), build_tracker())
    summary = session.run(on_result=lambda result: people.append(len(result.poses)))
    counts = summary.status.counts
    assert counts.captured == sender.sent == FRAMES == counts.processed + counts.dropped_total
    assert set(counts.dropped) <= {"newer_frame"}
    assert counts.held == counts.under_way == 0
    assert counts.processed == len(people) > 0
    assert sum(people) > 0, "people are found"
    longest_in_line = 4
    assert summary.status.whole_run.p50_s < longest_in_line * FRAMES / fps / counts.processed + 1
