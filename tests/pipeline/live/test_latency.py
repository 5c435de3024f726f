"""Latency figures against percentiles worked out by hand, and detection with the time left."""

from __future__ import annotations

import math

import pytest

from pipeline.items import DetectedFrame, PosedFrame
from pipeline.live.events import Events
from pipeline.live.latency import LatencyMeter, LiveStatus
from pipeline.live.policy import FrameCounts
from pipeline.stages.detect import DetectStage
from pipeline.stages.follow import FollowStage
from pipeline.stages.rhythm import (
    DetectionBudget,
    EveryNth,
)
from rmpe.records import Boxes
from tests.helpers.squares import MakeFrames, SquaresEstimator


def test_percentiles_of_a_run_are_right_to_two_percent() -> None:
    meter = LatencyMeter()
    for milliseconds in range(1, 1001):
        meter.add(milliseconds / 1000)
    figures = meter.whole_run()
    assert figures.p50_s == pytest.approx(0.500, rel=0.02)
    assert figures.p95_s == pytest.approx(0.950, rel=0.02)
    assert figures.p99_s == pytest.approx(0.990, rel=0.02)
    recent = meter.recent()
    assert recent.p50_s == pytest.approx(0.9505, abs=1e-6), "the last hundred: 901..1000 ms"


def test_without_a_result_there_are_no_percentiles() -> None:
    meter = LatencyMeter()
    assert math.isnan(meter.whole_run().p50_s)
    assert meter.recent().to_json() == {"p50": None, "p95": None, "p99": None}
    assert meter.results_per_s() == 0


@pytest.mark.parametrize("latency_s", [0.0, -1.0, 1e9])
def test_latencies_out_of_range_count_at_the_ends(latency_s: float) -> None:
    meter = LatencyMeter()
    meter.add(latency_s)
    assert 0 < meter.whole_run().p99_s < 110


def test_the_progress_line_and_the_json_tell_the_same() -> None:
    meter = LatencyMeter()
    meter.add(0.1)
    counts = FrameCounts(10, 6, {"newer_frame": 3}, held=1, under_way=0)
    status = LiveStatus(counts, meter.recent(), meter.whole_run(), 5.0, losses=1, people=2)
    expected = "6 of 10 frames, 3 dropped, 5.0/s, 2 people, latency 100 ms, p95 100, lost 1x"
    assert status.line() == expected
    told = status.to_json()
    assert (told["captured"], told["processed"], told["in_flight"]) == (10, 6, 1)
    assert told["latency_ms"]["p95"] == 100.0


def test_every_listener_hears_every_event_from_its_subscription_on() -> None:
    events = Events()
    first = events.subscribe()
    events.tell("one")
    second = events.subscribe()
    events.tell("two", fact=3)
    assert [event["event"] for event in first.drain()] == ["one", "two"]
    assert [event["fact"] for event in second.drain()] == [3]
    assert first.drain() == []


def searched(
    budget: DetectionBudget | EveryNth,
    interval_s: float,
    estimate_s: float,
    detect_s: float,
    count: int,
) -> list[int]:
    """Run a budget on a clock of our own; return which frames were searched."""
    chosen = []
    for index in range(count):
        if budget.wants(index * interval_s):
            budget.note_detection(detect_s)
            chosen.append(index)
        budget.note_estimate(estimate_s)
    return chosen


def test_with_time_enough_every_frame_is_searched() -> None:
    assert searched(DetectionBudget(), 0.1, 0.02, 0.05, 10) == list(range(10))


def test_with_nobody_to_follow_only_the_detection_itself_counts() -> None:
    assert searched(DetectionBudget(), 0.0625, 0.0, 0.125, 11) == [0, 2, 4, 6, 8, 10]


def test_detection_gets_what_estimation_leaves() -> None:
    # 125 ms a frame, 94 for the poses: 31 are left, so one detection of 125 ms in four frames
    assert searched(DetectionBudget(), 0.125, 0.09375, 0.125, 13) == [0, 4, 8, 12]


def test_with_no_time_left_people_are_still_looked_for_once_a_second() -> None:
    assert searched(DetectionBudget(1.0), 0.1, 0.2, 0.1, 31) == [0, 10, 20, 30]


def test_every_nth_frame_is_searched_whatever_it_costs() -> None:
    assert searched(EveryNth(3), 0.1, 9.0, 9.0, 8) == [0, 3, 6]
    with pytest.raises(ValueError, match="1 or more"):
        EveryNth(0)


def test_the_stages_use_the_budget(people: MakeFrames, squares: type[SquaresEstimator]) -> None:
    estimator = squares()
    budget = DetectionBudget(longest_without_s=100)
    detect = DetectStage(
        lambda frames: estimator.detect([frame.image_bgr for frame in frames]), budget
    )
    follow = FollowStage(estimator, rhythm=budget)
    first, second = people([2, 2])
    (found,) = detect.process(first)
    assert len(found.boxes) == 2
    budget.note_detection(1e9)
    (left_out,) = detect.process(second)
    assert isinstance(left_out, DetectedFrame) and left_out.boxes is None
    results = [posed for item in (found, left_out) for posed in follow.process(item)]
    assert all(isinstance(posed, PosedFrame) for posed in results)
    assert [len(posed.poses) for posed in results] == [2, 2], "people are followed"
    assert isinstance(found.boxes, Boxes) and estimator.detected == 1
