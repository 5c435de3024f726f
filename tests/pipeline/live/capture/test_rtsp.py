"""A camera that speaks RTSP, from GStreamer's server: read, killed, started again."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import cv2
import pytest

from rmpe.formats import read_records
from tests.helpers.command_line import CommandLine
from tests.pipeline.live.conftest import WebcamProcess, answers, walking_squares

SYSTEM_PYTHON = "/usr/bin/python3"
"""The one that Debian's package python3-gi belongs to."""
NEEDED = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert all(map(Gst.ElementFactory.find, ("multifilesrc", "jpegdec", "x264enc", "rtph264pay")))
"""
USER, PASSWORD = "viewer", "secret-of-nobody"


def is_there() -> bool:
    """Whether the system's Python has GStreamer's RTSP server."""
    if not Path(SYSTEM_PYTHON).exists():
        return False
    command = [SYSTEM_PYTHON, "-c", NEEDED]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


class Camera:
    """A camera's server, which can be started and killed."""

    def __init__(self, command: list[str], port: int, wait_for: Callable[..., None]) -> None:
        self.address = f"rtsp://{USER}:{PASSWORD}@127.0.0.1:{port}/stream"
        self._command, self._port, self._wait_for = command, port, wait_for
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._server = subprocess.Popen(self._command)
        self._wait_for(lambda: answers(self._port), 60)

    def die(self) -> None:
        """Kill it."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()


@pytest.fixture
def camera(
    tmp_path_factory: pytest.TempPathFactory,
    repository: Path,
    free_tcp_port: int,
    wait_for: Callable[..., None],
) -> Iterator[Camera]:
    """A camera that is not there yet."""
    if not is_there():
        pytest.skip("GStreamer's RTSP server is not installed (gir1.2-gst-rtsp-server-1.0)")
    folder = tmp_path_factory.mktemp("pictures")
    for number, picture in enumerate(islice(walking_squares(), 40)):
        cv2.imwrite(str(folder / f"{number}.jpg"), picture)
    program = repository / "tests" / "helpers" / "rtsp_server.py"
    words = [SYSTEM_PYTHON, program, free_tcp_port, f"{folder}/%d.jpg", 25, USER, PASSWORD]
    camera = Camera([str(word) for word in words], free_tcp_port, wait_for)
    yield camera
    camera.die()


def test_a_camera_that_dies_and_comes_back_is_recorded_without_its_password(
    camera: Camera,
    webcam_process: Callable[..., WebcamProcess],
    tmp_path: Path,
    wait_for: Callable[..., None],
) -> None:
    camera.start()
    webcam = webcam_process(camera.address, "--reconnect", "60", "--stall", "3")
    wait_for(lambda: webcam.frames() > 10, 90)
    camera.die()
    before = webcam.frames()
    camera.start()
    wait_for(lambda: webcam.frames() > before + 20, 60)
    _, code, out, err = webcam.end(signal.SIGTERM)
    assert code == 0, err
    lines = [json.loads(line) for line in webcam.records.read_text().splitlines()]
    told = [line["event"] for line in lines if "event" in line]
    assert told.count("source_lost") == told.count("source_returned") == 1
    stored = read_records(webcam.records)
    people = [len(record.poses) for record in stored]
    assert stored.complete
    assert (stored.header.width, stored.header.height) == (200, 60)
    assert median(people) == 2, "what the camera's coding adds is found in few frames"
    written = [path.read_text() for path in tmp_path.glob("*.*json*")]
    assert len(written) == 2
    assert PASSWORD not in "".join([out, err, *written])


def test_a_wrong_password_is_one_sentence_that_does_not_say_it(
    camera: Camera, rmpe: CommandLine
) -> None:
    camera.start()
    address = camera.address.replace(PASSWORD, "another-secret")
    code, _, err = rmpe("webcam", address, "--no-window")
    assert code == 1
    (line,) = err.strip().splitlines()
    assert line.startswith("error: rtsp://127.0.0.1:") and "401" in line
    assert "another-secret" not in line and USER not in line
