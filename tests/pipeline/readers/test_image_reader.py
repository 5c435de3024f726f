"""Pictures from files and folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.readers.finding import find_images
from pipeline.readers.images import ImageReader


def write(path: Path, level: int, size: tuple[int, int] = (6, 8), channels: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = size if channels == 1 else (*size, channels)
    assert cv2.imwrite(str(path), np.full(shape, level, np.uint8))
    return path


def test_a_folder_is_read_in_natural_order_without_other_files(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        write(tmp_path / f"p{number}.png", number)
    (tmp_path / "notes.txt").write_text("no picture")
    write(tmp_path / "deeper" / "p3.png", 3)
    assert [path.name for path in find_images([tmp_path])] == ["p1.png", "p2.png", "p10.png"]
    deep = find_images([tmp_path], recursive=True)
    assert [path.name for path in deep] == ["p3.png", "p1.png", "p2.png", "p10.png"]


def test_files_keep_the_order_they_are_given_in(tmp_path: Path) -> None:
    second, first = write(tmp_path / "b.png", 1), write(tmp_path / "a.PNG", 2)
    assert find_images([second, first]) == [second, first]


def test_what_is_missing_or_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        find_images([tmp_path / "missing.png"])
    other = tmp_path / "clip.mp4"
    other.touch()
    with pytest.raises(OSError, match=r"clip\.mp4 is no picture"):
        find_images([other])


def test_an_empty_folder_gives_no_frames(tmp_path: Path) -> None:
    reader = ImageReader(find_images([tmp_path]))
    assert list(reader) == []
    assert reader.info.frames_expected == 0


def test_every_kind_of_picture_comes_as_bgr_of_its_own_size(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "grey.png", 90, channels=1),
        write(tmp_path / "alpha.png", 91, channels=4),
        write(tmp_path / "one.bmp", 92, size=(1, 1)),
    ]
    deep = np.full((5, 4, 3), 93 * 257, np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    frames = list(ImageReader([*paths, tmp_path / "deep.png"]))
    shapes = [(6, 8, 3), (6, 8, 3), (1, 1, 3), (5, 4, 3)]
    assert [frame.image_bgr.shape for frame in frames] == shapes
    assert [int(frame.image_bgr[0, 0, 1]) for frame in frames] == [90, 91, 92, 93]
    assert [(frame.index, frame.timestamp_s) for frame in frames] == [(i, 0.0) for i in range(4)]


def test_a_broken_picture_is_reported_and_skipped(tmp_path: Path) -> None:
    good = write(tmp_path / "good.png", 5)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "empty.png").touch()
    reader = ImageReader([tmp_path / "bad.png", good, tmp_path / "empty.png"], fps=10)
    frames = list(reader)
    assert [(frame.index, frame.timestamp_s) for frame in frames] == [(1, 0.1)]
    assert reader.report.error_count == 2
    assert "bad.png cannot be read" in reader.report.errors[0]


def test_names_tell_pictures_of_several_folders_apart(tmp_path: Path) -> None:
    one, two = write(tmp_path / "x/p.png", 1), write(tmp_path / "y/p.png", 2)
    assert ImageReader([one]).info.image_names == ("p.png",)
    assert ImageReader([one, two]).info.image_names == ("x/p.png", "y/p.png")
