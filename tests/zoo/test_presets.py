"""Presets by name: the page that lists them, what auto takes, a run from a server."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from cli import rmpe_command
from rmpe.skeletons import get_skeleton
from rmpe.zoo import catalogue, presets
from rmpe.zoo.catalogue import CatalogueEntry
from rmpe.zoo.presets import PRESETS, Preset, get_preset
from tests.helpers.published import onnx_archive, publish, served
from tests.helpers.tiny_clip import write_tiny_clip
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


NO_NETWORK = {"compact", "compact-accurate"}
HUB = {name for name, preset in PRESETS.items() if preset.network.startswith("hf:")}
QUICK = {"rtmpose-t"}


def files_of(name: str) -> list[CatalogueEntry]:
    """The catalogue's entries of a preset's two networks."""
    preset = PRESETS[name]
    return [
        catalogue.find_entry(preset.network),
        catalogue.find_entry(preset.detector[preset.detector.index(":") + 1 :]),
    ]


def run(name: str, clip: Path, output: Path, *options: str) -> tuple[int, str]:
    """Run ``video`` with a preset; exit code and what was said."""
    write_tiny_clip(clip, frames=2)
    fixed = ["--preset", name, "--no-video", "--device", "cpu", "-o", str(output)]
    done = CliRunner().invoke(rmpe_command, ["video", str(clip), *fixed, *options])
    return done.exit_code, f"{done.output} {done.exception}"


EVERYBODY = ("--min-score", "0", "--nms", "none", "--max-people", "2", "--no-propagate")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[] if name in QUICK else [pytest.mark.slow, pytest.mark.timeout(900)]
        )
        for name in PRESETS
        if name not in NO_NETWORK | HUB
    ],
)
def test_video_runs_every_preset_from_the_files_of_a_server(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = files_of(name)
    entries = publish(wanted, tmp_path / "server", monkeypatch)
    with served(tmp_path / "server", tmp_path / "cache", monkeypatch):
        code, said = run(name, tmp_path / "clip.mp4", tmp_path / "out", *EVERYBODY)
    assert code == 0, said
    header, *frames, end = (
        json.loads(line) for line in (tmp_path / "out" / "poses.ndjson").read_text().splitlines()
    )
    skeleton = get_skeleton(wanted[0].skeleton_name)
    assert header["skeleton"]["name"] == skeleton.name
    assert end["frames"] == len(frames) == 2
    people = [person for frame in frames for person in frame["people"]]
    assert len(people) == 4
    assert all(len(person["keypoints"]) == skeleton.joint_count for person in people)
    cached = {path.name for path in (tmp_path / "cache").rglob("served-*")}
    assert {entry.file_name for entry in entries} <= cached


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NO_NETWORK))
def test_video_runs_the_presets_of_the_package_without_any_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RMPE_OFFLINE", "1")
    monkeypatch.setenv("RMPE_CACHE_DIR", str(tmp_path / "cache"))
    code, said = run(name, tmp_path / "clip.mp4", tmp_path / "out")
    assert code == 0, said


@pytest.mark.parametrize(
    ("name", "wrong", "code", "said"),
    [
        (
            "rtmpose-t",
            "offline",
            1,
            r"error: .*clip\.mp4: served-\w+\.pth is not in .*cache and the offline flag",
        ),
        (
            "rtmpose-t",
            "down",
            1,
            r"error: .*clip\.mp4: could not fetch http://127.*put it into .*cache",
        ),
        (
            "rtmpose-t",
            "other",
            2,
            r"Error: what http://127.* sent is not the published file: its SHA",
        ),
        ("rtmw", "cut", 2, r"Error: the archive served-\w+\.zip is damaged or cut short"),
        (
            "rtmw",
            "leads out",
            2,
            r"Error: the archive .* is refused: '../../end2end.onnx' in it leads",
        ),
    ],
)
def test_what_is_wrong_with_a_presets_file_is_one_sentence(
    name: str, wrong: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = tmp_path / "server", tmp_path / "cache"
    entry = publish(files_of(name)[:1], folder, monkeypatch)[0]
    file = folder / entry.file_name
    with served(folder, cache, monkeypatch):
        if wrong == "offline":
            monkeypatch.setenv("RMPE_OFFLINE", "1")
        elif wrong == "down":
            monkeypatch.setenv("RMPE_MIRROR", "http://127.0.0.1:9")
        elif wrong == "other":
            file.write_bytes(b"something else")
        elif wrong == "cut":
            file.write_bytes(file.read_bytes()[:1000])
        else:
            file.write_bytes(onnx_archive(entry, "../.."))
        found = run(name, tmp_path / "clip.mp4", tmp_path / "out", "--detector", "compact")
    assert found[0] == code, found[1]
    sentence = found[1].strip().splitlines()[0]
    assert re.match(said, sentence), found[1]
    assert not list(tmp_path.rglob("end2end*"))


def hub_cache(home: Path, preset: Preset) -> None:
    """Small random networks in the hub library's cache, under the names of a preset."""
    from tests.helpers.hub_networks import saved, tiny_vitpose

    labels = {0: "person", 1: "car"}
    for source in (preset.network, preset.detector):
        name = source.removeprefix("hf:").replace("/", "--")
        folder = home / "hub" / f"models--{name}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("0" * 40)
        kept = folder / "snapshots" / ("0" * 40)
        if source == preset.network:
            tiny_vitpose(kept, experts=6 if "plus" in name else 1)
        else:
            saved("RTDetr", kept, labels)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(HUB))
def test_vitpose_runs_from_the_hubs_cache(name: str, tmp_path: Path, repository: Path) -> None:
    pytest.importorskip("transformers")
    hub_cache(tmp_path / "home", PRESETS[name])
    write_tiny_clip(tmp_path / "clip.mp4", frames=2)
    arguments = ["--preset", name, "--no-video", "--device", "cpu", "-o", "out", *EVERYBODY]
    done = subprocess.run(
        [sys.executable, str(repository / "cli.py"), "video", "clip.mp4", *arguments],
        cwd=tmp_path,
        env={**os.environ, "HF_HOME": str(tmp_path / "home"), "RMPE_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    header, *frames, _ = (
        json.loads(line) for line in (tmp_path / "out" / "poses.ndjson").read_text().splitlines()
    )
    assert header["skeleton"]["name"] == "coco17"
    assert sum(len(frame["people"]) for frame in frames) == 4


@pytest.mark.parametrize("name", sorted(HUB))
def test_the_hubs_presets_say_how_to_bring_their_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("RMPE_OFFLINE", "1")
    code, said = run(name, tmp_path / "clip.mp4", tmp_path / "out", "--detector", "compact")
    assert code == 1
    sentence = said.strip().splitlines()[0]
    assert f"`hf download {PRESETS[name].network.removeprefix('hf:')} --local-dir" in sentence
