"""Presets by name: the page that lists them, what auto takes, a run from a server."""

from __future__ import annotations

import hashlib
import http.server
import io
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from cli import rmpe_command
from rmpe.networks import build_network
from rmpe.zoo import catalogue, presets
from rmpe.zoo.catalogue import CatalogueEntry
from rmpe.zoo.presets import PRESETS, get_preset
from tools.pages.models_table import measured_times, written


def test_the_page_is_what_its_command_writes(repository: Path) -> None:
    text = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    assert written(text) == text
    for name in PRESETS:
        assert f"| `{name}` |" in text
    assert set(measured_times()) <= set(PRESETS)


def test_models_lists_every_preset() -> None:
    shown = CliRunner().invoke(rmpe_command, ["models"])
    assert shown.exit_code == 0, shown.output
    assert all(name in shown.output for name in PRESETS)
    assert "74.9 AP val2017" in shown.output


@pytest.mark.parametrize(
    ("device", "cores", "taken"),
    [("cuda", 2, "rtmpose-l"), ("cpu", 2, "compact"), ("cpu", 8, "rtmpose-m")],
)
def test_auto_takes_what_the_machine_bears_and_says_so(
    device: str,
    cores: int,
    taken: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("rmpe.runtimes.choose_device", torch.device)
    monkeypatch.setattr(presets, "available_cores", lambda: cores)
    with caplog.at_level(logging.WARNING, "rmpe"):
        assert get_preset("auto", device).name == taken
    assert f"preset auto: {taken}, " in caplog.text


def test_auto_without_the_internet_takes_what_is_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RMPE_OFFLINE", "1")
    monkeypatch.setenv("RMPE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(presets, "available_cores", lambda: 16)
    assert get_preset("auto", "cpu").name == "compact"


def checkpoint(variant: str, count: int) -> bytes:
    """A file of random weights as OpenMMLab packs them."""
    torch.manual_seed(0)
    buffer = io.BytesIO()
    torch.save({"state_dict": build_network(variant, count).state_dict()}, buffer)
    return buffer.getvalue()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[CatalogueEntry]]:
    """A server with random files of the preset rtmpose-t, under names that carry their hashes."""
    folder = tmp_path / "server"
    entries = []
    for name, variant, count in (
        (PRESETS["rtmpose-t"].network, "rtmpose_t", 17),
        (PRESETS["rtmpose-t"].detector.partition(":")[2], "rtmdet_nano", 1),
    ):
        entry = catalogue.find_entry(name)
        content = checkpoint(variant, count)
        file_name = f"served-{hashlib.sha256(content).hexdigest()[:8]}.pth"
        folder.mkdir(exist_ok=True)
        (folder / file_name).write_bytes(content)
        entries.append(replace(entry, address=f"https://published.invalid/{file_name}"))
    monkeypatch.setattr(catalogue, "pose_entries", lambda: (entries[0],))
    monkeypatch.setattr(catalogue, "detector_entries", lambda: (entries[1],))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("RMPE_MIRROR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("RMPE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("RMPE_OFFLINE", raising=False)
    try:
        yield entries
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(clip: Path, output: Path) -> tuple[int, str]:
    """Run ``video`` with the preset; exit code and what was said."""
    options = ["--preset", "rtmpose-t", "--no-video", "--device", "cpu", "-o", str(output)]
    done = CliRunner().invoke(rmpe_command, ["video", str(clip), *options])
    return done.exit_code, f"{done.output} {done.exception}"


def test_video_runs_a_preset_from_the_files_of_a_server(
    published: list[CatalogueEntry], repository: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    from tests.helpers.tiny_clip import write_tiny_clip

    write_tiny_clip(clip)
    code, said = run(clip, tmp_path / "out")
    assert code == 0, said
    records = (tmp_path / "out" / "poses.ndjson").read_text().splitlines()
    assert '"coco17"' in records[0]
    assert '"frames": 4' in records[-1] or '"frames":4' in records[-1]
    cached = {path.name for path in (tmp_path / "cache").iterdir() if path.is_file()}
    assert cached == {entry.file_name for entry in published}


def test_a_missing_network_says_which_file_to_put_where(
    published: list[CatalogueEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RMPE_OFFLINE", "1")
    from rmpe.zoo import load

    with pytest.raises(FileNotFoundError) as caught:
        load(published[0].name)
    message = str(caught.value)
    assert published[0].file_name in message
    assert str(tmp_path / "cache") in message
    assert "\n" not in message


def test_a_wrong_hash_is_one_sentence(published: list[CatalogueEntry], tmp_path: Path) -> None:
    from rmpe.zoo import load

    (tmp_path / "server" / published[0].file_name).write_bytes(b"something else")
    with pytest.raises(ValueError, match="is not the published file: its SHA-256 starts with"):
        load(published[0].name)
