"""What viewers must know is nowhere but in their heads: not in logs, addresses, files or errors."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command_line import CommandLine
from tests.pipeline.live.conftest import MjpegSender

TOKEN = "open-sesame-4711"


@pytest.mark.parametrize("way", ["file", "environment", "option"])
def test_the_token_is_in_no_log_no_address_and_no_file(
    way: str,
    rmpe: CommandLine,
    mjpeg: Callable[..., MjpegSender],
    tmp_path: Path,
    free_tcp_port: int,
    wait_for: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    arguments: dict[str, list[Any]] = {
        "file": ["--token-file", tmp_path / "token"],
        "option": ["--token", TOKEN],
    }
    (tmp_path / "token").write_text(TOKEN + "\n")
    if way == "environment":
        monkeypatch.setenv("RMPE_TOKEN", TOKEN)
    sender = mjpeg(fps=25)
    answers = []

    def ask(path: str, headers: dict[str, str] | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", free_tcp_port, timeout=10)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            answers.append(str(response.getheaders()) + response.read().decode("latin-1"))
            return response.status
        except OSError:
            return 0
        finally:
            connection.close()

    def look() -> None:
        wait_for(lambda: ask("/healthz") == 200, 60)
        assert ask(f"/?token={TOKEN}") == 303
        assert ask(f"/status.json?token={TOKEN}") == 200
        assert ask("/metrics", {"Authorization": f"Bearer {TOKEN}"}) == 200
        assert ask("/picture.jpg", {"Authorization": "Bearer wrong"}) == 401
        sender.stop()

    looking = threading.Thread(target=look)
    looking.start()
    recorded = tmp_path / "recorded"
    code, out, err = rmpe(
        *("webcam", sender.address, "--serve", free_tcp_port, "--record", recorded),
        *("--no-video", "--no-window", *arguments.get(way, [])),
    )
    looking.join()
    assert code == 0, err
    assert "the address works once" in out and "?once=" in out
    files = [path.read_text("utf-8") for path in recorded.rglob("*.*") if path.is_file()]
    assert len(files) >= 2
    assert len(answers) >= 5
    for text in (out, err, caplog.text, *files, *answers):
        assert TOKEN not in text
