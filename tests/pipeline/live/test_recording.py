"""Recording: whole segments, events between the frames, and a disk that is full."""

from __future__ import annotations

import errno
import json

import av
import numpy as np
import pytest

from pipeline.live import recording
from pipeline.live.events import Events
from pipeline.live.recording import Recorder, SegmentRule
from rmpe.formats import ClipHeader, read_records
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton

TRIANGLE = Skeleton("triangle", ("a", "b", "c"), ((0, 1), (1, 2)), (0.1, 0.1, 0.1))
HEADER = ClipHeader(TRIANGLE, "camera", 64, 48, 10.0)
NOBODY = Poses.empty(3)


def frame(index):
    return Frame(index, index / 10, np.full((48, 64, 3), index % 200, np.uint8))


def pictures_in(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("60", SegmentRule(seconds=60)),
        ("1.5m", SegmentRule(seconds=90)),
        ("2 h", SegmentRule(seconds=7200)),
        ("500MB", SegmentRule(nbytes=500_000_000)),
        ("10kB", SegmentRule(nbytes=10_000)),
    ],
)
def test_segments_are_given_as_time_or_size(text, rule):
    assert SegmentRule.parse(text) == rule


@pytest.mark.parametrize("text", ["", "0s", "-5", "ten", "5 parsecs"])
def test_a_segment_that_means_nothing_is_refused(text):
    with pytest.raises(ValueError, match="needed is a time such as"):
        SegmentRule.parse(text)


def test_segments_by_time_are_each_complete_and_lose_nothing(tmp_path):
    recorder = Recorder(tmp_path, HEADER, Events(), SegmentRule(seconds=1.0))
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


def test_segments_by_size_end_with_the_frame_that_passes_it(tmp_path):
    recorder = Recorder(tmp_path, HEADER, Events(), SegmentRule(nbytes=1000), video_threads=None)
    for index in range(40):
        recorder.write(frame(index), NOBODY)
    recorder.close(complete=True)
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("segment_*/poses.ndjson"))]
    longest_line = 60
    assert len(sizes) > 1
    assert all(1000 <= size <= 1000 + 2 * longest_line for size in sizes[:-1])


def test_without_a_rule_the_files_lie_in_the_folder_and_events_between_the_frames(tmp_path):
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

    def __init__(self, *arguments, **options):
        self.written = 0

    def write(self, frame, poses):
        self.written += 1
        if self.written == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    def close(self, complete):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_recording_and_not_the_run(tmp_path, monkeypatch, caplog):
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
