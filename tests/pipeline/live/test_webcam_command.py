"""`webcam` from the outside: what is written, what is said, signals, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.writers import window
from rmpe.formats import read_records
from tests.helpers.command_line import CommandLine
from tests.pipeline.live.conftest import MjpegSender


def test_a_stream_is_recorded_in_whole_segments_with_a_summary(
    rmpe: CommandLine, mjpeg: Callable[..., MjpegSender], tmp_path: Path
) -> None:
    sender = mjpeg(count=60, fps=50)
    arguments = ("--record", tmp_path, "--segment", "0.5s", "--policy", "every")
    code, out, err = rmpe("webcam", sender.address, *arguments)
    assert code == 0, err
    assert "60 frames captured, 60 processed, 0 dropped" in out
    assert "latency p50" in out
    folders = sorted(tmp_path.glob("segment_*"))
    assert len(folders) >= 2
    records = [read_records(folder / "poses.ndjson") for folder in folders]
    indices = [record.frame_index for part in records for record in part]
    assert indices == list(range(60))
    assert all(part.complete for part in records)
    for folder, part in zip(folders, records):
        with av.open(str(folder / "annotated.mp4")) as clip:
            assert sum(1 for _ in clip.decode(video=0)) == len(list(part)), "each can be played"
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["captured"] == 60 and summary["options"]["segment"] == "0.5s"


def test_without_a_screen_no_window_is_opened_and_a_word_is_said(
    rmpe: CommandLine, mjpeg: Callable[..., MjpegSender], caplog: pytest.LogCaptureFixture
) -> None:
    code, _, _ = rmpe("webcam", mjpeg(count=5).address, "--window")
    assert code == 0
    assert "no window: there is no screen" in caplog.text


def test_a_screen_that_does_not_exist_is_found_out_without_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":87")
    monkeypatch.setattr(window, "_TRY", "raise SystemExit(1)")
    assert "cannot be used" in window.why_no_window()
    monkeypatch.setattr(window, "_TRY", "")
    assert window.why_no_window() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "needed is a camera number"),
        (["0", "--policy", "oldest"], "not one of 'newest', 'every'"),
        (["0", "--segment", "5s"], "it needs --record"),
        (["0", "--token", "x"], "it needs --serve"),
        (["0", "--detect-every", "often"], "needed is auto or a number"),
        (["0", "--max-latency", "0"], "allowed is more than 0"),
        (["0", "--serve", "here"], "needed is PORT or HOST:PORT"),
        (["0", "--smooth", "--no-track"], "--smooth needs tracking"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    rmpe: CommandLine, arguments: list[str], said: str
) -> None:
    code, _, err = rmpe("webcam", *arguments)
    assert code == 2
    assert said in err and len(err.strip().splitlines()) == 1


def test_a_camera_that_is_not_there_is_one_line_and_exit_code_1(rmpe: CommandLine) -> None:
    code, _, err = rmpe("webcam", "97", "--no-window")
    assert code == 1
    assert "error: there is no /dev/video97" in err


def test_a_lost_source_is_told_and_is_exit_code_1_with_whole_records(
    rmpe: CommandLine, mjpeg: Callable[..., MjpegSender], tmp_path: Path
) -> None:
    sender = mjpeg(fps=100)
    sender.hanging.clear()
    arguments = ("--record", tmp_path, "--no-video", "--stall", "0.3")

    class HangSoon:
        def __init__(self, pictures: Callable[[], Iterable[np.ndarray]]) -> None:
            self.pictures = pictures

        def __call__(self) -> Iterator[np.ndarray]:
            for index, picture in enumerate(self.pictures()):
                if index == 10:
                    sender.hanging.set()
                yield picture

    sender._pictures = HangSoon(sender._pictures)
    code, _, err = rmpe("webcam", sender.address, *arguments)
    assert code == 1
    assert "was lost: nothing came for 0.3 s; --reconnect SECONDS tries again" in err
    records = read_records(tmp_path / "poses.ndjson")
    assert sum(1 for _ in records) >= 1 and records.complete
