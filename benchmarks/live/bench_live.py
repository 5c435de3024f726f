"""Latency of a live run, and what it holds over two hours of frames.

Run: python benchmarks/live/bench_live.py [--part latency] [--part memory] [--part networks]
    [--write]

- ``latency``: the example clip is sent by a process of its own, as MJPEG over loopback HTTP and as
  H.264 in MPEG-TS over UDP (``--over``), at 15, 20 and 25 frames a second (``--fps``); the compact
  preset runs on it with tracking. Capture -> result p50/p95/p99, and where every frame went. Fails
  when p95 passes ``--most-ms`` (250) or a frame is unaccounted for: captured = sent. ``--write``
  puts the table into docs/live.md.
- ``memory``: two hours of 25 frames a second (180,000 frames of a looped clip) go through capture
  gate, detection rhythm, pipeline, tracker, browser view with three viewers and a recording of
  the poses in segments, as fast as they can, with a stand-in for the networks; memory, threads and
  open files along the way. Fails when memory grows by more than 5 % from a tenth of the run to its
  end, or a thread or a file is left.
- ``networks``: the same for ``--network-frames`` (3000) with the compact preset and the annotated
  video.

Latency needs a quiet machine; the load average is printed beside it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import av
import click
import cv2
import numpy as np
from live_memory import StandIn, measure_memory

from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.session import LiveOptions, LiveSession, warm_up
from pipeline.readers import VideoReader
from pipeline.stages.track import build_tracker
from rmpe.estimator import PoseEstimator
from rmpe.records import ImageArray
from rmpe.runtimes import limit_threads

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tables import DOCS, Table, as_table, markdown, write

EXAMPLE = Path(__file__).parents[2] / "examples/crossing.mp4"
TWO_HOURS = 2 * 3600 * 25
UDP_OPENS_WITHIN_S = 1.0
UDP_IS_OVER_AFTER_S = 2.0

Transport = Literal["http", "udp"]


def clip_pictures(count: int = 100) -> list[ImageArray]:
    """Return the first pictures of the example clip, a synthetic crossing, 640 columns wide."""
    reader = VideoReader(EXAMPLE)
    pictures = [frame.image_bgr for frame in islice(reader, count)]
    reader.close()
    height = round(640 * pictures[0].shape[0] / pictures[0].shape[1])
    return [np.asarray(cv2.resize(picture, (640, height)), np.uint8) for picture in pictures]


def send_mjpeg(fps: float, seconds: float) -> None:
    """Serve the scene, looped, to one client; print the port and, in the end, the frames sent."""
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


def send_udp(fps: float, seconds: float, port: int) -> None:
    """Send the scene, looped and encoded beforehand, as MPEG-TS; print when ready and the count."""
    pictures = clip_pictures()
    height, width = pictures[0].shape[:2]
    rate = Fraction(fps).limit_denominator(1001)
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(round(fps))}
    address = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with av.open(address, "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height // 2 * 2, "yuv420p"
        packets = []
        for index in range(round(fps * seconds)):
            picture = pictures[index % len(pictures)][: height // 2 * 2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            packets += stream.encode(frame)
        print("ready", flush=True)
        time.sleep(UDP_OPENS_WITHIN_S)
        began = time.monotonic()
        for sent, packet in enumerate(packets, 1):
            container.mux(packet)
            time.sleep(max(began + sent / fps - time.monotonic(), 0))
        print(len(packets), flush=True)


def free_udp_port() -> int:
    """Return a UDP port that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure_latency(
    over: Transport, fps: float, seconds: float, most_ms: float
) -> tuple[tuple[str, ...], bool]:
    """Run the compact preset on a stream of another process; return a row, and if all was well."""
    threads = limit_threads()
    estimator = PoseEstimator.from_preset("compact", threads=threads.openvino)
    height, width = clip_pictures(1)[0].shape[:2]
    warm_up(estimator, width, height // 2 * 2 if over == "udp" else height)
    port = free_udp_port()
    command = [sys.executable, __file__, "--sender", over, "--port", str(port)]
    command += ["--fps", str(fps), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        told = sender.stdout.readline().strip()
        if over == "http":
            reader = LiveReader(f"http://127.0.0.1:{told}/")
        else:
            reader = LiveReader(
                f"udp://127.0.0.1:{port}", LiveReadOptions(stall_s=UDP_IS_OVER_AFTER_S)
            )
        cpu_s = time.process_time()
        session = LiveSession(reader, estimator, LiveOptions(), build_tracker())
        people: list[int] = []
        summary = session.run(on_result=lambda result: people.append(len(result.poses)))
        cpu_s = time.process_time() - cpu_s
        sent = int(sender.stdout.readline())
    counts, late = summary.status.counts, summary.status.whole_run.to_json()
    numbers = (fps, sent, counts.processed, counts.dropped_total)
    row = (
        over,
        *(f"{number:.0f}" for number in numbers),
        f"{np.mean(people):.1f}",
        *(f"{late[name] or 0:.0f} ms" for name in ("p50", "p95", "p99")),
        f"{1000 * cpu_s / max(counts.processed, 1):.0f} ms",
    )
    print("  ".join(row), f" load {os.getloadavg()[0]:.1f}", flush=True)
    whole = counts.captured == sent == counts.processed + counts.dropped_total
    return row, whole and (late["p95"] or 0) <= most_ms


def latency_table(rows: list[tuple[str, ...]], seconds: float, load: float) -> Table:
    """Return the rows of :func:`measure_latency` as a table."""
    return as_table(
        f"Latency, compact preset, the example clip 640 columns wide, {seconds:.0f} s a line (load "
        f"before: {load:.1f})",
        (
            "sender",
            "frames/s",
            "sent",
            "processed",
            "dropped",
            "people",
            "p50",
            "p95",
            "p99",
            "processor a result",
        ),
        rows,
    )


def measure_networks(frames: int) -> bool:
    """Run the memory part with the compact preset on pictures of its example clip."""
    pictures = clip_pictures(50)
    estimator = PoseEstimator.from_preset("compact", threads=limit_threads().openvino)
    warm_up(estimator, pictures[0].shape[1], pictures[0].shape[0])
    return measure_memory(pictures, frames, estimator, video=True)


@click.command()
@click.option(
    "--part", "parts", multiple=True, type=click.Choice(["latency", "memory", "networks"])
)
@click.option("--over", multiple=True, type=click.Choice(["http", "udp"]), default=("http", "udp"))
@click.option("--fps", "rates", multiple=True, type=float, default=(15, 20, 25))
@click.option("--seconds", default=20.0, help="Length of each stream.")
@click.option("--most-ms", default=250.0, help="Largest p95 that passes.")
@click.option("--frames", default=TWO_HOURS, help="Frames of the memory part.")
@click.option("--network-frames", default=3000, help="Frames of the networks part.")
@click.option("--write", "to_page", is_flag=True, help="Put the latency into docs/live.md.")
@click.option("--sender", type=click.Choice(["http", "udp"]), hidden=True, help="Be the sender.")
@click.option("--port", default=0, hidden=True, help="Where the sender sends to.")
def main(
    parts: tuple[str, ...],
    over: tuple[Transport, ...],
    rates: tuple[float, ...],
    seconds: float,
    most_ms: float,
    frames: int,
    network_frames: int,
    to_page: bool,
    sender: Transport | None,
    port: int,
) -> None:
    """Measure latency and memory of live runs; exit code 1 when one is not as it should be."""
    if sender == "http":
        send_mjpeg(rates[0], seconds)
        return
    if sender == "udp":
        send_udp(rates[0], seconds, port)
        return
    passed = []
    for part in parts or ("latency", "memory", "networks"):
        if part == "latency":
            load = os.getloadavg()[0]
            found = [measure_latency(way, fps, seconds, most_ms) for way in over for fps in rates]
            passed += [good for _, good in found]
            table = latency_table([row for row, _ in found], seconds, load)
            print(markdown([table]))
            if to_page:
                write("bench_live.py", DOCS / "live.md", {"latency": table})
        elif part == "memory":
            small = [np.asarray(cv2.resize(p, (160, 144)), np.uint8) for p in clip_pictures(25)]
            passed.append(measure_memory(small, frames, StandIn(), video=False))
        else:
            passed.append(measure_networks(network_frames))
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
