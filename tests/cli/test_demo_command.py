"""`demo` and `render` from the outside: what is written, what is said, and the exit code."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rmpe.formats import ClipHeader, NativeWriter
from rmpe.records import Poses
from rmpe.skeletons import COCO_17
from rmpe.synthetic import walkers_scene, write_clip
from tests.helpers.command_line import CommandLine


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Records of one person in frames 0 and 2 of a clip of four frames that they name."""
    clip, path = tmp_path / "clip.mp4", tmp_path / "poses.ndjson"
    write_clip(clip, walkers_scene(0, 64, 48, seed=0), frames=4)
    writer = NativeWriter(path, ClipHeader(COCO_17, str(clip), 64, 48, 25.0))
    box = np.array([[20.0, 5.0, 45.0, 40.0]])
    joints = np.full((1, 17, 2), 30.0)
    poses = Poses(box, np.ones(1), joints, np.ones((1, 17)), np.ones(1), np.ones(1))
    for index in range(4):
        writer.write(index, index / 25, poses if index in (0, 2) else Poses.empty(17))
    writer.close()
    return path


def _frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return len(list(container.decode(video=0)))


def test_demo_prints_what_was_found_and_writes_the_clip(rmpe: CommandLine, tmp_path: Path) -> None:
    sizes = ["--people", "1", "--frames", "3", "--width", "64", "--height", "48"]
    code, out, err = rmpe("demo", *sizes, "-o", tmp_path / "demo.mp4")
    assert code == 0, err
    assert "people found" in out and "of 3 in 3 frames" in out
    assert "identity switches" in out
    assert _frame_count(tmp_path / "demo.mp4") == 3


@pytest.mark.parametrize("options", [["--frames", "0"], ["--width", "3"], ["--people", "-1"]])
def test_demo_refuses_impossible_scenes(rmpe: CommandLine, options: list[str]) -> None:
    code, _, err = rmpe("demo", *options)
    assert code == 2
    assert err.startswith("error: ") and err.count("\n") == 1


def test_render_finds_the_clip_that_the_records_name(rmpe: CommandLine, records: Path) -> None:
    code, out, err = rmpe("render", records)
    assert code == 0, err
    drawn = records.parent / "rendered.mp4"
    assert out == f"4 frames -> {drawn}\n"
    assert _frame_count(drawn) == 4


def test_render_draws_on_pictures(rmpe: CommandLine, records: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in "abcd":
        cv2.imwrite(str(folder / f"{name}.png"), np.full((48, 64, 3), 90, np.uint8))
    out_folder = tmp_path / "out"
    code, _, err = rmpe("render", records, "--images", folder, "-o", out_folder, "--no-ids")
    assert code == 0, err
    drawn = {path.stem: cv2.imread(str(path)) for path in out_folder.rglob("*.png")}
    assert sorted(drawn) == list("abcd")
    assert [bool((drawn[name] != 90).any()) for name in "abcd"] == [True, False, True, False]


def test_render_says_what_is_wrong(rmpe: CommandLine, records: Path, tmp_path: Path) -> None:
    code, _, err = rmpe("render", records, "--video", tmp_path / "gone.mp4")
    assert code == 2 and "gone.mp4" in err
    code, _, err = rmpe("render", records, "--video", "a.mp4", "--images", "b")
    assert code == 2 and "not both" in err
    (tmp_path / "text.json").write_text("[[[")
    code, _, err = rmpe("render", tmp_path / "text.json")
    assert code == 2 and err.count("\n") == 1
    write_clip(tmp_path / "wide.mp4", walkers_scene(0, 96, 48, seed=0), frames=1)
    code, _, err = rmpe("render", records, "--video", tmp_path / "wide.mp4")
    assert code == 1 and "64x48" in err
