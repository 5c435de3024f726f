"""Random training crops: the joints stay on what they mark."""

import numpy as np
import pytest

from rmpe.datasets.pose_samples import PoseSample
from rmpe.geometry.crop import HRNET, CropTransform
from rmpe.skeletons import COCO_19
from rmpe.training.bundled.pose_augment import PoseAugmentation, make_training_crop

STILL = PoseAugmentation(
    scale_spread=0, shift_spread=0, tilt_share=0, any_angle_share=0, cut_share=0, cover_share=0,
    blur_share=0, colour_spread=0,
)  # fmt: skip
GEOMETRY_ONLY = PoseAugmentation(
    any_angle_share=0.5, cut_share=0, cover_share=0, blur_share=0, colour_spread=0
)


def marked_sample() -> tuple[PoseSample, np.ndarray]:
    """A grey picture with a bright square of 7x7 pixels at every joint."""
    rng = np.random.default_rng(3)
    points = rng.uniform((60, 50), (140, 250), (19, 2)).round().astype(np.float32)
    picture = np.full((300, 200, 3), 40, np.uint8)
    for x, y in points.astype(int):
        picture[y - 3 : y + 4, x - 3 : x + 4] = 250
    sample = PoseSample(
        "marked", "lspet", np.array([50, 40, 150, 260], np.float32), points,
        np.ones(19, np.float32), 1.0, 80.0, 22000.0, lambda: picture,
    )  # fmt: skip
    return sample, picture


def crop_with(augmentation: PoseAugmentation, seed: int, cover: np.ndarray | None = None):
    sample, picture = marked_sample()
    rng = np.random.default_rng(seed)
    return make_training_crop(sample, picture, augmentation, rng, cover, 256, 192), sample, picture


def test_without_augmentation_it_is_the_plain_crop_or_its_mirror_image():
    seen_mirrored = set()
    for seed in range(6):
        crop, sample, picture = crop_with(STILL, seed)
        transform = CropTransform.from_person_box(sample.box_xyxy, 256, 192, HRNET)
        plain = transform.warp(picture)
        points = transform.to_input(sample.keypoints_xy)
        mirrored = np.abs(crop.keypoints_xy - points).max() > 1
        seen_mirrored.add(mirrored)
        if mirrored:
            plain = plain[:, ::-1]
            points[:, 0] = 191 - points[:, 0]
            points = points[COCO_19.mirror_permutation]
        np.testing.assert_allclose(crop.keypoints_xy, points, atol=1e-3)
        assert np.abs(crop.seen_bgr.astype(int) - plain).mean() < 1
    assert seen_mirrored == {True, False}


@pytest.mark.parametrize("seed", range(8))
def test_joints_stay_on_their_marks_under_any_turn(seed):
    crop, _, _ = crop_with(GEOMETRY_ONLY, seed)
    inside = crop.trust > 0
    assert inside.sum() >= 10
    for x, y in crop.keypoints_xy[inside]:
        column, row = int(np.clip(round(x), 0, 191)), int(np.clip(round(y), 0, 255))
        assert crop.seen_bgr[row, column].min() > 120


def test_joints_outside_the_crop_are_unknown():
    far = PoseAugmentation(
        scale_spread=0, shift_spread=0.6, tilt_share=0, any_angle_share=0, cut_share=0,
        cover_share=0,
    )  # fmt: skip
    crop, _, _ = crop_with(far, 1)
    outside = (crop.keypoints_xy < 0).any(1) | (crop.keypoints_xy >= [192, 256]).any(1)
    assert outside.any()
    np.testing.assert_array_equal(crop.trust > 0, ~outside)


def test_a_cut_body_loses_the_joints_beyond_the_cut():
    cut = PoseAugmentation(
        scale_spread=0, shift_spread=0, tilt_share=0, any_angle_share=0, cut_share=1,
        cover_share=0, blur_share=0, colour_spread=0,
    )  # fmt: skip
    for seed in range(12):
        crop, _, _ = crop_with(cut, seed)
        for x, y in crop.keypoints_xy[crop.trust > 0]:
            assert crop.seen_bgr[min(round(y), 255), min(round(x), 191)].max() > 100


def test_covered_joints_are_trusted_half_and_the_teacher_sees_them():
    covering = PoseAugmentation(
        scale_spread=0, shift_spread=0, tilt_share=0, any_angle_share=0, cut_share=0,
        cover_share=1, blur_share=0, colour_spread=0,
    )  # fmt: skip
    cover = np.zeros((256, 192, 3), np.uint8)
    found = 0
    for seed in range(8):
        crop, _, _ = crop_with(covering, seed, cover)
        half = crop.trust == 0.5
        found += int(half.sum())
        for x, y in crop.keypoints_xy[half]:
            assert crop.clean_bgr[round(y), round(x)].min() > 120
    assert found > 0


def test_the_teacher_is_not_followed_on_turned_people():
    turned = PoseAugmentation(any_angle_share=1.0, teacher_degrees=0.0)
    crop, _, _ = crop_with(turned, 0)
    assert crop.teacher_trust == 0.0
    assert crop_with(STILL, 0)[0].teacher_trust == 1.0
