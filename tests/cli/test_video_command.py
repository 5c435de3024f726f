"""`video` and `images` from the outside: what is written, what is said, and the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

import cli
from tests.helpers.command_line import CommandLine
from tests.helpers.squares import MakeFrames

PROGRAM = """
import sys
sys.path.insert(0, {repository!r})
import cli
from tests.helpers.squares import SquaresEstimator
from rmpe_cli import building
building.build_estimator = lambda given, threads: SquaresEstimator(infer_pause_s=0.01)
cli.main()
"""


@pytest.fixture
def clip(tmp_path: Path, people: MakeFrames) -> Callable[..., Path]:
    """A function that writes a clip of walking squares and returns its path."""

    def write(name: str = "walk.mp4", counts: tuple[int, int, int, int] = (2, 0, 3, 1)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5"})
            stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
            for frame in people(counts, step=0):
                picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
                for packet in stream.encode(picture):
                    container.mux(packet)
            for packet in stream.encode(None):
                container.mux(packet)
        return path

    return write


def frame_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "poses.ndjson").read_text().splitlines()][1:-1]


def test_a_clip_gives_records_video_and_summary(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    code, out, err = rmpe("video", clip(), "-o", tmp_path / "out", "--format", "coco")
    assert code == 0, err
    assert f"{tmp_path / 'out'}: 4 frames, up to 3 people" in out
    assert "held the run back" in err
    lines = frame_lines(tmp_path / "out")
    assert [line["frame"] for line in lines] == [0, 1, 2, 3]
    assert [len(line["people"]) for line in lines] == [2, 0, 3, 1]
    assert [person["id"] for person in lines[0]["people"]] == [1, 2]
    with av.open(str(tmp_path / "out/annotated.mp4")) as container:
        assert len(list(container.decode(video=0))) == 4
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["frames"] == 4
    assert summary["options"]["detect_every"] == 1
    assert (tmp_path / "out/coco-results.json").exists()


def test_the_folder_is_named_after_the_clip(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = rmpe("video", clip(), "--no-video", "--quiet", "--no-track")
    assert (code, err) == (0, "")
    assert not (tmp_path / "walk_rmpe/annotated.mp4").exists()
    assert frame_lines(tmp_path / "walk_rmpe")[0]["people"][0]["id"] is None


def test_spans_and_boxes_from_a_file(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    boxes = tmp_path / "boxes.ndjson"
    boxes.write_text('{"frame": 2, "boxes": [[8, 10, 12, 12, 0.7]]}\n')
    options = ["--start", "0.04", "--stride", "2", "--boxes", boxes, "--no-video"]
    code, _, err = rmpe("video", clip(counts=[1] * 6), "-o", tmp_path / "o", *options)
    assert code == 0, err
    lines = frame_lines(tmp_path / "o")
    assert [line["frame"] for line in lines] == [1, 3, 5]
    assert all(line["people"] == [] for line in lines)
    code, _, _ = rmpe("video", clip(counts=[1] * 6), "-o", tmp_path / "p", *options[4:])
    assert [len(line["people"]) for line in frame_lines(tmp_path / "p")] == [0, 0, 1, 0, 0, 0]


def test_one_bad_clip_does_not_stop_the_others(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    good, other = clip("clips/a.mp4"), clip("clips/c.mp4")
    (tmp_path / "clips/b.mp4").write_bytes(b"no video" * 100)
    code, out, err = rmpe("video", tmp_path / "clips", "-o", tmp_path / "out", "--quiet")
    assert code == 1
    assert err.count("error:") == 1
    assert "b.mp4 cannot be opened as a video" in err
    for path in (good, other):
        assert len(frame_lines(tmp_path / f"out/{path.stem}_rmpe")) == 4
    assert out.count("4 frames") == 2


def test_a_cut_clip_keeps_its_frames_and_exits_with_1(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    path = clip("a.ts", counts=[3] * 40)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = b"\xa5" * 400
    path.write_bytes(data)
    code, out, err = rmpe("video", path, "-o", tmp_path / "out", "--quiet")
    assert code == 1
    assert "is damaged in" in err
    frames = len(frame_lines(tmp_path / "out"))
    assert frames >= 20
    assert f"{frames} frames" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["video", "missing.mp4"], 2, "missing.mp4 does not exist"),
        (["video"], 2, "Missing argument"),
        (["video", "{clip}", "--start", "-1"], 2, "start is -1"),
        (["video", "{clip}", "--end", "0"], 2, "end is 0"),
        (["video", "{clip}", "--stride", "0"], 2, "stride is 0"),
        (["video", "{clip}", "--detect-every", "0"], 2, "detect_every is 0"),
        (["video", "{clip}", "--format", "cobol"], 2, "'cobol' is not one of"),
        (["video", "{clip}", "--weights", "nowhere.pth"], 2, "nowhere.pth"),
        (["video", "{clip}", "--boxes", "{text}"], 1, "text.txt, line 1"),
        (["video", "{text}", "-o", "o"], 1, "cannot be opened as a video"),
        (["video", "{clip}", "-o", "{text}"], 1, "text.txt"),
        (["images", "{text}"], 2, "is no picture"),
    ],
)
def test_bad_input_gets_one_line_and_its_exit_code(
    rmpe: CommandLine,
    clip: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("nothing\n")
    names = {"clip": str(clip()), "text": str(tmp_path / "text.txt")}
    got, _, err = rmpe(*[argument.format(**names) for argument in arguments])
    assert got == code
    assert message in err
    assert len(err.splitlines()) == 1, err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "nonsense"], "nonsense"),
        (["--detector", "nonsense"], "nonsense"),
        (["--device", "gpu7"], "gpu7"),
        (["--device", "cuda:77"], "cuda:77"),
        (["--precision", "int2"], "int2"),
        (["--runtime", "abacus"], "abacus"),
        (["--min-score", "7"], "min_score is 7"),
        (["--batch-size", "0"], "batch_size is 0"),
        (["--weights", "{text}"], "text.txt"),
    ],
)
def test_a_network_that_cannot_be_built_is_wrong_use(
    clip: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "text.txt").write_text("nothing\n")
    boxes = tmp_path / "boxes.ndjson"
    boxes.write_text('{"frame": 0, "boxes": []}\n')
    given = [argument.format(text=tmp_path / "text.txt") for argument in arguments]
    if "--detector" not in given:
        given += ["--boxes", str(boxes)]
    monkeypatch.setattr(sys, "argv", ["rmpe", "video", str(clip()), *given])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    err = capsys.readouterr().err
    assert stop.value.code == 2, err
    assert message in err
    assert len(err.splitlines()) == 1, err


def test_pictures_of_a_folder(rmpe: CommandLine, people: MakeFrames, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for frame in people([2, 0, 1]):
        cv2.imwrite(str(folder / f"p{frame.index}.png"), frame.image_bgr)
    code, out, err = rmpe("images", folder, "-o", tmp_path / "out", "--quiet")
    assert code == 0, err
    assert [len(line["people"]) for line in frame_lines(tmp_path / "out")] == [2, 0, 1]
    header = json.loads((tmp_path / "out/poses.ndjson").read_text().splitlines()[0])
    assert header["images"] == ["p0.png", "p1.png", "p2.png"]
    names = sorted(path.name for path in (tmp_path / "out/annotated").iterdir())
    assert names == ["p0.png", "p1.png", "p2.png"]
    assert "3 frames" in out


def test_an_empty_folder_and_a_broken_picture(rmpe: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    code, out, _ = rmpe("images", tmp_path / "in", "-o", tmp_path / "a", "--quiet")
    assert code == 0
    assert "0 frames" in out
    (tmp_path / "in/bad.png").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "in/good.png"), np.zeros((9, 9, 3), np.uint8))
    code, _, err = rmpe("images", tmp_path / "in", "-o", tmp_path / "b", "--quiet")
    assert code == 1
    assert "bad.png" in err
    assert len(frame_lines(tmp_path / "b")) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
def test_ctrl_c_ends_within_two_seconds_with_130_and_keeps_what_was_written(
    clip: Callable[..., Path], tmp_path: Path, repository: Path
) -> None:
    program = PROGRAM.format(repository=str(repository))
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "video", str(clip(counts=[3] * 1500)), "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
    )
    records = out / "poses.ndjson"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (
        not records.exists() or records.read_text().count("\n") < 20
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    _, err = process.communicate(timeout=30)
    elapsed = time.monotonic() - sent
    assert process.returncode == 130, err
    assert elapsed < 2
    assert err.strip().endswith("interrupted")
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    assert [line["frame"] for line in lines[1:]] == list(range(len(lines) - 1))
    assert 19 <= len(lines) - 1 < 1500
    with av.open(str(out / "annotated.mp4")) as container:
        assert len(list(container.decode(video=0))) >= 10
    assert json.loads((out / "summary.json").read_text())["failure"] == "interrupted"


def test_help_answers_quickly_and_without_the_heavy_libraries(repository: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(repository)!r}); sys.argv = ['rmpe', 'video', '-h']\n"
        "import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'cv2', 'numpy', 'openvino', 'av'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_a_list_of_clips_with_a_bad_one_is_done_to_the_end_and_again(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    clip("clips/a.mp4"), clip("clips/b.mp4")
    listed = tmp_path / "list.txt"
    listed.write_text(f"# more\n{clip('more/a.mp4')}\n{tmp_path / 'gone.mp4'}\n")
    arguments = ["video", tmp_path / "clips/?.mp4", "--list", listed, "-o", tmp_path / "out"]
    code, out, err = rmpe(*arguments, "--no-video")
    assert code == 1
    assert out.splitlines()[-1] == "4 clips: 3 done, 1 failed"
    assert err.count("4 frames, up to") == 3
    assert f"error: {tmp_path / 'gone.mp4'} does not exist" in err.splitlines()
    assert (out + err).count("does not exist") == 1
    assert "gone.mp4," in (tmp_path / "out/failures.csv").read_text().splitlines()[1]
    assert json.loads((tmp_path / "out/summary.json").read_text())["states"]["done"] == 3
    folders = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert folders == ["a_rmpe", "a_rmpe_2", "b_rmpe"]

    code, out, err = rmpe(*arguments, "--no-video", "--quiet")
    assert code == 1
    assert [": already done, 4 frames" in line for line in out.splitlines()] == [True] * 3
    code, out, _ = rmpe(*arguments, "--no-video", "--overwrite", "--fail-fast", "--quiet")
    assert code == 1
    assert "already" not in out


def test_a_second_run_says_that_the_clip_is_done_and_other_options_are_refused(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    arguments = ["video", clip(), "-o", tmp_path / "out", "--quiet"]
    assert rmpe(*arguments)[0] == 0
    before = (tmp_path / "out/annotated.mp4").stat().st_mtime_ns
    code, out, err = rmpe(*arguments)
    assert (code, err) == (0, "")
    assert out == f"{tmp_path / 'out'}: already done, 4 frames, up to 3 people\n"
    assert (tmp_path / "out/annotated.mp4").stat().st_mtime_ns == before
    code, _, err = rmpe(*arguments, "--detect-every", "2")
    assert code == 1
    assert err.count("\n") == 1
    assert "--overwrite replaces it" in err
    assert rmpe(*arguments, "--detect-every", "2", "--overwrite")[0] == 0


def test_a_clip_in_several_spellings_runs_once_and_no_summary_lies_in_the_working_folder(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = clip("a.mp4"), clip("b.mp4")
    (tmp_path / "link.mp4").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    spellings = ["a.mp4", "./a.mp4", path, "link.mp4", other]
    code, out, err = rmpe("video", *spellings, "--no-video")
    assert (code, out.splitlines()[-1]) == (0, "2 clips: 2 done")
    assert err.count("4 frames") == 2
    found = sorted(entry.name for entry in tmp_path.iterdir())
    assert found == ["a.mp4", "a_rmpe", "b.mp4", "b_rmpe", "link.mp4"]


def test_a_summary_says_what_was_asked_for_and_not_what_was_not(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    code, _, err = rmpe("video", clip(), "-o", tmp_path / "o", "--format", "coco", "--quiet")
    assert (code, err) == (0, "")
    text = (tmp_path / "o/summary.json").read_text()
    assert "null" not in text
    summary = json.loads(text)
    assert summary["request"]["outputs"] == ["coco", "video", "sound"]
    assert "part" not in summary["request"]
    assert "null" not in (tmp_path / "o/poses.ndjson").read_text().splitlines()[0]


def test_a_folder_that_an_earlier_version_finished_is_known_as_done(
    rmpe: CommandLine, clip: Callable[..., Path], tmp_path: Path
) -> None:
    line = ["video", clip(), "-o", tmp_path / "o", "--quiet"]
    rmpe(*line)
    path = tmp_path / "o/summary.json"
    summary = json.loads(path.read_text())
    summary["request"] |= {"outputs": [True, False, True], "part": [0, None], "boxes": None}
    path.write_text(json.dumps(summary))
    code, out, _ = rmpe(*line)
    assert (code, "already done" in out) == (0, True)
    code, out, _ = rmpe(*line, "--format", "coco")
    assert (code, "already done" in out) == (0, True)
    assert (tmp_path / "o/coco-results.json").exists()
