"""Live sources: streams on the loopback interface, their loss and return, and clear errors."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline.live.capture import stream
from pipeline.live.capture.address import CaptureSettings, parse_source
from pipeline.live.capture.camera import CameraCapture, existing_cameras
from pipeline.live.capture.clock import FrameClock
from pipeline.live.capture.reader import LiveReader, LiveReadOptions, open_capture
from pipeline.live.capture.stream import PipeBytes
from pipeline.live.policy import REPLACED, Picture
from tests.helpers.squares import MakeFrames
from tests.pipeline.live.conftest import MjpegSender, UdpSender


def read(
    reader: LiveReader, pause_s: float = 0.0, until: Callable[[int], Any] = lambda count: False
) -> Any:
    """Read to the end as a pipeline does; return the frames, without their pictures."""
    indices, times = [], []
    for frame in reader:
        time.sleep(pause_s)
        reader.gate.done(frame.index)
        indices.append(frame.index)
        times.append(frame.timestamp_s)
        if until(len(indices)):
            reader.stop()
    reader.close()
    return indices, times


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", "camera"),
        ("/dev/video2", "camera"),
        ("rtsp://host/stream", "stream"),
        ("HTTP://host/video", "stream"),
        ("udp://127.0.0.1:5000", "stream"),
        ("-", "stdin"),
    ],
)
def test_a_source_is_recognised_by_its_text(text: str, kind: str) -> None:
    assert parse_source(text).kind == kind


@pytest.mark.parametrize("text", ["nowhere.mp4", "", "gopher://host/"])
def test_a_source_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"needed is a camera number|supported are http"):
        parse_source(text)


def test_a_stream_over_http_is_read_to_its_end_and_every_frame_is_counted(
    mjpeg: Callable[..., MjpegSender],
) -> None:
    sender = mjpeg(count=40, fps=200)
    reader = LiveReader(sender.address)
    assert (reader.info.width, reader.info.height) == (200, 60)
    indices, times = read(reader, pause_s=0.02)
    counts = reader.gate.counts()
    assert counts.captured == sender.sent == 40
    assert counts.captured == counts.processed + counts.dropped_total
    assert set(counts.dropped) <= {REPLACED}
    assert indices == sorted(set(indices)) and indices[-1] == 39
    assert times[0] == 0 and all(np.diff(times) > 0)
    assert reader.failure == ""


def test_a_slow_consumer_of_a_quick_stream_gets_the_newest_frame(
    mjpeg: Callable[..., MjpegSender],
) -> None:
    reader = LiveReader(mjpeg(fps=100).address)
    taken_late = []
    for frame in reader:
        time.sleep(0.1)
        taken_late.append(reader.gate.done(frame.index))
        if len(taken_late) == 8:
            break
    reader.close()
    assert reader.gate.counts().dropped[REPLACED] > 20
    assert np.median(taken_late) < 0.25


def test_every_drops_nothing(mjpeg: Callable[..., MjpegSender]) -> None:
    reader = LiveReader(mjpeg(count=30, fps=200).address, LiveReadOptions("every"))
    assert read(reader, pause_s=0.01)[0] == list(range(30))
    assert reader.gate.counts().dropped == {}


def test_every_ends_with_a_clear_message_when_too_much_waits(
    mjpeg: Callable[..., MjpegSender],
) -> None:
    reader = LiveReader(mjpeg(fps=200).address, LiveReadOptions("every", max_backlog=10))
    indices, _ = read(reader, pause_s=0.05)
    assert "10 captured frames wait" in reader.failure
    assert indices == list(range(len(indices))), "what came before is given out, in order"
    counts = reader.gate.counts()
    assert counts.captured == counts.processed == len(indices)


def test_a_stream_over_udp_is_read_and_stops_when_asked(
    udp: Callable[..., UdpSender], udp_port: int
) -> None:
    udp(udp_port)
    reader = LiveReader(f"udp://127.0.0.1:{udp_port}")
    began = time.monotonic()
    indices, _ = read(reader, until=lambda count: count == 10)
    assert 10 <= len(indices) <= 12
    assert (reader.info.width, reader.info.height) == (200, 60)
    assert time.monotonic() - began < 10
    assert reader.failure == ""


def test_a_cut_stream_comes_back_and_the_gap_is_told(
    mjpeg: Callable[..., MjpegSender], wait_for: Callable[..., None]
) -> None:
    first = mjpeg(fps=50)
    options = LiveReadOptions(reconnect_s=20)
    reader = LiveReader(first.address, options)
    told = reader.events.subscribe()
    indices = []

    def consume() -> None:
        indices.extend(read(reader)[0])

    thread = threading.Thread(target=consume)
    thread.start()
    wait_for(lambda: reader.report.frames >= 5)
    first.stop()
    wait_for(lambda: reader.losses == 1)
    before = reader.report.frames
    time.sleep(0.4)
    mjpeg(fps=50, port=first.port)
    wait_for(lambda: reader.report.frames >= before + 5)
    reader.stop()
    thread.join(3)
    assert not thread.is_alive()
    events = told.drain()
    assert [event["event"] for event in events] == ["source_lost", "source_returned"]
    assert events[1]["gap_s"] >= 0.4
    assert indices == sorted(set(indices)), "frames go on being counted"
    assert reader.failure == ""


def test_a_stream_that_hangs_is_lost_after_the_stall_time(
    mjpeg: Callable[..., MjpegSender], wait_for: Callable[..., None]
) -> None:
    sender = mjpeg()
    reader = LiveReader(sender.address, LiveReadOptions(stall_s=0.3))
    threading.Thread(target=lambda: (time.sleep(0.3), sender.hanging.set())).start()
    indices, _ = read(reader)
    assert indices
    assert "nothing came for 0.3 s; --reconnect SECONDS tries again" in reader.failure


def test_a_source_that_does_not_come_back_is_given_up(
    mjpeg: Callable[..., MjpegSender], wait_for: Callable[..., None]
) -> None:
    sender = mjpeg(count=5)
    reader = LiveReader(sender.address, LiveReadOptions(reconnect_s=0.4, open_s=0.3))
    frames = iter(reader)
    reader.gate.done(next(frames).index)
    sender.stop()
    for frame in frames:
        reader.gate.done(frame.index)
    reader.close()
    assert "did not come back" in reader.failure


class HangingCapture:
    """A capture that gives one picture and then never returns while the test runs."""

    width, height, fps, codec = 2, 2, 0.0, "none"

    def __init__(self) -> None:
        self.released = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        yield Picture(time.monotonic(), lambda: np.zeros((2, 2, 3), np.uint8), 12)
        self.released.wait(20)

    def close(self) -> None:
        self.released.set()


def test_the_watchdog_ends_a_source_that_hangs_in_its_own_read() -> None:
    hanging = HangingCapture()
    reader = LiveReader("0", LiveReadOptions(stall_s=0.1), open_capture=lambda *_: hanging)
    began = time.monotonic()
    for frame in reader:
        reader.gate.done(frame.index)
    assert time.monotonic() - began < 5
    assert "hangs: no picture for" in reader.failure
    hanging.close()
    reader.close()


def test_a_missing_camera_is_told_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"there is no /dev/video97; (there are|this machine)"):
        CameraCapture("97")
    assert existing_cameras(tmp_path) == "this machine has no camera (/dev/video*)"
    for name in ("video0", "video2"):
        (tmp_path / name).touch()
    told = existing_cameras(tmp_path)
    assert str(tmp_path / "video0") in told and str(tmp_path / "video2") in told


def test_an_address_where_nobody_listens_is_a_clear_error() -> None:
    with pytest.raises(OSError, match=r"http://127.0.0.1:1/ cannot be opened: .*refused"):
        LiveReader("http://127.0.0.1:1/")


def test_a_silent_address_is_given_up_in_time(udp_port: int) -> None:
    settings = CaptureSettings(open_s=0.3)
    with pytest.raises(OSError, match=r"cannot be opened: nothing came for 0.3 s"):
        open_capture(parse_source(f"udp://127.0.0.1:{udp_port}"), settings)


def make_clip(path: Path, frames: Any) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


def test_a_clip_is_played_at_its_own_speed(tmp_path: Path, people: MakeFrames) -> None:
    make_clip(tmp_path / "clip.mp4", people([1] * 11))
    reader = LiveReader(str(tmp_path / "clip.mp4"))
    began = time.monotonic()
    _, times = read(reader)
    assert 0.4 <= time.monotonic() - began < 3
    assert times[-1] == pytest.approx(0.4, abs=0.01)


def test_a_clip_on_standard_input_is_read_whole_with_every(
    tmp_path: Path,
    people: MakeFrames,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_clip(tmp_path / "clip.ts", people([2] * 20))
    with open(tmp_path / "clip.ts", "rb") as pipe:
        monkeypatch.setattr(stream.sys, "stdin", type("Standard", (), {"buffer": pipe}))
        reader = LiveReader("-", LiveReadOptions("every", max_backlog=4))
        assert read(reader)[0] == list(range(20))
    assert reader.failure == ""


def test_a_piped_stream_keeps_its_times_however_quick_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = [0, 1, 2, 10, 11, 560, 561, 562]  # a gap of 22 seconds among 25 a second
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for tick in ticks:
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="bgr24")
            frame.pts, frame.time_base = 1000 + tick, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    with open(tmp_path / "clip.mkv", "rb") as pipe:
        monkeypatch.setattr(stream.sys, "stdin", type("Standard", (), {"buffer": pipe}))
        began = time.monotonic()
        _, times = read(LiveReader("-", LiveReadOptions("every", max_backlog=4)))
    assert times == pytest.approx([tick / 25 for tick in ticks], abs=0.002)
    assert time.monotonic() - began < 15, "nobody waited for those times"


def picture(captured_s: float, stream_s: float | None = None) -> Picture:
    return Picture(captured_s, lambda: np.zeros((1, 1, 3), np.uint8), 0, stream_s)


def test_times_of_a_stream_that_begins_anew_go_on_as_its_data_came() -> None:
    clock = FrameClock()
    given = [(100.0, 50.0), (100.1, 51.0), (100.6, 2.0), (100.7, 3.0), (101.0, None), (101.5, None)]
    times = [clock.time_of(picture(*pair)) for pair in given]
    assert times == pytest.approx([0.0, 1.0, 1.5, 2.5, 2.8, 3.3])


def test_times_of_captures_that_come_at_once_still_grow() -> None:
    clock = FrameClock()
    times = [clock.time_of(picture(captured_s)) for captured_s in (5.0, 5.0, 6.0)]
    assert times == pytest.approx([0.0, 1e-6, 1.0], abs=1e-9)


def test_a_pipe_is_left_when_asked_and_when_nothing_comes() -> None:
    out, into = os.pipe()
    with os.fdopen(out, "rb") as pipe, os.fdopen(into, "wb", buffering=0) as writer:
        writer.write(b"abc")
        stop = threading.Event()
        reader = PipeBytes(pipe, stop.is_set, 0.2)
        assert reader.read(10) == b"abc"
        with pytest.raises(TimeoutError, match=r"nothing came for 0.2 s"):
            reader.read(10)
        stop.set()
        assert reader.read(10) == b""


def test_a_negative_time_to_reconnect_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        LiveReadOptions(reconnect_s=-1)
