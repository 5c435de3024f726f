"""Live sources as people bring them: turned, of changing size, with a password in the address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.live.capture.address import CaptureSettings, LiveAddress
from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.policy import Picture
from rmpe.records import Frame
from tests.helpers.odd_clips import four_corners, quarters, set_display_matrix, write_clip


def taken(reader: LiveReader) -> list[Frame]:
    frames = []
    for frame in reader:
        frames.append(frame)
        reader.gate.done(frame.index)
    reader.close()
    return frames


def test_a_turned_clip_is_upright_in_live_mode_too(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", [four_corners()] * 5)
    set_display_matrix(clip, 0, -1, 1, 0)
    reader = LiveReader(str(clip), LiveReadOptions(policy="every"))
    assert (reader.info.width, reader.info.height) == (48, 64)
    frames = taken(reader)
    assert len(frames) == 5
    assert all(quarters(frame.image_bgr) == [[100, 220], [40, 160]] for frame in frames)


class Changing:
    """A camera whose pictures become smaller."""

    width, height, fps, codec = 64, 48, 25.0, "drawn"

    def __iter__(self) -> Iterator[Any]:
        for width, height in ((64, 48), (32, 24), (32, 24)):
            picture = np.full((height, width, 3), 90, np.uint8)
            yield Picture(0.0, partial(np.copy, picture), picture.nbytes)

    def close(self) -> None:
        pass


def test_a_change_of_size_is_told_once_and_pictures_keep_the_first(tmp_path: Path) -> None:
    def opened(address: LiveAddress, settings: CaptureSettings) -> Changing:
        return Changing()

    (tmp_path / "a.mp4").touch()
    reader = LiveReader(
        str(tmp_path / "a.mp4"), LiveReadOptions(policy="every"), open_capture=opened
    )
    told = reader.events.subscribe()
    frames = taken(reader)
    assert [frame.image_bgr.shape for frame in frames] == [(48, 64, 3)] * 3
    assert [e["event"] for e in told.drain() if e["event"] == "size_changed"] == ["size_changed"]


def test_a_camera_that_is_refused_is_named_without_its_password() -> None:
    source = "http://admin:hidden@127.0.0.1:9/live?token=abc"
    with pytest.raises(OSError, match=r"http://127\.0\.0\.1:9/live cannot be opened") as caught:
        LiveReader(source)
    assert "hidden" not in str(caught.value) and "abc" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are read another way there")
def test_ctrl_c_ends_the_wait_for_a_pipe_that_gives_nothing() -> None:
    program = (
        "from pipeline.live.capture.reader import LiveReader, LiveReadOptions\n"
        "print('waits', flush=True)\n"
        "LiveReader('-', LiveReadOptions(stall_s=60))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)  # the pipe is still open: what is left to read would end it too
        _, errors = process.communicate()
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


def test_a_pipe_that_gives_nothing_before_the_end_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    stopped = threading.Event()
    timer = threading.Timer(0.3, stopped.set)
    timer.start()
    with open(reading) as pipe, open(writing, "wb"):
        monkeypatch.setattr("sys.stdin", pipe)
        with pytest.raises(OSError, match=r"^- was not there before the end$"):
            LiveReader("-", LiveReadOptions(stall_s=60), stopped=stopped)
    timer.join()
