"""The gate accounts for every frame, keeps the newest, and bounds what waits."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from pipeline.engine.channel import ClosedError
from pipeline.live.policy import (
    REPLACED,
    STOPPED,
    UNFINISHED,
    BacklogError,
    FrameGate,
    InFlightControl,
    Picture,
)


def picture(captured_s: float | None = None, nbytes: int = 12) -> Picture:
    image = np.zeros((2, 2, 3), np.uint8)
    return Picture(time.monotonic() if captured_s is None else captured_s, lambda: image, nbytes)


def test_newest_keeps_the_latest_frame_and_counts_what_it_replaced() -> None:
    gate = FrameGate("newest")
    for _ in range(5):
        assert gate.offer(picture())
    assert gate.take(0).index == 4
    counts = gate.counts()
    assert (counts.captured, counts.dropped, counts.under_way) == (5, {REPLACED: 4}, 1)


def test_no_more_frames_than_allowed_are_under_way() -> None:
    gate = FrameGate("newest", under_way=2)
    for _ in range(2):
        gate.offer(picture())
        gate.take(0)
    gate.offer(picture())
    assert gate.take(0) is None
    gate.done(0)
    assert gate.take(0).index == 2
    gate.offer(picture())
    gate.under_way_limit = 3
    assert gate.take(0).index == 3


def test_done_tells_the_time_since_the_capture() -> None:
    gate = FrameGate()
    gate.offer(picture(time.monotonic() - 5))
    assert 5 <= gate.done(gate.take(0).index) < 6


def test_every_drops_nothing_and_says_when_too_much_waits() -> None:
    gate = FrameGate("every", under_way=None, max_backlog=3)
    for _ in range(3):
        gate.offer(picture())
    with pytest.raises(BacklogError, match=r"3 captured frames wait .*--policy newest"):
        gate.offer(picture())
    gate.end()
    assert [gate.take(0).index for _ in range(3)] == [0, 1, 2]
    assert gate.counts().dropped == {}
    with pytest.raises(ClosedError):
        gate.take(0)


def test_every_is_bounded_in_bytes_too() -> None:
    gate = FrameGate("every", under_way=None)
    gate.offer(picture(nbytes=2**30))
    with pytest.raises(BacklogError, match="1024 MiB"):
        gate.offer(picture())


@pytest.mark.parametrize("free", ["take", "stop"])
def test_a_source_that_may_wait_waits_for_room_until_the_gate_is_stopped(free: str) -> None:
    gate = FrameGate("every", under_way=None, max_backlog=1, may_wait=True)
    gate.offer(picture())
    answers = []
    thread = threading.Thread(target=lambda: answers.append(gate.offer(picture())))
    thread.start()
    time.sleep(0.05)
    assert answers == []
    gate.take(1) if free == "take" else gate.stop()
    thread.join(2)
    assert answers == [free == "take"]


def test_every_frame_is_accounted_for_after_a_stop() -> None:
    gate = FrameGate("every", under_way=2)
    for _ in range(10):
        gate.offer(picture())
    gate.done(gate.take(0).index)
    gate.take(0)
    gate.stop()
    assert not gate.offer(picture())
    gate.abandon()
    counts = gate.counts()
    assert counts.dropped == {STOPPED: 8, UNFINISHED: 1}
    assert counts.captured == counts.processed + counts.dropped_total == 10


@pytest.mark.parametrize("wrong", [{"policy": "oldest"}, {"under_way": 0}, {"max_backlog": 0}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"supported are|allowed is"):
        FrameGate(**wrong)


def test_fewer_frames_go_under_way_when_results_are_late_and_more_when_there_is_time() -> None:
    control = InFlightControl(0.2)
    assert control.limit == 2
    for _ in range(10):
        late = control.update(0.3, dropped=0)
    assert late == 1
    for _ in range(40):
        assert control.update(0.05, dropped=0) == 1, "nothing is dropped: nothing to gain"
    for turn in range(60):
        limit = control.update(0.05, dropped=turn)
    assert limit == InFlightControl.MOST


def test_one_straggler_of_ten_changes_nothing() -> None:
    control = InFlightControl(0.2)
    for latency in [0.1] * 9 + [3.0]:
        limit = control.update(latency, dropped=0)
    assert limit == 2


def test_a_latency_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        InFlightControl(0)
