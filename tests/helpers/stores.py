"""A local S3 server, an empty staging folder, and clips of squares."""

from __future__ import annotations

import logging
import os
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


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of copies, empty."""
    folder = tmp_path / "staging"
    monkeypatch.setenv("RMPE_STAGING_DIR", str(folder))
    return folder


@pytest.fixture(params=["s3", "memory"])
def store(
    request: pytest.FixtureRequest, s3_server: str, staging: Path, tmp_path: Path
) -> Iterator[str]:
    """An empty folder of a store, with ``in/walk.mp4`` of 12 frames of squares."""
    bucket = f"{request.param}://clips"
    fs, root = fsspec.core.url_to_fs(bucket)
    fs.invalidate_cache()
    write_clip(tmp_path / "walk.mp4", make_squares([2] * 12, step=0))
    fs.put_file(str(tmp_path / "walk.mp4"), f"{root}/in/walk.mp4")
    yield bucket
    fs.invalidate_cache()
    for path in fs.find(root):
        fs.rm_file(path)
