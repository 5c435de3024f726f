"""People of whom the middle of the input is enough."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.geometry.crop import COMPACT, CropTransform
from rmpe.geometry.narrow import fits_middle, is_black_beside, warp_middle

BOX = np.array([300.0, 100.0, 360.0, 300.0], np.float32)


@pytest.mark.parametrize(
    ("width", "height", "is_narrow"),
    [(80, 200, True), (81, 200, False), (40, 200, True), (39, 200, False), (40, 100, True)],
)
def test_a_box_is_narrow_that_fills_two_to_four_fifths_of_the_middle(
    width: float, height: float, is_narrow: bool
) -> None:
    # 128 of 256: half as wide as high; two and four fifths of that are 0.2 and 0.4 of the height.
    boxes = np.array([[10, 20, 10 + width, 20 + height]], np.float32)
    assert fits_middle(boxes, 256, 128).tolist() == [is_narrow]


def test_without_a_middle_nobody_is_narrow() -> None:
    assert fits_middle(np.array([[0, 0, 0, 9], BOX], np.float32), 256, 0).tolist() == [False] * 2
    assert fits_middle(np.zeros((0, 4), np.float32), 256, 128).shape == (0,)


def test_the_middle_shows_what_the_whole_crop_does_and_the_rest_is_black() -> None:
    picture = np.random.default_rng(1).integers(1, 255, (480, 640, 3), np.uint8)
    transform = CropTransform.from_person_box(BOX, 256, 192, COMPACT)
    whole, narrow = transform.warp(picture), np.full((256, 192, 3), 7, np.uint8)
    warp_middle(narrow, picture, transform, 32)
    # The sampling weighs in steps of 1/32 pixel, so that a shifted map may round elsewhere.
    assert np.abs(narrow[:, 32:-32].astype(int) - whole[:, 32:-32]).mean() < 1
    assert not narrow[:, :32].any()
    assert not narrow[:, -32:].any()
    assert is_black_beside(np.stack([whole, narrow]), 32).tolist() == [False, True]
