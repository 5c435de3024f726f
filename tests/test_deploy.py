"""What deploys the program: health check, container files, the service, and options that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import click
import pytest

import cli
from deploy import healthcheck


@pytest.fixture
def answering() -> Iterator[HTTPServer]:
    """A server that answers /healthz with the status that is set on it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = self.server.status if self.path == "/healthz" else 404  # type: ignore[attr-defined]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def words_of(tmp_path: Path, *words: str) -> Path:
    """Return a file as /proc/1/cmdline is."""
    path = tmp_path / "cmdline"
    path.write_bytes("\0".join(words).encode() + b"\0")
    return path


def test_the_health_check_follows_the_view(answering: HTTPServer, tmp_path: Path) -> None:
    port = answering.server_address[1]
    command_line = words_of(tmp_path, "rmpe", "webcam", "x", "--serve", f"0.0.0.0:{port}")
    for status, code in ((200, 0), (503, 1)):
        answering.status = status  # type: ignore[attr-defined]
        assert healthcheck.main(command_line) == code


def test_a_container_without_a_view_is_well_and_one_whose_view_is_gone_is_not(
    tmp_path: Path,
) -> None:
    assert healthcheck.main(words_of(tmp_path, "rmpe", "video", "a.mp4")) == 0
    assert healthcheck.main(words_of(tmp_path, "rmpe", "webcam", "x", "--serve", "9")) == 1


def options_exist(words: list[str]) -> None:
    """Fail if a command line has a command or an option that the program has not."""
    command: click.Command = cli.rmpe_command.commands[words[0]]
    known = {name for option in command.params for name in option.opts + option.secondary_opts}
    unknown = {word for word in words if word.startswith("--")} - known
    assert not unknown


def test_the_service_and_the_composition_give_options_that_exist(repository: Path) -> None:
    unit = (repository / "deploy" / "rmpe-webcam.service").read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=/opt/rmpe/bin/rmpe (.*)$", unit, re.MULTILINE)
    options_exist(shlex.split(line))
    composition = (repository / "compose.yaml").read_text("utf-8")
    command = re.search(r"^    command: >-\n((?:      .*\n)+)", composition, re.MULTILINE)
    assert command is not None
    options_exist(shlex.split(re.sub(r"\$\{[^}]*\}", "CAMERAS", command[1])))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_service(repository: Path, tmp_path: Path) -> None:
    unit = (repository / "deploy" / "rmpe-webcam.service").read_text("utf-8")
    checked = tmp_path / "rmpe-webcam.service"
    checked.write_text(unit.replace("/opt/rmpe/bin/rmpe ", f"{sys.executable} "))
    command = ["systemd-analyze", "verify", str(checked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="needs hadolint")
@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_images_are_built_as_the_linter_of_their_files_wants(repository: Path, name: str) -> None:
    command = ["hadolint", str(repository / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_images_run_without_rights_and_can_be_asked_for_their_health(
    repository: Path, name: str
) -> None:
    text = (repository / name).read_text("utf-8")
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d*$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    for source in re.findall(r"^COPY (?!--from)(\S+) ", last, re.MULTILINE):
        assert (repository / source).exists()
