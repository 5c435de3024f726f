"""Senders of synthetic live streams on the loopback interface, and slow or quick estimators."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.helpers.command_line import CommandLine
from tests.helpers.squares import SquaresEstimator

BOUNDARY = "frame"
PROGRAM = """
import sys
sys.path.insert(0, {repository!r})
import cli
from tests.helpers.squares import SquaresEstimator
from rmpe_cli import building
building.build_estimator = lambda given, threads: SquaresEstimator(infer_pause_s=0.02)
cli.main()
"""


class MjpegSender:
    """Serves pictures as an endless multipart stream over HTTP, to one client after another.

    ``sent`` counts the frames written; ``hang()`` keeps the connection and sends nothing more.
    """

    def __init__(
        self, pictures: Callable[[], Iterable[np.ndarray]], fps: float, port: int = 0
    ) -> None:
        self.sent = 0
        self.hanging = threading.Event()
        self._pictures, self._fps = pictures, fps
        self._stopping = threading.Event()
        sender = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                try:
                    sender._send(self.wfile)
                except OSError:
                    return

            def log_message(self, *arguments: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = False
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/video"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _send(self, file: BufferedIOBase) -> None:
        next_s = time.monotonic()
        for picture in self._pictures():
            data = cv2.imencode(".jpg", picture)[1].tobytes()
            while self.hanging.is_set() and not self._stopping.is_set():
                time.sleep(0.01)
            if self._stopping.is_set():
                return
            head = (
                f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            )
            file.write(head.encode() + data + b"\r\n")
            self.sent += 1
            next_s += 1 / self._fps
            time.sleep(max(next_s - time.monotonic(), 0))
        file.write(f"--{BOUNDARY}--\r\n".encode())

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class UdpSender:
    """Sends pictures as H.264 in MPEG-TS over UDP, from a thread of its own.

    It begins at once, or once somebody listens if ``patient``.
    """

    def __init__(
        self,
        pictures: Callable[[], Iterable[np.ndarray]],
        fps: float,
        port: int,
        patient: bool = False,
    ) -> None:
        self.sent = 0
        self._pictures, self._fps, self._port, self._patient = pictures, fps, port, patient
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _nobody_listens(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError:
                return False
        return True

    def _run(self) -> None:
        while self._patient and not self._stopping.is_set() and self._nobody_listens():
            time.sleep(0.02)
        address = f"udp://127.0.0.1:{self._port}?pkt_size=1316"
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": "5"}
        with av.open(address, "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=Fraction(self._fps), options=options)
            stream.pix_fmt = "yuv420p"
            next_s = time.monotonic()
            for picture in self._pictures():
                if self._stopping.is_set():
                    break
                if not self.sent:
                    stream.height, stream.width = picture.shape[:2]
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                for packet in stream.encode(frame):
                    container.mux(packet)
                self.sent += 1
                next_s += 1 / self._fps
                time.sleep(max(next_s - time.monotonic(), 0))

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


def walking_squares(count: int | None = None) -> Iterator[np.ndarray]:
    """Yield pictures, 60 x 200, of two squares that walk; for ever when ``count`` is None."""
    index = 0
    while count is None or index < count:
        picture = np.zeros((60, 200, 3), np.uint8)
        for number in range(2):
            left = 8 + 60 * number + index % 40
            picture[15:27, left : left + 12] = 100 + 80 * number
        yield picture
        index += 1


def free_port() -> int:
    """Return a UDP port that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mjpeg() -> Iterator[Callable[..., MjpegSender]]:
    """A function that starts an :class:`MjpegSender`; all are stopped at the end."""
    senders = []

    def start(
        count: int | None = None,
        fps: int = 50,
        port: int = 0,
        pictures: Callable[[], Iterable[np.ndarray]] | None = None,
    ) -> MjpegSender:
        senders.append(MjpegSender(pictures or (lambda: walking_squares(count)), fps, port))
        return senders[-1]

    yield start
    for sender in senders:
        sender.stop()


@pytest.fixture
def udp() -> Iterator[Callable[..., UdpSender]]:
    """A function that starts a :class:`UdpSender` to a port; all are stopped at the end."""
    senders = []

    def start(
        port: int,
        fps: int = 50,
        count: int | None = None,
        patient: bool = False,
        pictures: Callable[[], Iterable[np.ndarray]] | None = None,
    ) -> UdpSender:
        pictures = pictures or (lambda: walking_squares(count))
        senders.append(UdpSender(pictures, fps, port, patient))
        return senders[-1]

    yield start
    for sender in senders:
        sender.stop()


@pytest.fixture
def udp_port() -> int:
    """A free UDP port."""
    return free_port()


@pytest.fixture
def free_tcp_port() -> int:
    """A free TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class WebcamProcess:
    """``webcam`` in a process of its own, on the squares' estimator, recording into a folder."""

    def __init__(self, repository: Path, folder: Path, arguments: Any) -> None:
        program = PROGRAM.format(repository=str(repository))
        self.records = folder / "poses.ndjson"
        command = [sys.executable, "-c", program, "webcam", *map(str, arguments)]
        command += ["--record", str(folder), "--no-window"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def frames(self) -> int:
        """Return how many frames are recorded so far."""
        return self.records.read_text().count('"frame"') if self.records.exists() else 0

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[float, int, str, str]:
        """Send a signal; return (seconds to the end, exit code, stdout, stderr)."""
        asked = time.monotonic()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return time.monotonic() - asked, self.process.returncode, out, err


@pytest.fixture
def webcam_process(repository: Path, tmp_path: Path) -> Iterator[Callable[..., WebcamProcess]]:
    """A function that starts a :class:`WebcamProcess`; what still runs at the end is killed."""
    started = []

    def start(*arguments: Any) -> WebcamProcess:
        started.append(WebcamProcess(repository, tmp_path, arguments))
        return started[-1]

    yield start
    for webcam in started:
        webcam.process.kill()
        webcam.process.communicate()


class Receiver:
    """A server that keeps the lines posted to it, and answers as it is told."""

    def __init__(self) -> None:
        self.lines = []
        self.posts = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.posts.append(dict(self.headers) | {"path": self.path})
                if receiver.status == 200:
                    receiver.lines += [json.loads(line) for line in body.splitlines()]
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        self.port = self.server.server_address[1]

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def broker(tmp_path: Path, wait_for: Callable[..., None]) -> Iterator[int]:
    """The port of a real broker."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("the broker mosquitto is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = tmp_path / "broker.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([program, "-c", str(settings)], stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: answers(port))
        yield port
        process.terminate()


@pytest.fixture
def rmpe(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    squares: type[SquaresEstimator],
) -> CommandLine:
    """A function that runs a command line in this process: (exit code, stdout, stderr).

    Its ``estimator`` finds bright squares until the test gives another one.
    """
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return CommandLine(monkeypatch, capsys, squares())
