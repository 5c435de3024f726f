"""The weights commands, from the outside."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from cli import rmpe_command
from rmpe.networks.variants import build_network

NAME = "td-hm_rsn18_8xb32-210e_coco-256x192"
FILE = "td-hm_rsn18_8xb32-210e_coco-256x192-9049ed09_20221013.pth"


def run(*arguments: str) -> Result:
    """What ``rmpe weights ...`` does."""
    return CliRunner().invoke(rmpe_command, ["weights", *arguments])


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file that no catalogue knows."""
    path = tmp_path / "mine.pth"
    torch.save({"state_dict": build_network("rsn18_1stage", 16).state_dict()}, path)
    return path


def test_list_shows_the_best_of_a_data_set_first(tmp_path: Path) -> None:
    result = run("list", "--dataset", "mpii", "--cache-dir", str(tmp_path))
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert len(lines) == 10
    assert "td-hm_hrnet-w48_dark-8xb64-210e_mpii-256x256" in lines[1]
    assert "0.905" in lines[1]


def test_list_filters_by_name_and_kind(tmp_path: Path) -> None:
    assert len(run("list", "rsn18", "--cache-dir", str(tmp_path)).output.splitlines()) == 3
    detectors = run("list", "--kind", "detector", "--cache-dir", str(tmp_path)).output
    assert "fasterrcnn_resnet50_fpn_v2" in detectors
    assert "BSD-3-Clause" in detectors


def test_list_marks_what_is_fetched(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"anything")
    lines = run("list", "rsn18", "--cache-dir", str(tmp_path)).output.splitlines()
    assert [line.startswith("*") for line in lines] == [False, True, False]


def test_show_tells_an_entry_with_its_mirror(tmp_path: Path) -> None:
    result = run("show", NAME, "--cache-dir", str(tmp_path), "--mirror", "http://mirror.example")
    assert result.exit_code == 0
    assert "rsn18_1stage" in result.output
    assert "http://mirror.example/mmpose/v1/" in result.output
    assert "not fetched" in result.output


def test_show_tells_what_a_file_holds(checkpoint: Path) -> None:
    result = run("show", str(checkpoint))
    assert result.exit_code == 0
    for fact in ("rsn18_1stage", "mpii16, 16 joints", "256x256 bgr", "mspn_mpii", "9.150 M"):
        assert fact in result.output


def test_show_refuses_an_unknown_name_with_code_2() -> None:
    result = run("show", "nothing-like-it")
    assert result.exit_code == 2
    assert "not in the catalogue" in result.output


def test_fetch_offline_says_where_to_put_the_file(tmp_path: Path) -> None:
    result = run("fetch", NAME, "--offline", "--cache-dir", str(tmp_path))
    assert result.exit_code == 1
    assert isinstance(result.exception, FileNotFoundError)
    assert str(tmp_path) in str(result.exception)


def test_check_verifies_hash_and_content(checkpoint: Path, tmp_path: Path) -> None:
    result = run("check", str(checkpoint))
    assert result.exit_code == 0
    assert "mine.pth: rsn18_1stage, mpii16, loads strictly, not in the catalogue" in result.output

    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / FILE).write_bytes(checkpoint.read_bytes())
    result = run("check", "--cache-dir", str(cache))
    assert result.exit_code == 1
    assert "is damaged: its SHA-256 starts with" in result.output
    assert "0 of 1 files are right" in result.output
