"""Stored poses are drawn on the frame they belong to."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from cli import rmpe_command
from pipeline.readers import ImageReader, VideoReader
from pipeline.stored.render import posed_frames, render_records
from rmpe.drawing import DrawingStyle, Look
from rmpe.formats import ClipHeader, NativeWriter, read_records
from rmpe.formats.clip import PoseReader
from rmpe.records import Frame, Poses
from rmpe.skeletons import COCO_17
from tests.helpers.squares import ListReader


def _poses(left: float) -> Poses:
    box = np.array([[left, 5.0, left + 20.0, 40.0]])
    joints = np.zeros((1, 17, 2))
    return Poses(box, np.ones(1), joints, np.zeros((1, 17)), np.ones(1), np.ones(1))


def _records(path: Path, indices: list[int], size: tuple[int, int] = (64, 48)) -> PoseReader:
    header = ClipHeader(COCO_17, "clip", size[0], size[1], 25.0)
    writer = NativeWriter(path, header)
    for index in indices:
        writer.write(index, index / 25, _poses(float(index)))
    writer.close()
    return read_records(path)


def _grey(count: int) -> list[Frame]:
    return [Frame(i, i / 25, np.full((48, 64, 3), 90, np.uint8)) for i in range(count)]


def test_poses_meet_their_frame_by_index(tmp_path: Path, reader: type[ListReader]) -> None:
    records = _records(tmp_path / "poses.ndjson", [1, 2, 4])
    posed = list(posed_frames(reader(_grey(6)), records))
    assert [len(item.poses) for item in posed] == [0, 1, 1, 0, 1, 0]
    assert posed[4].poses.boxes_xyxy[0, 0] == 4.0


def test_a_part_of_the_clip_finds_its_records(tmp_path: Path, reader: type[ListReader]) -> None:
    records = _records(tmp_path / "poses.ndjson", [0, 1, 2, 3, 4])
    posed = list(posed_frames(reader(_grey(5)[3:]), records))
    assert [item.poses.boxes_xyxy[0, 0] for item in posed] == [3.0, 4.0]


def test_another_clip_is_refused(tmp_path: Path, reader: type[ListReader]) -> None:
    wide = _records(tmp_path / "wide.ndjson", [0], size=(1280, 720))
    with pytest.raises(ValueError, match="clip of 1280x720 pixels, memory has 64x48"):
        list(posed_frames(reader(_grey(1)), wide))
    longer = _records(tmp_path / "longer.ndjson", [0, 7])
    with pytest.raises(ValueError, match=r"ended after 3 frames .* frame 7"):
        list(posed_frames(reader(_grey(3)), longer))


def test_the_video_has_every_frame_drawn(tmp_path: Path, reader: type[ListReader]) -> None:
    records = _records(tmp_path / "poses.ndjson", [0, 1, 2])
    source, seen = reader(_grey(4)), []
    path = tmp_path / "new" / "drawn.mp4"
    assert render_records(source, records, path, on_frame=seen.append) == 4
    assert source.closed and len(seen) == 4
    drawn = [frame.image_bgr.astype(int) for frame in VideoReader(path)]
    assert len(drawn) == 4
    changed = [np.abs(picture - 90).max() > 60 for picture in drawn]
    assert changed == [True, True, True, False]


def test_pictures_are_drawn_under_their_names(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((48, 64, 3), 90, np.uint8))
    records = _records(tmp_path / "poses.ndjson", [0])
    pictures = ImageReader([tmp_path / "a.png", tmp_path / "b.png"])
    count = render_records(
        pictures, records, tmp_path / "out", look=Look(DrawingStyle(ids=False, limbs=False))
    )
    assert count == 2
    drawn = [cv2.imread(str(tmp_path / "out" / name)) for name in pictures.info.image_names]
    assert (drawn[0] != 90).any() and (drawn[1] == 90).all()


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".mov", ".gif"])
def test_pictures_of_several_shapes_become_one_film(tmp_path: Path, ending: str) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((48, 24, 3), 90, np.uint8))
    pictures = ImageReader([tmp_path / "a.png", tmp_path / "b.png"])
    records = _records(tmp_path / "poses.ndjson", [], size=(0, 0))
    path = tmp_path / f"film{ending}"
    assert render_records(pictures, records, path, fps=5) == 2
    second = list(VideoReader(path))[1].image_bgr.astype(int)
    assert second.shape == (48, 64, 3)
    assert np.abs(second[:, 24:40] - 90).max() < 20  # as narrow as it was, with black beside it
    assert second[:, :18].max() < 20 and second[:, 46:].max() < 20


def test_the_pictures_of_a_run_are_found_again_alone(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(tmp_path / name), np.full((48, 64, 3), 90, np.uint8))
    (tmp_path / "run").mkdir()
    names = ("a.png", "c.png")
    header = ClipHeader(COCO_17, str(tmp_path / "a.png"), 0, 0, 0.0, image_names=names)
    writer = NativeWriter(tmp_path / "run" / "poses.ndjson", header)
    writer.write(1, 0.0, _poses(5.0))
    writer.close()
    command = ["render", str(tmp_path / "run"), "-o", str(tmp_path / "drawn"), "--quiet"]
    result = CliRunner().invoke(rmpe_command, command)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["a.png", "c.png"]
    drawn = cv2.imread(str(tmp_path / "drawn" / "c.png"))
    assert drawn is not None and (drawn != 90).any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fps", "nan"], "nan is no number"),
        (["--fps", "inf"], "inf is no number"),
        (["--fps", "1e9"], "allowed is up to 1000"),
        (["--size", "0x0"], "needed is WIDTHxHEIGHT"),
        (["--min-joint-score", "2"], "allowed is up to 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, options: list[str], words: str) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), 90, np.uint8))
    _records(tmp_path / "poses.ndjson", [0])
    command = ["render", str(tmp_path / "poses.ndjson"), "--images", str(tmp_path / "a.png")]
    result = CliRunner().invoke(rmpe_command, [*command, *options])
    assert result.exit_code == 2 and words in result.output


def test_an_id_that_nobody_has_is_told(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), 90, np.uint8))
    _records(tmp_path / "poses.ndjson", [0])
    command = ["render", str(tmp_path / "poses.ndjson"), "--images", str(tmp_path / "a.png")]
    result = CliRunner().invoke(rmpe_command, [*command, "--only", "1", "--only", "9", "--quiet"])
    assert result.exit_code == 0
    assert "nobody has the id 9" in result.output and "the id 1" not in result.output
