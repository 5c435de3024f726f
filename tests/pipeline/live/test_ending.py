"""Ctrl-C and SIGTERM: within two seconds, with whole files, whatever the source does just then."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rmpe.formats import read_records
from tests.pipeline.live.conftest import MjpegSender, UdpSender, WebcamProcess

TWO_S = 2 + 2
"""Two seconds, and as much for a loaded machine to end a process."""


def assert_whole(webcam: WebcamProcess, folder: Path) -> None:
    stored = read_records(webcam.records)
    assert sum(1 for _ in stored) > 5 and stored.complete
    assert (folder / "annotated.mp4").stat().st_size > 0
    assert json.loads((folder / "summary.json").read_text())["failure"] == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_frames_come(
    number: signal.Signals,
    webcam_process: Callable[..., WebcamProcess],
    mjpeg: Callable[..., MjpegSender],
    tmp_path: Path,
    wait_for: Callable[..., None],
) -> None:
    webcam = webcam_process(mjpeg(fps=50).address)
    wait_for(lambda: webcam.frames() > 5, 60)
    took_s, code, out, _ = webcam.end(number)
    assert code == 0 and took_s < TWO_S
    assert "frames captured" in out
    assert_whole(webcam, tmp_path)


@pytest.mark.parametrize(("number", "over"), [(signal.SIGINT, "http"), (signal.SIGTERM, "udp")])
def test_while_the_stream_stalls(
    number: signal.Signals,
    over: str,
    webcam_process: Callable[..., WebcamProcess],
    mjpeg: Callable[..., MjpegSender],
    udp: Callable[..., UdpSender],
    udp_port: int,
    tmp_path: Path,
    wait_for: Callable[..., None],
) -> None:
    if over == "http":
        sender: Any = mjpeg(fps=50)
        webcam = webcam_process(sender.address, "--stall", "60")
        stall = sender.hanging.set
    else:
        sender = udp(udp_port, patient=True)
        webcam = webcam_process(f"udp://127.0.0.1:{udp_port}", "--stall", "60")
        stall = sender.stop
    wait_for(lambda: webcam.frames() > 5, 60)
    stall()
    still = [0]

    def nothing_comes() -> bool:
        still.append(webcam.frames())
        return still[-1] == still[-2]

    wait_for(nothing_comes)
    took_s, code, _, _ = webcam.end(number)
    assert code == 0 and took_s < TWO_S
    assert_whole(webcam, tmp_path)


@pytest.mark.parametrize("over", ["http", "udp"])
def test_while_the_source_is_opened_again(
    over: str,
    webcam_process: Callable[..., WebcamProcess],
    mjpeg: Callable[..., MjpegSender],
    udp: Callable[..., UdpSender],
    udp_port: int,
    tmp_path: Path,
    wait_for: Callable[..., None],
) -> None:
    arguments = ("--stall", "0.5", "--reconnect", "inf")
    if over == "http":
        sender: Any = mjpeg(fps=50)
        webcam = webcam_process(sender.address, *arguments)
    else:
        sender = udp(udp_port, patient=True)
        webcam = webcam_process(f"udp://127.0.0.1:{udp_port}", *arguments)
    wait_for(lambda: webcam.frames() > 5, 60)
    sender.stop()
    line = ""
    while "was lost" not in line:
        line = webcam.process.stderr.readline()
        assert line, "it ended"
    took_s, code, _, _ = webcam.end(signal.SIGTERM)
    assert code == 0 and took_s < TWO_S
    assert_whole(webcam, tmp_path)


def test_while_viewers_look_and_one_does_not_read(
    webcam_process: Callable[..., WebcamProcess],
    mjpeg: Callable[..., MjpegSender],
    tmp_path: Path,
    wait_for: Callable[..., None],
) -> None:
    pytest.importorskip("starlette", reason="the extra [serve] is not installed")
    webcam = webcam_process(mjpeg(fps=50).address, "--serve", "0")
    line = webcam.process.stdout.readline()
    address = line.removeprefix("serving ").strip()
    port = int(address.rstrip("/").rpartition(":")[2])
    wait_for(lambda: webcam.frames() > 5, 60)
    records = urllib.request.urlopen(address + "records.ndjson", timeout=10)
    with records, socket.create_connection(("127.0.0.1", port)) as asleep:
        asleep.sendall(f"GET /picture.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert json.loads(records.readline())["schema"] == "rmpe/1"
        took_s, code, _, err = webcam.end(signal.SIGTERM)
        assert code == 0 and took_s < TWO_S
        assert json.loads(records.read().splitlines()[-1]) == {"end": True}
    assert err == ""
    assert_whole(webcam, tmp_path)
