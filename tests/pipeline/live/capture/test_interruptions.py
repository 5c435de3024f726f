"""A source that is cut, for longer and again and again: the run goes on and tells the gap."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.recording import Recorder
from pipeline.live.session import LiveOptions, LiveSession
from rmpe.formats import ClipHeader, read_records
from tests.helpers.squares import SquaresEstimator
from tests.pipeline.live.conftest import MjpegSender, UdpSender

CUT_S = 5.0


@pytest.fixture
def recorded_run(squares: type[SquaresEstimator], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A function that runs a recorded session on a reader in a thread: (session, finish)."""
    running = []

    def start(reader: Any) -> Any:
        header = ClipHeader(squares.skeleton, reader.info.source, 200, 60)
        recorder = Recorder(tmp_path, header, reader.events, video_threads=None)
        session = LiveSession(reader, squares(), LiveOptions(), recorder=recorder)
        summaries = []
        thread = threading.Thread(target=lambda: summaries.append(session.run()))
        thread.start()
        running.append((session, thread))

        def finish() -> tuple[Any, list[Any]]:
            session.request_stop()
            thread.join(5)
            assert not thread.is_alive()
            path = tmp_path / "poses.ndjson"
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            assert sum(1 for _ in read_records(path)) == summaries[0].status.counts.processed
            return summaries[0], [line for line in lines if "event" in line or "frame" in line]

        return session, finish

    yield start
    for session, thread in running:
        session.request_stop()
        thread.join(5)


def processed(session: Any) -> int:
    return session.status().counts.processed


def cut_for_five_seconds(
    session: Any, sender: Any, restart: Callable[[], Any], wait_for: Callable[..., None]
) -> None:
    """Stop the sender, wait, start another one; return when its frames are processed."""
    wait_for(lambda: processed(session) >= 10)
    sender.stop()
    time.sleep(CUT_S)
    before = processed(session)
    restart()
    wait_for(lambda: processed(session) >= before + 10, 20)


def told(lines: list[Any], kind: str) -> list[Any]:
    return [line for line in lines if line.get("event") == kind]


def frames_and_times(lines: list[Any]) -> Any:
    frames = [line for line in lines if "frame" in line]
    return [line["frame"] for line in frames], [line["time_s"] for line in frames]


@pytest.mark.slow
@pytest.mark.parametrize("over", ["http", "udp"])
def test_a_cut_of_five_seconds_is_survived_and_stands_in_the_records(
    over: str,
    mjpeg: Callable[..., MjpegSender],
    udp: Callable[..., UdpSender],
    udp_port: int,
    recorded_run: Callable[..., Any],
    wait_for: Callable[..., None],
) -> None:
    restart: Callable[[], Any]
    if over == "http":
        sender: Any = mjpeg(fps=25)
        address, restart = sender.address, lambda: mjpeg(fps=25, port=sender.port)
    else:
        sender = udp(udp_port, fps=25)
        address, restart = f"udp://127.0.0.1:{udp_port}", lambda: udp(udp_port, fps=25)
    reader = LiveReader(address, LiveReadOptions(reconnect_s=60, stall_s=1.5))
    session, finish = recorded_run(reader)
    cut_for_five_seconds(session, sender, restart, wait_for)
    summary, lines = finish()
    lost, returned = told(lines, "source_lost"), told(lines, "source_returned")
    assert len(lost) == len(returned) == summary.status.losses == 1
    assert CUT_S <= returned[0]["gap_s"] < CUT_S + 10
    indices, times = frames_and_times(lines)
    assert indices == sorted(set(indices)), "frames go on being counted"
    gaps = [after - before for before, after in pairwise(times)]
    assert CUT_S <= max(gaps) < CUT_S + 10, "times are those of the captures"
    assert summary.succeeded
    counts = summary.status.counts
    assert counts.captured == counts.processed + counts.dropped_total


@pytest.mark.slow
def test_a_cut_shorter_than_the_stall_time_is_told_though_nothing_was_lost(
    udp: Callable[..., UdpSender],
    udp_port: int,
    recorded_run: Callable[..., Any],
    wait_for: Callable[..., None],
) -> None:
    sender = udp(udp_port, fps=25)
    reader = LiveReader(f"udp://127.0.0.1:{udp_port}", LiveReadOptions(stall_s=30))
    session, finish = recorded_run(reader)
    cut_for_five_seconds(session, sender, lambda: udp(udp_port, fps=25), wait_for)
    summary, lines = finish()
    assert summary.status.losses == 0 and summary.succeeded
    assert [CUT_S - 0.5 < event["gap_s"] < CUT_S + 10 for event in told(lines, "source_gap")] == [
        True
    ]


def test_a_stream_that_ends_again_and_again_leaves_no_thread_and_no_file(
    mjpeg: Callable[..., MjpegSender], wait_for: Callable[..., None]
) -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    sender = mjpeg(count=4, fps=100)
    threads, files = held()
    reader = LiveReader(sender.address, LiveReadOptions(reconnect_s=20))

    def consume() -> None:
        for frame in reader:
            reader.gate.done(frame.index)

    thread = threading.Thread(target=consume)
    thread.start()
    wait_for(lambda: reader.losses >= 8, 30)
    reader.stop()
    thread.join(5)
    reader.close()
    wait_for(lambda: held()[0] <= threads and held()[1] <= files)
    assert reader.failure == ""
