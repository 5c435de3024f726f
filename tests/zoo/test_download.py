"""Published files are fetched once, resumed, checked, and never half there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.server
import io
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from rmpe.networks.variants import build_network
from rmpe.zoo import catalogue as catalogue_module
from rmpe.zoo import load
from rmpe.zoo.catalogue import CatalogueEntry
from rmpe.zoo.download import FetchOptions, default_cache_dir, fetch

CONTENT = bytes(range(256)) * 40
NAME = "network-0000.pth"
PUBLISHED = f"https://published.invalid/mmpose/{NAME}"


def sha256_prefix(content: bytes) -> str:
    """What a publisher puts into the file's name."""
    return hashlib.sha256(content).hexdigest()[:8]


@dataclass
class Behaviour:
    """What the server does next."""

    content: bytes = CONTENT
    cut_after: int | None = None
    """Close the connection after so many bytes of the answer."""
    honours_range: bool = True
    status: int = 200
    redirect: str = ""
    """Address that every request is sent on to."""
    pause_s: float = 0.0
    """Wait before every hundredth of the answer."""
    says_length: bool = True
    ranges: list[str | None] = field(default_factory=list)
    """Range header of every request so far."""
    paths: list[str] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file as the behaviour says."""

    behaviour: ClassVar[Behaviour]

    def do_GET(self) -> None:
        does = self.behaviour
        wanted = self.headers.get("Range")
        does.ranges.append(wanted)
        does.paths.append(self.path)
        if does.status != 200:
            self.send_error(does.status)
            return
        if does.redirect:
            self.send_response(302)
            self.send_header("Location", does.redirect)
            self.end_headers()
            return
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and does.honours_range else 0
        if start and start >= len(does.content):
            self.send_error(416)
            return
        body = does.content[start:]
        self.send_response(206 if start else 200)
        if does.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body if does.cut_after is None else body[: does.cut_after]
        step = len(body) // 100 + 1
        with contextlib.suppress(ConnectionError):  # the test's client may have left
            for place in range(0, len(body), step):
                self.wfile.write(body[place : place + step])
                time.sleep(does.pause_s)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Served:
    """A running server."""

    options: FetchOptions
    behaviour: Behaviour

    @property
    def file(self) -> Path:
        """Where a fetched file ends."""
        return self.options.cache_dir / NAME

    @property
    def left(self) -> list[str]:
        """Names in the cache folder."""
        folder = self.options.cache_dir
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        return sorted(name for name in names if name != ".locks")

    def fetch(self) -> Path:
        """Fetch the file."""
        return fetch(PUBLISHED, sha256_prefix(CONTENT), self.options)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server on 127.0.0.1 that takes the place of the publisher's host."""
    behaviour = Behaviour()
    handler = type("BoundHandler", (Handler,), {"behaviour": behaviour})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mirror = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield Served(FetchOptions(tmp_path / "cache", offline=False, mirror=mirror), behaviour)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_file_is_fetched_from_the_mirror_and_then_taken_from_the_cache(served: Served) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(
        PUBLISHED, sha256_prefix(CONTENT), served.options, lambda done, of: seen.append((done, of))
    )
    assert path.read_bytes() == CONTENT
    assert served.behaviour.paths == [f"/mmpose/{NAME}"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert served.fetch() == path
    assert len(served.behaviour.paths) == 1
    assert served.left == [NAME]


def test_an_interrupted_fetch_is_continued_where_it_ended(served: Served) -> None:
    served.behaviour.cut_after = 4000
    with pytest.raises(ConnectionError, match="run again to continue"):
        served.fetch()
    assert served.left == [f"{NAME}.part"]
    served.behaviour.cut_after = None
    assert served.fetch().read_bytes() == CONTENT
    assert served.behaviour.ranges == [None, "bytes=4000-"]
    assert served.left == [NAME]


def test_a_server_without_ranges_sends_all_of_it_again(served: Served) -> None:
    served.behaviour.cut_after = 4000
    with pytest.raises(ConnectionError):
        served.fetch()
    served.behaviour.cut_after = None
    served.behaviour.honours_range = False
    assert served.fetch().read_bytes() == CONTENT


def test_a_complete_part_needs_no_more_bytes(served: Served) -> None:
    served.options.cache_dir.mkdir()
    (served.options.cache_dir / f"{NAME}.part").write_bytes(CONTENT)
    assert served.fetch().read_bytes() == CONTENT


def test_a_part_of_another_file_is_thrown_away(served: Served) -> None:
    served.options.cache_dir.mkdir()
    (served.options.cache_dir / f"{NAME}.part").write_bytes(b"x" * 100)
    assert served.fetch().read_bytes() == CONTENT
    assert served.behaviour.ranges == ["bytes=100-", None]


def test_a_wrong_hash_is_an_error_and_leaves_nothing(served: Served) -> None:
    served.behaviour.content = b"something else"
    with pytest.raises(ValueError, match=r"not the published file: its SHA-256 starts with"):
        served.fetch()
    assert served.left == []


def test_a_damaged_file_in_the_cache_is_fetched_again(served: Served) -> None:
    served.fetch()
    served.file.write_bytes(CONTENT[:-1])
    assert served.fetch().read_bytes() == CONTENT


def test_a_damaged_file_stays_until_the_new_one_is_there(served: Served) -> None:
    served.fetch()
    served.file.write_bytes(b"damaged")
    served.behaviour.status = 503
    with pytest.raises(OSError, match="answered 503"):
        served.fetch()
    assert served.file.read_bytes() == b"damaged"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
def test_of_several_processes_one_fetches_and_all_get_the_file(served: Served) -> None:
    served.behaviour.pause_s = 0.005
    context = multiprocessing.get_context("fork")
    found = context.Queue()

    def run() -> None:
        found.put(served.fetch().read_bytes() == CONTENT)

    processes = [context.Process(target=run) for _ in range(3)]
    for process in processes:
        process.start()
    right = [found.get(timeout=30) for _ in processes]
    for process in processes:
        process.join(30)
    assert right == [True] * 3
    assert len(served.behaviour.paths) == 1
    assert served.left == [NAME]


@pytest.mark.parametrize("says_length", [True, False])
def test_a_file_that_is_too_large_is_not_kept(served: Served, says_length: bool) -> None:
    served.behaviour.says_length = says_length
    with pytest.raises(ValueError, match="at most 5000 are expected"):
        fetch(PUBLISHED, sha256_prefix(CONTENT), served.options, max_bytes=5000)
    assert served.left == []


def test_a_server_that_is_too_slow_is_given_up_and_can_be_continued(served: Served) -> None:
    served.behaviour.pause_s = 0.02
    hurried = replace(served.options, patience_s=0.2, least_bytes_per_s=1e6)
    with pytest.raises(ConnectionError, match="too little to wait for; run again to continue"):
        fetch(PUBLISHED, sha256_prefix(CONTENT), hurried)
    served.behaviour.pause_s = 0.0
    assert served.fetch().read_bytes() == CONTENT
    start = served.behaviour.ranges[-1]
    assert start is not None
    assert start != "bytes=0-"


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_an_address_that_leads_away_from_the_web_is_not_followed(
    served: Served, address: str
) -> None:
    served.behaviour.redirect = address
    with pytest.raises(OSError, match=f"leads on to {address}, which is not followed|answered 302"):
        served.fetch()
    assert served.left == []


def test_a_full_disk_is_not_called_a_network_fault(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullFile(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_: FullFile())
    with pytest.raises(OSError, match="No space left") as caught:
        served.fetch()
    assert not isinstance(caught.value, ConnectionError)


def test_offline_takes_the_cache_only(served: Served) -> None:
    offline = FetchOptions(served.options.cache_dir, offline=True, mirror=served.options.mirror)
    with pytest.raises(FileNotFoundError, match="offline flag is set; put the file there"):
        fetch(PUBLISHED, sha256_prefix(CONTENT), offline)
    assert served.behaviour.paths == []
    served.fetch()
    assert fetch(PUBLISHED, sha256_prefix(CONTENT), offline) == served.file
    served.file.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="is damaged"):
        fetch(PUBLISHED, sha256_prefix(CONTENT), offline)


def test_a_refusing_server_is_named_with_its_answer(served: Served) -> None:
    served.behaviour.status = 404
    with pytest.raises(OSError, match="answered 404 Not Found; try a mirror"):
        served.fetch()
    assert served.left == []


def test_no_network_says_what_to_do_in_one_sentence(tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    options = FetchOptions(tmp_path, offline=False, mirror=f"http://127.0.0.1:{port}")
    with pytest.raises(ConnectionError) as caught:
        fetch(PUBLISHED, "00", options)
    message = str(caught.value)
    assert "check the network" in message
    assert str(tmp_path) in message
    assert "\n" not in message


def test_only_http_addresses_are_fetched(tmp_path: Path) -> None:
    options = FetchOptions(tmp_path, offline=False, mirror="file:///etc")
    with pytest.raises(ValueError, match="supported are http:// and https://"):
        fetch(PUBLISHED, "00", options)


def test_the_environment_sets_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RMPE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("RMPE_OFFLINE", "1")
    monkeypatch.setenv("RMPE_MIRROR", "http://mirror.example/base")
    options = FetchOptions()
    assert (options.cache_dir, options.offline) == (tmp_path, True)
    assert options.address(PUBLISHED) == f"http://mirror.example/base/mmpose/{NAME}"
    monkeypatch.delenv("RMPE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache_dir() == tmp_path / "xdg" / "rmpe" / "weights"


def entry_for(content: bytes, variant: str) -> CatalogueEntry:
    """A catalogue entry of a file made in the test."""
    return CatalogueEntry(
        name="test-entry",
        alias="",
        kind="pose",
        variant=variant,
        dataset="COCO",
        input_height=384,
        input_width=288,
        skeleton_name="coco17",
        codec="dark",
        score=0.5,
        metric="AP",
        megabytes=1,
        address=f"https://published.invalid/top_down/net-{sha256_prefix(content)}_20200101.pth",
        licence="Apache-2.0",
    )


def test_a_catalogue_entry_is_fetched_loaded_and_brings_its_conventions(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = build_network("rsn18_1stage", 17).state_dict()
    buffer = io.BytesIO()
    torch.save({"model": state, "optimizer": {"lr": 0.1}}, buffer)
    content = buffer.getvalue()
    served.behaviour.content = content
    entry = entry_for(content, "rsn18_1stage")
    monkeypatch.setattr(catalogue_module, "pose_entries", lambda: (entry,))
    loaded = load("test-entry", options=served.options)
    assert loaded.variant == "rsn18_1stage"
    conventions = loaded.conventions
    assert (conventions.input_height, conventions.input_width) == (384, 288)
    assert conventions.codec == "dark"
    again = load(served.options.cache_dir / entry.file_name)
    assert again.conventions == conventions

    other = entry_for(content, "rsn50_1stage")
    monkeypatch.setattr(catalogue_module, "pose_entries", lambda: (other,))
    with pytest.raises(ValueError, match="holds rsn18_1stage, the catalogue says rsn50_1stage"):
        load("test-entry", options=served.options)
