"""Random crops: the same as the plain crop without a change, and known maps with one."""

from typing import Any

import cv2
import numpy as np
import pytest

from rmpe.geometry.crop import CPN, HRNET, MSPN, CropChange, CropTransform, changed_crop_matrix
from rmpe.geometry.warp import apply_matrix, warp_affine

BOX = np.array([40.0, 30.0, 100.0, 150.0], np.float32)


@pytest.mark.parametrize("style", [HRNET, MSPN, CPN])
def test_no_change_is_the_crop_of_inference(style: Any) -> None:
    matrix = changed_crop_matrix(BOX, 256, 192, style, CropChange())
    plain = CropTransform.from_person_box(BOX, 256, 192, style)
    np.testing.assert_allclose(matrix, plain.matrix, atol=1e-4)


def test_the_middle_stays_in_the_middle_when_turned_and_scaled() -> None:
    change = CropChange(scale=1.3, degrees=40)
    matrix = changed_crop_matrix(BOX, 256, 192, HRNET, change)
    np.testing.assert_allclose(apply_matrix(matrix, [70, 90]), [96, 128], atol=1e-3)


def test_a_larger_scale_shows_more() -> None:
    near, far = (
        apply_matrix(changed_crop_matrix(BOX, 256, 192, HRNET, CropChange(scale=scale)), [70, 150])
        for scale in (1.0, 2.0)
    )
    assert far[1] - 128 == pytest.approx((near[1] - 128) / 2)


def test_a_quarter_turn_takes_right_to_below() -> None:
    matrix = changed_crop_matrix(BOX, 64, 64, HRNET, CropChange(degrees=90))
    middle, right = apply_matrix(matrix, [[70, 90], [90, 90]])
    assert right[0] == pytest.approx(middle[0], abs=1e-4)
    assert right[1] > middle[1]


def test_a_mirrored_crop_is_the_mirror_image_of_the_crop() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (200, 160, 3), dtype=np.uint8)
    # Smooth, for the two crops are shrunk from parts of the picture that begin elsewhere.
    image = np.asarray(cv2.GaussianBlur(noise, (0, 0), 4), np.uint8)
    change = CropChange(degrees=10)
    plain = changed_crop_matrix(BOX, 64, 48, HRNET, change)
    mirror = changed_crop_matrix(BOX, 64, 48, HRNET, CropChange(degrees=10, mirrored=True))
    left = warp_affine(image, plain, 64, 48).astype(int)
    right = warp_affine(image, mirror, 64, 48).astype(int)
    # OpenCV samples at 1/32 of a pixel, on either side of the exact place.
    assert np.abs(left[:, ::-1] - right).mean() < 1
    points = apply_matrix(plain, [[60, 60]])
    np.testing.assert_allclose(apply_matrix(mirror, [[60, 60]])[0, 0], 47 - points[0, 0], atol=1e-4)


def test_a_shift_moves_the_view() -> None:
    matrix = changed_crop_matrix(BOX, 256, 192, HRNET, CropChange(shift_xy=(10.0, -5.0)))
    np.testing.assert_allclose(apply_matrix(matrix, [80, 85]), [96, 128], atol=1e-3)


def test_scipys_sampling_weighs_exactly_and_ends_at_the_outermost_centres() -> None:
    image = np.repeat(np.array([[30, 90, 240]], np.uint8)[..., None], 3, 2)  # (1, 3, 3)
    # A column of the crop is a third of a column of the picture, the first lies a third before it.
    matrix = np.array([[3.0, 0, 1], [0, 1, 0]])
    crop = warp_affine(image, matrix, 1, 9, (1, 2, 3), "scipy")
    assert crop[0, :, 0].tolist() == [1, 30, 50, 70, 90, 140, 190, 240, 1]
    assert crop[0, 0].tolist() == [1, 2, 3]
    # A tenth of the size is every tenth column, not the mean of ten.
    stripes = np.zeros((1, 40, 3), np.uint8)
    stripes[:, ::10] = 200
    assert (
        warp_affine(stripes, matrix / [[30], [1]] * [1, 1, 0], 1, 4, sampling="scipy") == 200
    ).all()
