"""Recording: whole segments, events between the frames, and a disk that is full."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline.clips import FolderInUseError
from pipeline.live import recording
from pipeline.live.events import Events
from pipeline.live.recording import Recorder, SegmentLimits
from rmpe.formats import ClipHeader, read_records
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton

TRIANGLE = Skeleton("triangle", ("a", "b", "c"), ((0, 1), (1, 2)), (0.1, 0.1, 0.1))
HEADER = ClipHeader(TRIANGLE, "camera", 64, 48, 10.0)
NOBODY = Poses.empty(3)


def frame(index: int) -> Frame:
    return Frame(index, index / 10, np.full((48, 64, 3), index % 200, np.uint8))


def pictures_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("60", SegmentLimits(seconds=60)),
        ("1.5m", SegmentLimits(seconds=90)),
        ("2 h", SegmentLimits(seconds=7200)),
        ("500MB", SegmentLimits(nbytes=500_000_000)),
        ("10kB", SegmentLimits(nbytes=10_000)),
    ],
)
def test_segments_are_given_as_time_or_size(text: str, limits: Any) -> None:
    assert SegmentLimits.parse(text) == limits


@pytest.mark.parametrize("text", ["", "0s", "-5", "ten", "5 parsecs"])
def test_a_segment_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needed is a time such as"):
        SegmentLimits.parse(text)


def test_segments_by_time_are_each_complete_and_lose_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, HEADER, Events(), SegmentLimits(seconds=1.0))
    for index in range(25):
        recorder.write(frame(index), NOBODY)
    recorder.close(complete=True)
    found = []
    for number, count in enumerate((10, 10, 5)):
        folder = tmp_path / f"segment_{number:05d}"
        records = read_records(folder / "poses.ndjson")
        indices = [record.frame_index for record in records]
        assert records.complete
        assert len(indices) == count == pictures_in(folder / "annotated.mp4")
        found += indices
    assert found == list(range(25))
    assert (recorder.segments, recorder.frames) == (3, 25)


def test_segments_by_size_end_with_the_frame_that_passes_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, HEADER, Events(), SegmentLimits(nbytes=1000), video_threads=None)
    for index in range(40):
        recorder.write(frame(index), NOBODY)
    recorder.close(complete=True)
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("segment_*/poses.ndjson"))]
    longest_line = 60
    assert len(sizes) > 1
    assert all(1000 <= size <= 1000 + 2 * longest_line for size in sizes[:-1])


def test_without_a_rule_the_files_lie_in_the_folder_and_events_between_the_frames(
    tmp_path: Path,
) -> None:
    events = Events()
    recorder = Recorder(tmp_path, HEADER, events)
    recorder.write(frame(0), NOBODY)
    events.tell("source_lost", reason="cut")
    recorder.write(frame(7), NOBODY)
    events.tell("latency")
    recorder.close(complete=True)
    lines = [json.loads(line) for line in (tmp_path / "poses.ndjson").read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == [
        "schema",
        "frame",
        "event",
        "frame",
        "event",
        "end",
    ]
    assert lines[2]["reason"] == "cut"
    assert len(list(read_records(tmp_path / "poses.ndjson"))) == 2
    assert pictures_in(tmp_path / "annotated.mp4") == 2


class FullDisk:
    """A video writer that finds the disk full at its third frame."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.written = 0

    def write(self, frame: Frame, poses: Poses) -> None:
        self.written += 1
        if self.written == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    def close(self, complete: bool) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_recording_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recording, "VideoWriter", FullDisk)
    events = Events()
    told = events.subscribe()
    recorder = Recorder(tmp_path, HEADER, events)
    for index in range(5):
        recorder.write(frame(index), NOBODY)
    recorder.close(complete=True)
    assert recorder.failure == "recording stopped after 2 frames: No space left on device"
    assert "the view goes on" in caplog.text
    assert [event["event"] for event in told.drain()] == ["recording_stopped"]
    assert len(list(read_records(tmp_path / "poses.ndjson"))) == 3, "what was written can be read"


def record(
    folder: Path, first: int, count: int, limits: SegmentLimits | None = None, close: bool = True
) -> Recorder:
    """Record so many frames, grey levels from ``first`` on; the recorder."""
    recorder = Recorder(folder, HEADER, Events(), limits)
    for index in range(count):
        recorder.write(frame(first + index), NOBODY)
    if close:
        recorder.close(complete=True)
    return recorder


@pytest.mark.parametrize("limits", [None, SegmentLimits(seconds=1.0)])
def test_a_restart_goes_on_with_the_next_segment_and_writes_over_nothing(
    tmp_path: Path, limits: Any
) -> None:
    record(tmp_path, 0, 15, limits)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for start in range(3):
        recorder = record(tmp_path, 20 + 20 * start, 15, limits)
        assert recorder.first_segment == (1 + start if limits is None else 2 + 2 * start)
    assert all(path.read_bytes() == data for path, data in before.items())
    found = sorted(
        record.frame_index
        for path in tmp_path.rglob("poses.ndjson")
        for record in read_records(path)
    )
    assert found == [*range(15), *range(20, 35), *range(40, 55), *range(60, 75)]


def test_a_segment_that_a_killed_run_left_is_ended_at_the_restart(tmp_path: Path) -> None:
    limits = SegmentLimits(seconds=100.0)
    killed = record(tmp_path, 0, 8, limits, close=False)
    killed._lock.release()  # as the system does for a process that is gone
    left = tmp_path / "segment_00000/poses.ndjson"
    with open(left, "ab") as file:
        file.write(b'{"frame": 8, "time_s": 0.8, "peo')
    assert record(tmp_path, 20, 5, limits).first_segment == 1
    records = read_records(left)
    assert [record.frame_index for record in records] == list(range(8))
    assert records.complete
    killed._segment.close(False)


def test_two_runs_do_not_record_into_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.clips.folder_lock._PATIENCE_S", 0.1)
    first = record(tmp_path, 0, 3, close=False)
    with pytest.raises(FolderInUseError):
        Recorder(tmp_path, HEADER, Events())
    first.close(complete=True)
    record(tmp_path, 10, 3)
