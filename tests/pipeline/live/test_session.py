"""A live run as a whole: bounded latency, every frame accounted for, and a quick, whole end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.stage import StageError
from pipeline.engine.stats import RunStats, StageLoads, StageStats
from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.events import Events
from pipeline.live.latency import LiveStatus
from pipeline.live.recording import Recorder
from pipeline.live.session import LiveOptions, LiveSession, warm_up, write_summary
from pipeline.stages.track import build_tracker
from rmpe.formats import ClipHeader, read_records
from rmpe.records import Frame, Poses
from tests.helpers.squares import SquaresEstimator
from tests.pipeline.live.conftest import MjpegSender, UdpSender


def total(status: LiveStatus) -> int:
    return status.counts.processed + status.counts.dropped_total


@pytest.mark.parametrize("detect_every", [1, 3, "auto"])
def test_a_network_slower_than_the_stream_stays_at_the_newest_frame(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator], detect_every: int | str
) -> None:
    sender = mjpeg(count=100, fps=60)
    session = LiveSession(
        LiveReader(sender.address),
        squares(infer_pause_s=0.06),
        LiveOptions(max_latency_s=0.2, detect_every=detect_every),
        build_tracker(),
    )
    indices = []
    summary = session.run(on_result=lambda result: indices.append(result.frame.index))
    status = summary.status
    assert status.counts.captured == sender.sent == 100 == total(status)
    assert status.counts.dropped["newer_frame"] > 20
    assert indices == sorted(set(indices)) and len(indices) == status.counts.processed
    assert 0.06 < status.whole_run.p50_s < 0.5, "the queue does not grow old: 100 frames are 6 s"
    assert summary.succeeded and status.people == 2


def test_every_processes_all_frames(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator]
) -> None:
    sender = mjpeg(count=25, fps=100)
    reader = LiveReader(sender.address, LiveReadOptions("every"))
    summary = LiveSession(reader, squares(infer_pause_s=0.02)).run()
    assert summary.status.counts.processed == sender.sent == 25
    assert summary.status.counts.dropped == {}


@pytest.mark.parametrize("policy", ["newest", "every"])
def test_every_frame_of_a_udp_stream_is_accounted_for(
    udp: Callable[..., UdpSender], udp_port: int, squares: type[SquaresEstimator], policy: str
) -> None:
    sender = udp(udp_port, fps=40, count=48, patient=True)
    reader = LiveReader(f"udp://127.0.0.1:{udp_port}", LiveReadOptions(policy, stall_s=0.8))
    summary = LiveSession(reader, squares(infer_pause_s=0.05), LiveOptions(0.2, 1)).run()
    status = summary.status
    assert status.counts.captured == sender.sent == 48 == total(status)
    assert (status.counts.dropped_total > 9) == (policy == "newest")
    assert status.counts.dropped == {} or policy == "newest"
    assert "nothing came for 0.8 s" in summary.failure, "UDP has no end of its own"
    if policy == "newest":
        assert status.whole_run.p50_s < 0.5, "the queue does not grow old"


def test_every_says_when_the_network_cannot_keep_up(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator]
) -> None:
    reader = LiveReader(mjpeg(fps=200).address, LiveReadOptions("every", max_backlog=20))
    summary = LiveSession(reader, squares(infer_pause_s=0.05)).run()
    assert "20 captured frames wait" in summary.failure and "--policy newest" in summary.failure
    assert not summary.succeeded
    assert summary.status.counts.processed == summary.status.counts.captured


def test_the_records_tell_latency_and_losses_and_the_summary_the_whole(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator], tmp_path: Path
) -> None:
    reader = LiveReader(mjpeg(count=20, fps=50).address)
    estimator, events = squares(), reader.events
    header = ClipHeader(estimator.skeleton, reader.info.source, 200, 60)
    recorder = Recorder(tmp_path, header, events)
    session = LiveSession(reader, estimator, LiveOptions(event_every_s=0.1), recorder=recorder)
    summary = session.run()
    write_summary(tmp_path, summary, {"policy": "newest"})
    records = read_records(tmp_path / "poses.ndjson")
    count = sum(1 for _ in records)
    assert records.complete
    lines = [json.loads(line) for line in (tmp_path / "poses.ndjson").read_text().splitlines()]
    told = [line for line in lines if line.get("event") == "latency"]
    assert len(told) >= 2
    assert told[-1]["processed"] == count
    assert told[-1]["captured"] == told[-1]["processed"] + sum(told[-1]["dropped"].values()) == 20
    stored = json.loads((tmp_path / "summary.json").read_text())
    assert stored["processed"] == count == stored["recording"]["frames"]
    assert stored["latency_ms_whole_run"]["p99"] >= stored["latency_ms_whole_run"]["p50"] > 0
    assert [stage["stage"] for stage in stored["timing"]["stages"]][-1] == "write record"


@pytest.mark.parametrize("policy", ["newest", "every"])
def test_a_stop_from_another_thread_ends_within_two_seconds_and_leaves_whole_files(
    mjpeg: Callable[..., MjpegSender],
    squares: type[SquaresEstimator],
    tmp_path: Path,
    policy: str,
    wait_for: Callable[..., None],
) -> None:
    reader = LiveReader(mjpeg(fps=100).address, LiveReadOptions(policy))
    estimator = squares(infer_pause_s=0.03)
    header = ClipHeader(estimator.skeleton, reader.info.source, 200, 60)
    recorder = Recorder(tmp_path, header, reader.events)
    session = LiveSession(reader, estimator, recorder=recorder)
    asked = []

    def stop() -> None:
        wait_for(lambda: session.status().counts.processed >= 5)
        asked.append(time.monotonic())
        session.request_stop()

    thread = threading.Thread(target=stop)
    thread.start()
    summary = session.run()
    assert time.monotonic() - asked[0] < 2
    thread.join()
    records = read_records(tmp_path / "poses.ndjson")
    assert sum(1 for _ in records) == summary.status.counts.processed
    assert records.complete and summary.succeeded
    assert summary.status.counts.captured == total(summary.status)


def test_a_stage_that_is_stuck_is_left_behind_in_time(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator]
) -> None:
    free = threading.Event()
    estimator = squares()
    estimator.suppress = lambda poses: (free.wait(20), poses)[1]
    session = LiveSession(LiveReader(mjpeg().address), estimator)
    asking = threading.Timer(0.3, session.request_stop)
    asking.start()
    began = time.monotonic()
    summary = session.run()
    assert time.monotonic() - began < 4
    assert session.left_behind
    assert summary.status.counts.dropped["unfinished"] >= 1
    assert summary.status.counts.captured == total(summary.status)
    free.set()
    asking.join()


def test_a_stage_that_fails_ends_the_run_with_its_name_though_no_frame_may_enter(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator]
) -> None:
    estimator = squares()

    def fail(poses: Poses) -> Poses:
        raise ValueError("broken")

    estimator.suppress = fail
    began = time.monotonic()
    with pytest.raises(StageError, match=r"estimate.*broken"):
        LiveSession(LiveReader(mjpeg().address), estimator).run()
    assert time.monotonic() - began < 5


def test_viewers_see_every_result_in_order(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator]
) -> None:
    class Viewer:
        seen: list = []  # noqa: RUF012

        def show(self, frame: Frame, poses: Poses) -> None:
            self.seen.append((frame.index, len(poses)))

    viewer = Viewer()
    summary = LiveSession(LiveReader(mjpeg(count=10).address), squares()).run([viewer])
    assert len(viewer.seen) == summary.status.counts.processed
    assert viewer.seen == sorted(viewer.seen)


def test_loads_are_shares_of_the_last_second() -> None:
    loads = StageLoads()
    read, work = StageStats("read"), StageStats("work")
    work.busy_s = 1.0
    assert loads.update(RunStats(2.0, 0, (read, work))) == [{"stage": "work", "busy": 0.5}]
    work.busy_s = 1.25
    assert loads.update(RunStats(2.5, 0, (read, work)))[0]["busy"] == 0.5, "not a second yet"
    assert loads.update(RunStats(4.5, 0, (read, work)))[0]["busy"] == 0.1


@pytest.mark.parametrize("wrong", [{"max_latency_s": 0.0}, {"detect_every": 0}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed is"):
        LiveOptions(**wrong)


def test_warming_up_runs_detector_and_network(squares: type[SquaresEstimator]) -> None:
    estimator = squares()
    warm_up(estimator)
    assert estimator.detected == 1 and estimator.batches == [1]


def test_events_count_from_their_origin() -> None:
    events = Events(time.monotonic() - 10)
    queue = events.subscribe()
    events.tell("now")
    assert 10 <= queue.drain()[0]["time_s"] < 12
