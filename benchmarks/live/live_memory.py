"""Two hours of frames through a live run, as fast as they go; part of ``bench_live.py``."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.policy import Picture
from pipeline.live.recording import Recorder, SegmentLimits
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.server import LiveServer
from pipeline.live.session import LiveOptions, LiveSession
from pipeline.stages.track import build_tracker
from rmpe.formats import ClipHeader
from rmpe.records import Boxes, ImageArray, Poses
from rmpe.skeletons import COCO_17

MOST_GROWTH = 0.05
"""Of the memory held after a tenth of the run."""
LEVELS = 40
_WATCH = """
import sys, urllib.request
answer = urllib.request.urlopen(sys.argv[1])
while answer.read1(65536):
    pass
"""


class StandIn:
    """An estimator without networks: two people who stand where the frame's number says."""

    skeleton = COCO_17

    def __init__(self) -> None:
        self.batch_size = 16
        self._calls = 0

    def detect(self, images_bgr: list[ImageArray]) -> list[Boxes]:
        """Return two boxes for each picture."""
        boxes = np.array([[20, 20, 60, 120], [90, 30, 130, 130]], np.float32)
        return [Boxes(boxes, np.ones(2, np.float32)) for _ in images_bgr]

    def limit(self, boxes: Boxes, image_bgr: ImageArray) -> Boxes:
        """Return the boxes as they are."""
        return boxes

    def estimate(self, image_bgr: ImageArray, boxes: Boxes) -> Poses:
        """Return joints on a grid inside each box, moved a little every time."""
        self._calls += 1
        count = len(boxes)
        grid = np.stack([np.arange(17) % 4 / 4 + 0.1, np.arange(17) // 4 / 5 + 0.1], 1)
        low, high = boxes.boxes_xyxy[:, None, :2], boxes.boxes_xyxy[:, None, 2:]
        points = low + grid[None] * (high - low) + np.sin(self._calls / 9)
        ones = np.ones((count, 17), np.float32)
        return Poses(
            boxes.boxes_xyxy, boxes.scores, points, ones, ones[:, 0], np.zeros(count, np.int64)
        )

    def suppress(self, poses: Poses) -> Poses:
        """Return the poses as they are."""
        return poses


class LoopedCapture:
    """Pictures of a clip, again and again, as fast as they are taken."""

    fps, codec = 25.0, "none"

    def __init__(self, pictures: list[ImageArray], count: int) -> None:
        self._pictures, self._count = pictures, count
        self.height, self.width = pictures[0].shape[:2]

    def __iter__(self) -> Iterator[Picture]:
        for index in range(self._count):
            image = self._pictures[index % len(self._pictures)]
            yield Picture(time.monotonic(), image.copy, image.nbytes)

    def close(self) -> None:
        """Nothing is held open."""


class Held:
    """What this process holds: memory, threads, open files."""

    def __init__(self) -> None:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.memory_mb = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        self.threads = threading.active_count()
        self.files = len(os.listdir("/proc/self/fd"))


def measure_memory(pictures: list[ImageArray], frames: int, estimator: Any, *, video: bool) -> bool:
    """Run, watched by three viewers and recorded in segments; print what is held on the way.

    Capture gate, detection rhythm, pipeline, tracker, browser view and recording are the real
    ones. One viewer reads pictures, one reads records, one asks for pictures and never reads.

    Args:
        pictures: looped.
        frames: how many in all.
        estimator: the compact preset's, or :class:`StandIn`.
        video: record the annotated video too.

    Returns:
        Whether memory stayed within :data:`MOST_GROWTH` from a tenth of the run to its end, and no
        thread and no file was left.
    """
    before = Held()
    levels: list[float] = []
    every = max(frames // LEVELS, 1)

    def note(result: Any) -> None:
        if result.frame.index % every == every - 1:
            held = Held()
            levels.append(held.memory_mb)
            print(f"{result.frame.index + 1:7d} frames  {levels[-1]:7.1f} MB  {held.threads} "
                  f"threads  {held.files} files", flush=True)  # fmt: skip

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        clip = stack.enter_context(tempfile.NamedTemporaryFile())
        reader = LiveReader(
            clip.name,
            LiveReadOptions("every", max_backlog=4),
            open_capture=lambda *_: LoopedCapture(pictures, frames),
        )
        info = reader.info
        header = ClipHeader(estimator.skeleton, "looped", info.width, info.height, info.fps)
        rule = SegmentLimits(seconds=30)
        recorder = Recorder(folder, header, reader.events, rule, 1 if video else None)
        session = LiveSession(reader, estimator, LiveOptions(), build_tracker(), recorder)
        hub = ViewHub()
        hub.begin(header, reader.events, session.page_status)
        server = LiveServer([hub])
        for path in ("picture.mjpg", "records"):
            watching = subprocess.Popen([sys.executable, "-c", _WATCH, server.address + path])
            stack.callback(watching.wait, 20)
        stack.enter_context(_never_reads(server.port))
        stack.callback(server.stop)
        summary = session.run([hub], note)
    counts, after = summary.status.counts, Held()
    assert counts.captured == counts.processed == frames
    steady, end = levels[len(levels) // 10], levels[-1]
    print(
        f"{frames} frames in {summary.stats.wall_s:.0f} s, recorded {summary.recording}; memory "
        f"from a tenth of the run to its end {steady:.1f} -> {end:.1f} MB ({end / steady - 1:+.2%})"
        f", before the run {before.memory_mb:.1f}; threads {before.threads} -> {after.threads}, "
        f"files {before.files} -> {after.files}"
    )
    flat = end <= steady * (1 + MOST_GROWTH)
    return flat and after.threads <= before.threads and after.files <= before.files


def _never_reads(port: int) -> socket.socket:
    """Return a connection that has asked for pictures."""
    viewer = socket.create_connection(("127.0.0.1", port))
    viewer.sendall(f"GET /picture.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return viewer
