"""Memory of a recording run whose source is lost again and again.

Run: python benchmarks/live/bench_losses.py [--losses 440]

A server of its own process gives twenty pictures over HTTP and ends the connection; the run opens
it anew each time, records poses and video in segments, and a stand-in takes the networks' place.
Prints what is held on the way; fails when memory grows by more than 5 % over the second half of the
losses.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import Any
from unittest import mock

import click
from live_memory import MOST_GROWTH, Held, StandIn

from pipeline.live.capture import opening
from pipeline.live.capture.reader import LiveReader, LiveReadOptions
from pipeline.live.recording import Recorder, SegmentLimits
from pipeline.live.session import LiveOptions, LiveSession
from pipeline.stages.track import build_tracker
from rmpe.formats import ClipHeader

EVERY = 40
PORT_LINE = "port "
SERVER = """
import cv2, numpy as np
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
noise = np.random.default_rng(0).integers(0, 255, (180, 320, 3), np.uint8)
data = cv2.imencode(".jpg", noise)[1].tobytes()
kind = f"Content-Type: image/jpeg\\r\\nContent-Length: {len(data)}"
head = f"--frame\\r\\n{kind}\\r\\n\\r\\n".encode()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        self.wfile.write((head + data + b"\\r\\n") * 20)

    def log_message(self, *arguments):
        return

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("port", server.server_address[1], flush=True)
server.serve_forever()
"""


def measure(port: int, losses: int) -> list[float]:
    """Run until the source was lost so often; print and return the memory every 40 losses."""
    reader = LiveReader(f"http://127.0.0.1:{port}/", LiveReadOptions(reconnect_s=60))
    estimator: Any = StandIn()
    levels: list[float] = []

    def note(result: Any) -> None:
        if reader.losses >= EVERY * len(levels):
            held = Held()
            levels.append(held.memory_mb)
            print(
                f"{reader.losses:4d} losses  {result.frame.index + 1:6d} frames  "
                f"{held.memory_mb:6.1f} MB  {held.threads} threads  {held.files} files",
                flush=True,
            )
        if reader.losses >= losses:
            session.request_stop()

    with tempfile.TemporaryDirectory() as folder:
        header = ClipHeader(estimator.skeleton, "lost", 320, 180, 25.0)
        recorder = Recorder(folder, header, reader.events, SegmentLimits(seconds=12))
        session = LiveSession(reader, estimator, LiveOptions(), build_tracker(), recorder)
        session.run([], note)
    return levels


@click.command()
@click.option("--losses", default=440, show_default=True, help="How often the source is lost.")
def main(losses: int) -> None:
    """Lose a source again and again, and print what is held."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().removeprefix(PORT_LINE))
        began_s = time.process_time()
        with mock.patch.object(opening, "_FIRST_PAUSE_S", 0.01):
            levels = measure(port, losses)
        server.kill()
    half, end = levels[len(levels) // 2], levels[-1]
    spent_s = time.process_time() - began_s
    print(f"second half {half:.1f} -> {end:.1f} MB ({end / half - 1:+.1%}), {spent_s:.0f} s of CPU")
    sys.exit(0 if end <= half * (1 + MOST_GROWTH) else 1)


if __name__ == "__main__":
    main()
