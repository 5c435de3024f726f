"""Pictures of every kind that people pass are the same picture, or clearly refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rmpe._picture_calls import find_pictures
from rmpe.pictures import as_bgr

BGR = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
BGR[0, 0], BGR[0, 1] = 255, 0  # the whole range is there
GREY = BGR[..., :1].repeat(3, 2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (BGR, BGR),
        (BGR / 255.0, BGR),
        ((BGR / 255.0).astype(np.float32), BGR),
        (BGR.astype(np.float64), BGR),
        (BGR.astype(np.uint16), BGR),
        (BGR.astype(np.uint16) * 257, BGR),
        (BGR.astype(np.int64), BGR),
        (np.dstack([BGR, BGR[..., :1]]), BGR),
        (BGR[..., 0], GREY),
        (BGR[..., :1], GREY),
        (BGR[:, ::-1], BGR[:, ::-1]),
    ],
)
def test_arrays_of_other_kinds_are_the_same_picture(given: Any, expected: np.ndarray) -> None:
    found = as_bgr(given)
    assert found.dtype == np.uint8 and found.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(found, expected)


def test_sixteen_bits_are_scaled_by_the_depth_that_holds_them() -> None:
    twelve = np.array([[0, 2048, 4095]], np.uint16)
    np.testing.assert_array_equal(as_bgr(twelve)[..., 0], [[0, 128, 255]])


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (None, TypeError, "got None for a picture"),
        (7, TypeError, "got int"),
        ({}, TypeError, "got dict"),
        (np.zeros((4, 4, 3), bool), TypeError, "got a picture of bool"),
        (np.zeros((4, 4, 3), complex), TypeError, "complex128"),
        (np.zeros((0, 0, 3), np.uint8), ValueError, "without pixels"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"shape \(4, 4, 2\)"),
        (np.zeros((3, 40, 40), np.uint8), ValueError, "channels come last"),
        (np.zeros((2, 4, 4, 3), np.uint8), ValueError, "shape"),
        (np.full((4, 4, 3), np.nan), ValueError, "values from nan"),
        (np.full((4, 4, 3), -1.0), ValueError, "from -1 to -1"),
        (np.full((4, 4, 3), 300, np.int32), ValueError, "from 300 to 300"),
    ],
)
def test_what_is_no_picture_is_refused(wrong: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        as_bgr(wrong)


def test_files_and_pil_images_are_read_upright_and_in_bgr(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    cv2.imwrite(str(tmp_path / "a.png"), BGR)
    np.testing.assert_array_equal(as_bgr(tmp_path / "a.png"), BGR)
    np.testing.assert_array_equal(as_bgr(str(tmp_path / "a.png")), BGR)
    pil = image.fromarray(np.ascontiguousarray(BGR[..., ::-1]))
    np.testing.assert_array_equal(as_bgr(pil), BGR)
    exif = image.Exif()
    exif[274] = 6  # turn by 90 degrees clockwise to see it upright
    pil.save(tmp_path / "turned.png", exif=exif)
    turned = image.open(tmp_path / "turned.png")
    np.testing.assert_array_equal(as_bgr(turned), np.rot90(BGR, -1))


def test_files_of_more_than_eight_bits_are_read_by_their_range(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "twelve.tiff"), np.full((8, 8, 3), 4095, np.uint16))
    assert (as_bgr(tmp_path / "twelve.tiff") == 255).all()


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"gone\.jpg"):
        as_bgr(tmp_path / "gone.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(OSError, match=r"text\.jpg cannot be read"):
        as_bgr(tmp_path / "text.jpg")


def test_a_folder_gives_its_pictures_by_name(tmp_path: Path) -> None:
    for name in ("b10.png", "b2.png", "a.JPG", "._a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_pictures(tmp_path)] == ["a.JPG", "b2.png", "b10.png"]
