"""Crops: the published rules by hand, exact inverses, and where a pixel really lands."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmpe.geometry.crop import (
    CPN,
    HRNET,
    MSPN,
    CropStyle,
    CropTransform,
    fit_crop_box,
    points_to_image,
)

STYLES = {"hrnet": HRNET, "mspn": MSPN, "cpn": CPN}


def test_hrnet_fits_the_aspect_then_grows() -> None:
    # 30 x 80 about (25, 50): the width becomes 60 for 3:4, then both x 1.25.
    assert fit_crop_box([10, 10, 40, 90], 0.75, HRNET).tolist() == [-12.5, 0, 62.5, 100]


def test_mspn_grows_then_fits() -> None:
    # 100 x 100: 109 x 113.5, then the height follows the width, 109 / 0.75.
    box = fit_crop_box([0, 0, 100, 100], 0.75, MSPN)
    assert box == pytest.approx([-4.5, 50 - 109 / 1.5, 104.5, 50 + 109 / 1.5])


def test_cpn_cuts_the_corners_towards_zero() -> None:
    # 20 x 60: 24 x 78, then 58.5 x 78 about (11, 31): -18.25 and -8 become -18 and -8.
    assert fit_crop_box([1, 1, 21, 61], 0.75, CPN).tolist() == [-18, -8, 40, 70]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@given(
    corner=st.tuples(st.floats(-200, 2000), st.floats(-200, 2000)),
    size=st.tuples(st.floats(1, 1500), st.floats(1, 1500)),
    point=st.tuples(st.floats(-50, 2500), st.floats(-50, 2500)),
)
def test_back_is_the_exact_inverse(
    style: CropStyle,
    corner: tuple[float, float],
    size: tuple[float, float],
    point: tuple[float, float],
) -> None:
    box = [corner[0], corner[1], corner[0] + size[0], corner[1] + size[1]]
    transform = CropTransform.from_person_box(box, 256, 192, style)
    there = transform.to_input([point])
    # float32 keeps about seven digits of the larger of the two pictures.
    limit = 1e-3 + 4e-7 * float(np.abs(there).max()) / transform.matrix[0, 0]
    assert np.abs(transform.to_image(there)[0] - point).max() <= limit


def test_the_width_rule_scales_both_axes_alike() -> None:
    transform = CropTransform(np.array([0, 0, 96, 256], np.float32), 256, 192, "width")
    assert transform.to_input([48, 128]).tolist() == [96, 128]
    assert transform.to_input([49, 129]).tolist() == [98, 130]


@pytest.mark.parametrize("height", [40, 230, 900, 2500])
def test_a_dot_lands_where_the_map_says(height: int) -> None:
    image = np.zeros((2600, 1400, 3), np.uint8)
    x, y = 600, 900
    radius = max(2, height // 40)
    cv2.circle(image, (x, y), radius, (255, 255, 255), -1)
    box = [x - height * 0.2, y - height * 0.4, x + height * 0.15, y + height * 0.6]
    transform = CropTransform.from_person_box(box, 256, 192, HRNET)
    crop = transform.warp(image)[..., 0].astype(np.float64)
    rows, columns = np.mgrid[:256, :192]
    centre = [(crop * columns).sum() / crop.sum(), (crop * rows).sum() / crop.sum()]
    assert centre == pytest.approx(transform.to_input([x, y]), abs=0.15)


def test_outside_the_picture_is_the_border_colour() -> None:
    image = np.full((100, 100, 3), 200, np.uint8)
    crop = CropTransform.from_person_box([300, 300, 360, 400], 64, 48, CPN).warp(image)
    assert (crop == np.array(CPN.border_bgr)).all()


def test_points_of_many_crops_go_back_each_by_its_own_map() -> None:
    boxes = np.array([[0, 0, 30, 60], [100, 50, 400, 800]], np.float32)
    transforms = [CropTransform.from_person_box(box, 256, 192, MSPN) for box in boxes]
    points = np.array([[[1.0, 2.0], [90.0, 120.0]], [[5.0, 6.0], [0.0, 0.0]]])
    back = points_to_image(points, transforms)
    for row, transform in enumerate(transforms):
        assert back[row] == pytest.approx(transform.to_image(points[row]))
    assert points_to_image(np.zeros((0, 17, 2)), []).shape == (0, 17, 2)
    with pytest.raises(ValueError, match="1 crops and 2 transforms"):
        points_to_image(points[:1], transforms)
