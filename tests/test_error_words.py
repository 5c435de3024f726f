"""Messages in words: no numbers of the system, and the file that they are about."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import pytest

import cli
from pipeline.engine.stage import StageError
from rmpe.error_words import in_words


def test_the_systems_own_errors_lose_their_number_and_name_their_file(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        (tmp_path / "gone").read_text()
    assert in_words(caught.value) == f"{tmp_path / 'gone'}: no such file or directory"
    with pytest.raises(OSError) as caught:
        (tmp_path / "a").rename(tmp_path / "b")
    assert in_words(caught.value) == (
        f"{tmp_path / 'a'} -> {tmp_path / 'b'}: no such file or directory"
    )
    with pytest.raises(av.error.FileNotFoundError) as found:
        av.open(str(tmp_path / "gone.mp4"))
    assert in_words(found.value) == f"{tmp_path / 'gone.mp4'}: no such file or directory"


def test_our_own_messages_stay() -> None:
    assert in_words(FileNotFoundError("a.mp4 does not exist")) == "a.mp4 does not exist"
    assert in_words(ValueError("got 3")) == "got 3"
    assert in_words(OSError(28, "No space left on device")) == "no space left on device"
    assert in_words(OSError(5, "EIO told")) == "EIO told"


def test_a_failed_stage_speaks_in_words_too() -> None:
    error = StageError("write video", 3, OSError(28, "No space left on device", "a.mp4"))
    assert str(error) == "stage 'write video', frame 3: a.mp4: no space left on device"
    assert str(StageError("write video", None, KeyError())) == "stage 'write video': KeyError"


def test_no_message_of_the_program_has_a_number_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "poses.ndjson").write_text('{"schema": "rmpe/1"}\n')
    tries = (
        ["convert", tmp_path / "folder", "--to", "coco"],
        ["convert", tmp_path / "poses.ndjson", "--to", "coco", "-o", tmp_path / "no" / "x" / "\0"],
        ["report", tmp_path / "folder"],
        ["images", tmp_path / "gone.png"],
        ["evaluate", "coco", "--annotations", tmp_path / "folder", "--predictions", tmp_path],
        ["learn-nms", tmp_path / "folder", "--annotations", tmp_path / "folder"],
    )
    for words in tries:
        monkeypatch.setattr(sys, "argv", ["rmpe", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr().err
        assert stop.value.code in (1, 2), words
        assert "Errno" not in said and len(said.splitlines()) == 1, said
