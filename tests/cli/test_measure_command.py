"""`measure` from the command line: files, folders of clips, warnings and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result

from cli import rmpe_command
from pipeline.stored.camera import camera_travel
from rmpe.skeletons import COCO_17
from tests.helpers.stick_walker import write_walker

TIMES = np.arange(60) / 30.0


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(rmpe_command, ["measure", *map(str, arguments)])


def test_a_folder_that_video_made_gets_its_measures(tmp_path: Path) -> None:
    write_walker(_made(tmp_path / "a_rmpe") / "poses.ndjson", TIMES)
    result = _run(tmp_path / "a_rmpe", "--distance", "left_wrist-right_wrist")
    assert result.exit_code == 0, result.output
    assert "1 person" in result.output
    heading = (tmp_path / "a_rmpe" / "measures" / "measures.csv").read_text().partition("\n")[0]
    assert {"left_knee_deg", "left_wrist-right_wrist_px"} <= set(heading.split(","))


def test_several_clips_get_a_folder_each_and_one_failure_spares_the_others(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_walker(_made(tmp_path / "clips" / f"{name}_rmpe") / "poses.ndjson", TIMES)
    (_made(tmp_path / "clips" / "c_rmpe") / "poses.ndjson").write_text("no records\n")
    result = _run(tmp_path / "clips", "-o", tmp_path / "out")
    assert result.exit_code == 1 and "c_rmpe" in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--filter", "spline"), 2, "there are butterworth"),
        (("--floor-angle", "steep"), 2, "degrees or auto"),
        (("--fps", "-3"), 2, "fps is -3"),
        (("--known-length", "1,2=3"), 2, "two points"),
        (("--scale", "100", "--person-height", "1.7"), 2, "one of"),
        (("--format", "trc"), 1, "trc holds metres"),
        (("--distance", "left_wrist"), 2, "two joints"),
        (("--distance", "left_wrist-tail"), 1, "no joint 'tail'"),
        (("--person", "9"), 1, "no person 9"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(
    tmp_path: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    path = write_walker(tmp_path / "poses.ndjson", TIMES, skeleton=COCO_17)
    result = _run(path, *options)
    message = result.output + str(result.exception or "")
    assert words in message
    assert result.exit_code == code or (isinstance(result.exception, ValueError) and code == 1)
    assert not (tmp_path / "measures").exists()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _clip(path: Path, shift_px: float) -> Path:
    """Write a clip of 50 frames of a fixed texture that moves so many pixels a frame."""
    texture = np.random.default_rng(0).integers(0, 255, (45, 160, 3), dtype=np.uint8)
    wide = texture.repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for index in range(50):
            start = round(index * shift_px)
            picture = np.ascontiguousarray(wide[:, start : start + 640])
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def test_a_moving_camera_is_told_and_may_be_refused(tmp_path: Path) -> None:
    assert camera_travel(_clip(tmp_path / "still.mp4", 0.0), {}) < 0.01
    _clip(tmp_path / "walk.mp4", 4.0)
    # 4 pixels a frame over 45 frames of the 640: five looks a second end at frame 45.
    assert camera_travel(tmp_path / "walk.mp4", {}) == pytest.approx(180 / 640, rel=0.1)
    path = write_walker(tmp_path / "poses.ndjson", TIMES)
    result = _run(path)
    assert result.exit_code == 0 and "the camera moves" in result.output
    facts = json.loads((tmp_path / "measures" / "measures.json").read_text())
    assert any("the camera moves" in warning for warning in facts["warnings"])
    again = _run(path)
    assert again.exit_code == 2 and "--overwrite" in again.output + str(again.exception)
    refused = _run(path, "-o", tmp_path / "other", "--moving-camera", "refuse")
    assert refused.exit_code != 0 and not (tmp_path / "other").exists()
