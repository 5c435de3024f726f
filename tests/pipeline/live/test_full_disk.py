"""A disk that is really full, a small one in memory: recording stops, the view goes on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.recording import Recorder, SegmentLimits
from pipeline.live.session import LiveSession, write_summary
from rmpe.formats import ClipHeader, read_records
from rmpe.records import Frame, Poses
from tests.helpers.squares import SquaresEstimator
from tests.pipeline.live.conftest import MjpegSender

FRAMES = 150


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 32 KiB; skips where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small file system cannot be mounted here: {error}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, capture_output=True)


class CountingViewer:
    """Counts what it is shown."""

    def __init__(self) -> None:
        self.shown = 0

    def show(self, frame: Frame, poses: Poses) -> None:
        self.shown += 1


def pictures_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.parametrize("limits", [None, SegmentLimits(seconds=0.4)], ids=["whole", "segments"])
def test_recording_stops_with_a_message_and_every_frame_is_still_shown(
    small_disk: Path,
    mjpeg: Callable[..., MjpegSender],
    squares: type[SquaresEstimator],
    caplog: pytest.LogCaptureFixture,
    limits: Any,
) -> None:
    reader = LiveReader(mjpeg(count=FRAMES, fps=100).address, LiveReadOptions("every"))
    told = reader.events.subscribe()
    header = ClipHeader(squares.skeleton, reader.info.source, 200, 60, 25.0)
    recorder = Recorder(small_disk, header, reader.events, limits)
    viewer = CountingViewer()
    summary = LiveSession(reader, squares(), recorder=recorder).run([viewer])
    write_summary(small_disk, summary, {})
    assert viewer.shown == summary.status.counts.processed == FRAMES
    recording = summary.to_json()["recording"]
    assert recording["failure"].startswith(f"recording stopped after {recording['frames']} frames")
    assert "No space left on device" in recording["failure"]
    assert 0 < recording["frames"] < FRAMES
    assert not summary.succeeded, "the exit code tells it too"
    assert "the view goes on" in caplog.text
    events = [event for event in told.drain() if event["event"] == "recording_stopped"]
    assert [event["reason"] for event in events] == ["No space left on device"]


def test_what_was_written_before_the_disk_was_full_can_be_read(
    small_disk: Path, mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator]
) -> None:
    reader = LiveReader(mjpeg(count=FRAMES, fps=100).address, LiveReadOptions("every"))
    header = ClipHeader(squares.skeleton, reader.info.source, 200, 60, 25.0)
    recorder = Recorder(small_disk, header, reader.events, SegmentLimits(seconds=0.2))
    LiveSession(reader, squares(), recorder=recorder).run()
    *whole, last = sorted(small_disk.glob("segment_*"))
    assert whole
    for folder in whole:
        records = read_records(folder / "poses.ndjson")
        assert sum(1 for _ in records) == pictures_in(folder / "annotated.mp4") > 0
        assert records.complete
    for line in (last / "poses.ndjson").read_bytes().split(b"\n")[:-1]:
        json.loads(line)
