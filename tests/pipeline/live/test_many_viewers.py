"""Twenty viewers of a whole live run, in a process of their own: the run does not wait for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.live.policy import FrameCounts
from tests.helpers.squares import SquaresEstimator
from tests.pipeline.live.conftest import MjpegSender

pytest.importorskip("starlette", reason="the extra [serve] is not installed")
pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

from pipeline.live.capture.reader import LiveReader
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.server import LiveServer
from pipeline.live.session import LiveOptions, LiveSession
from rmpe.formats import ClipHeader

FRAMES = 60
PICTURES, RECORDS, ASLEEP = 10, 8, 2
VIEWERS = """
import selectors, socket, sys
port, counts = int(sys.argv[1]), [int(count) for count in sys.argv[2:]]
paths = ["/picture.mjpg"] * counts[0] + ["/records"] * counts[1] + ["/picture.mjpg"] * counts[2]
seen = [0] * len(paths)
marks = {"/picture.mjpg": b"--rmpe-picture", "/records": b"data: "}
waiting = selectors.DefaultSelector()
viewers = []
for number, path in enumerate(paths):
    viewer = socket.socket()
    asleep = number >= counts[0] + counts[1]
    if asleep:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    viewer.connect(("127.0.0.1", port))
    viewer.sendall(f"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n".encode())
    viewers.append(viewer)
    if not asleep:
        waiting.register(viewer, selectors.EVENT_READ, number)
print("all have asked", flush=True)
while waiting.get_map():
    for key, _ in waiting.select():
        data = key.fileobj.recv(1 << 16)
        seen[key.data] += data.count(marks[paths[key.data]])
        if not data:
            waiting.unregister(key.fileobj)
print(*seen, flush=True)
"""


def run(
    address: str, estimator: Any, viewers: tuple[()] | tuple[int, int, int] = ()
) -> tuple[FrameCounts, list[int]]:
    """Run to the end of a stream with viewers; return (counts, what each viewer saw)."""
    reader = LiveReader(address)
    session = LiveSession(reader, estimator, LiveOptions(1.0, 1))
    header = ClipHeader(estimator.skeleton, "squares", 200, 60)
    hub = ViewHub()
    hub.begin(header, reader.events, session.page_status)
    server = LiveServer([hub])
    watching = None
    if viewers:
        command = [sys.executable, "-c", VIEWERS, str(server.port), *map(str, viewers)]
        watching = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert watching.stdout.readline() == "all have asked\n"
    summary = session.run([hub])
    server.stop()
    seen = watching.communicate(timeout=20)[0].split() if watching else []
    return summary.status.counts, [int(count) for count in seen]


def test_twenty_viewers_at_once_do_not_slow_the_run(
    mjpeg: Callable[..., MjpegSender], squares: type[SquaresEstimator]
) -> None:
    alone, _ = run(mjpeg(FRAMES, 40).address, squares(infer_pause_s=0.04))
    viewers = (PICTURES, RECORDS, ASLEEP)
    watched, seen = run(mjpeg(FRAMES, 40).address, squares(infer_pause_s=0.04), viewers)
    for counts in (alone, watched):
        assert counts.captured == FRAMES == counts.processed + counts.dropped_total
    assert watched.processed >= 0.7 * alone.processed, "as many results in the same time"
    of_pictures, of_records = seen[:PICTURES], seen[PICTURES : PICTURES + RECORDS]
    assert min(of_pictures) >= 3, "everybody sees the picture move"
    assert min(of_records) >= 0.9 * watched.processed, "and gets the records"
    assert seen[PICTURES + RECORDS :] == [0] * ASLEEP
