"""Latency of a live run, and its memory over two hours of frames.

Run: python benchmarks/bench_live.py [--part latency] [--part memory] [--seconds 30] [--fps 25]

- ``latency``: the example clip is served as MJPEG over loopback HTTP by a process of its
  own at 15, 20 and 25 frames a second (or ``--fps``); the compact preset runs on it with tracking.
  Capture -> result p50/p95/p99, and where every frame went: captured = sent.
- ``memory``: two hours of 25 frames a second (180,000 frames of a looped clip) are pushed through
  capture gate, detection rhythm, pipeline, tracker, hub and a recording without video as fast as
  they go, with a stand-in for the networks; resident memory, threads and open files along the way.

Latency needs a quiet machine; the load average is printed beside it.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import cv2
import numpy as np

from pipeline.live.policy import Picture
from pipeline.live.recording import Recorder, SegmentRule
from pipeline.live.session import LiveOptions, LiveSession, warm_up
from pipeline.readers import VideoReader
from pipeline.readers.live import LiveReader, LiveReadOptions
from pipeline.serving.hub import ViewHub
from pipeline.stages.track import build_tracker
from rmpe.estimator import PoseEstimator
from rmpe.formats import ClipHeader
from rmpe.formats.native import header_to_json
from rmpe.records import Boxes, ImageArray, Poses
from rmpe.runtimes import limit_threads
from rmpe.skeletons import COCO_17

EXAMPLE = Path(__file__).parents[1] / "examples/crossing.mp4"
TWO_HOURS = 2 * 3600 * 25


def clip_pictures(count: int = 100) -> list[ImageArray]:
    """Return the first pictures of the example clip, a synthetic crossing, 640 columns wide."""
    reader = VideoReader(EXAMPLE)
    pictures = [frame.image_bgr for frame in islice(reader, count)]
    reader.close()
    height = round(640 * pictures[0].shape[0] / pictures[0].shape[1])
    return [np.asarray(cv2.resize(picture, (640, height)), np.uint8) for picture in pictures]


def serve_mjpeg(fps: float, seconds: float) -> None:
    """Serve the scene, looped, to one client and write how many frames were sent."""
    jpegs = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in clip_pictures()]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            began = time.monotonic()
            sent = 0
            while sent < fps * seconds:
                data = jpegs[sent % len(jpegs)]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
                sent += 1
                time.sleep(max(began + sent / fps - time.monotonic(), 0))
            self.wfile.write(b"--frame--\r\n")
            print(sent, flush=True)

        def log_message(self, *arguments: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.handle_request()


def measure_latency(fps: float, seconds: float) -> None:
    """Run the compact preset on a stream of another process and print what came of it."""
    threads = limit_threads()
    estimator = PoseEstimator.from_preset("compact", threads=threads.openvino)
    height, width = clip_pictures(1)[0].shape[:2]
    warm_up(estimator, width, height)
    command = [sys.executable, __file__, "--sender", str(fps), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        port = int(sender.stdout.readline())
        reader = LiveReader(f"http://127.0.0.1:{port}/")
        cpu_s = time.process_time()
        session = LiveSession(reader, estimator, LiveOptions(), build_tracker())
        people: list[int] = []
        summary = session.run(on_result=lambda result: people.append(len(result.poses)))
        cpu_s = time.process_time() - cpu_s
        sent = int(sender.stdout.readline())
    counts, late = summary.status.counts, summary.status.whole_run.to_json()
    print(
        f"{fps:4.0f} fps  sent {sent}  captured {counts.captured}  processed {counts.processed}  "
        f"dropped {counts.dropped_total}  people {np.mean(people):.1f}  "
        f"latency p50 {late['p50']} p95 {late['p95']} p99 {late['p99']} ms  "
        f"cpu {1000 * cpu_s / max(counts.processed, 1):.0f} ms a result  "
        f"load {os.getloadavg()[0]:.1f}"
    )
    assert counts.captured == sent == counts.processed + counts.dropped_total


class StandIn:
    """An estimator without networks: two people who stand where the frame's number says."""

    skeleton = COCO_17

    def __init__(self) -> None:
        self.options = SimpleNamespace(batch_size=16)
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

    width, height, fps, codec = 160, 144, 25.0, "none"

    def __init__(self, pictures: list[ImageArray], count: int) -> None:
        self._pictures, self._count = pictures, count

    def __iter__(self) -> Iterator[Picture]:
        for index in range(self._count):
            image = self._pictures[index % len(self._pictures)]
            yield Picture(time.monotonic(), image.copy, image.nbytes)

    def close(self) -> None:
        """Nothing is held open."""


def resident_mb() -> float:
    """Return the memory that this process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure_memory(frames: int) -> None:
    """Push two hours of frames through everything but the networks and print memory on the way."""
    pictures = [cv2.resize(picture, (160, 144)) for picture in clip_pictures(25)]
    threads_before, files_before = threading.active_count(), len(os.listdir("/proc/self/fd"))
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as clip:
        reader = LiveReader(
            clip.name,
            LiveReadOptions("every", max_backlog=4),
            open_capture=lambda *_: LoopedCapture(pictures, frames),
        )
        estimator: Any = StandIn()
        header = ClipHeader(estimator.skeleton, "looped", 160, 144, 25.0)
        recorder = Recorder(folder, header, reader.events, SegmentRule(nbytes=20_000_000), None)
        session = LiveSession(reader, estimator, LiveOptions(), build_tracker(), recorder)
        hub = ViewHub(header.skeleton, header_to_json(header), reader.events, session.page_status)
        hub.join_pictures()
        levels: list[float] = []
        every = frames // 20

        def note(result: Any) -> None:
            if result.frame.index % every == every - 1:
                gc.collect()
                levels.append(resident_mb())
                print(f"{result.frame.index + 1:7d} frames  {levels[-1]:.1f} MB", flush=True)

        summary = session.run([hub], note)
        hub.close()
    counts = summary.status.counts
    assert counts.captured == counts.processed == frames
    growth = levels[-1] / levels[1] - 1
    print(
        f"{frames} frames in {summary.stats.wall_s:.0f} s, {summary.recording}; memory from a "
        f"tenth of the run to its end {levels[1]:.1f} -> {levels[-1]:.1f} MB ({growth:+.1%}); "
        f"threads {threads_before} -> {threading.active_count()}, "
        f"files {files_before} -> {len(os.listdir('/proc/self/fd'))}"
    )


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(["latency", "memory"]))
@click.option("--fps", "rates", multiple=True, type=float, default=(15, 20, 25))
@click.option("--seconds", default=20.0, help="Length of each stream.")
@click.option("--frames", default=TWO_HOURS, help="Frames of the memory run.")
@click.option("--sender", type=float, hidden=True, help="Be the sending process.")
def main(
    parts: tuple[str, ...], rates: tuple[float, ...], seconds: float, frames: int, sender: float
) -> None:
    """Measure latency and memory of live runs."""
    if sender:
        serve_mjpeg(sender, seconds)
        return
    for part in parts or ("latency", "memory"):
        if part == "latency":
            for fps in rates:
                measure_latency(fps, seconds)
        else:
            measure_memory(frames)


if __name__ == "__main__":
    main()
