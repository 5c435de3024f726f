"""Training examples: joints stay on their pixels, half bodies, other people, broken pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.proposals import AtomicPoses, ProposalGenerator
from rmpe.skeletons import COCO_17
from rmpe.sstn import apply_affine
from rmpe.training.data._draws import half_body_box, normalised_map
from rmpe.training.data.people import TrainingPeople
from rmpe.training.data.person_crops import INTERFERING_PEOPLE, PersonCrops
from rmpe.training.data.records import collate
from rmpe.training.loop.module import NetworkData
from rmpe.training.recipes.published import NETWORK_RECIPES
from rmpe.training.recipes.settings import NetworkRecipe

PLAIN = NETWORK_RECIPES["hrnet_w32_coco"].with_settings(
    ["input_height=64", "input_width=64", "half_body_share=0", "flip_share=0", "rotation_share=0",
     "scale_low=1", "scale_high=1"]
)  # fmt: skip


def crops_of(
    people: KeypointSet, recipe: NetworkRecipe = PLAIN, proposals: ProposalGenerator | None = None
) -> PersonCrops:
    return PersonCrops(people, recipe, recipe.conventions("coco17"), proposals)


@pytest.fixture
def dots(tmp_path: Path) -> KeypointSet:
    """One person whose 17 joints are bright dots on black."""
    import cv2

    rng = np.random.default_rng(3)
    image = np.zeros((200, 200, 3), np.uint8)
    cells = rng.permutation(36)[:17]
    points = np.stack([50 + 20 * (cells % 6), 40 + 20 * (cells // 6)], -1).astype(np.float32)
    for x, y in points.astype(int):
        image[y - 3 : y + 4, x - 3 : x + 4] = 255
    cv2.imwrite(str(tmp_path / "dots.png"), image)
    picture = Picture(1, tmp_path / "dots.png")
    person = AnnotatedPerson(
        picture, 1, np.array([40, 30, 170, 160], np.float32), points, np.full(17, 2, np.uint8), 9e3
    )
    return KeypointSet(COCO_17, (picture,), (person,), ())


def test_joints_stay_on_their_pixels_under_every_change(dots: KeypointSet) -> None:
    recipe = PLAIN.with_settings(
        ["flip_share=0.5", "rotation_share=1", "scale_low=0.7", "scale_high=1.3", "shift_share=0.1",
         "input_height=128", "input_width=128"]
    )  # fmt: skip
    crops = crops_of(dots, recipe)
    seen = 0
    for index in range(30):
        record = crops[index]
        for x, y in record.keypoints_xy[record.weights > 0].round().astype(int):
            seen += 1
            assert record.crop_bgr[min(y, 127), min(x, 127)].mean() > 100
    assert seen > 200


def test_a_mirrored_person_has_left_and_right_exchanged(dots: KeypointSet) -> None:
    plain = crops_of(dots)[0]
    mirrored = crops_of(dots, PLAIN.with_settings(["flip_share=1"]))[0]
    expected = plain.keypoints_xy[COCO_17.mirror_permutation] * [-1, 1] + [63, 0]
    np.testing.assert_allclose(mirrored.keypoints_xy, expected, atol=1e-3)


def test_the_same_index_is_the_same_example_and_passes_differ_in_order(
    crowd: TrainingPeople,
) -> None:
    first, second = crops_of(crowd.train), crops_of(crowd.train)
    second[5]
    np.testing.assert_array_equal(first[3].crop_bgr, second[3].crop_bgr)
    count = len(first)
    passes = [[first._person(p * count + i).annotation_id for i in range(count)] for p in (0, 1)]
    assert sorted(passes[0]) == sorted(passes[1])
    assert passes[0] != passes[1]


def test_other_people_of_the_picture_are_in_the_example_only_if_asked(
    crowd: TrainingPeople,
) -> None:
    assert crops_of(crowd.train)[0].others_xy.shape == (0, 17, 2)
    record = crops_of(crowd.train, PLAIN.with_settings(["interference=0.5"]))[0]
    assert record.others_xy.shape == (INTERFERING_PEOPLE, 17, 2)
    assert 0 < record.others_weights.sum() <= 2 * 17


def test_examples_stack_into_a_batch(crowd: TrainingPeople) -> None:
    crops = crops_of(crowd.train, PLAIN.with_settings(["interference=0.5"]))
    batch = collate([crops[0], crops[1]])
    assert batch.crops_bgr.shape == (2, 64, 64, 3)
    assert batch.truth.others_xy.shape == (2, INTERFERING_PEOPLE, 17, 2)
    assert batch.theta.shape == (2, 2, 3)


def test_a_half_body_is_around_the_joints_of_one_half(dots: KeypointSet) -> None:
    person = dots.people[0]
    points = np.zeros((17, 2), np.float32)
    points[:11] = [100, 20]
    points[11:] = [100, 180]
    points[::2, 0] += 40
    person = replace(person, keypoints_xy=points)
    boxes = [half_body_box(person, COCO_17, 8, np.random.default_rng(seed)) for seed in range(12)]
    middles = {round(float(box[1] + box[3]) / 2) for box in boxes}
    assert middles == {20, 180}
    # 40 wide, grown to 1.5 of which the crop style gives 1.25 itself
    assert all(box[2] - box[0] == pytest.approx(48) for box in boxes)


def test_few_joints_have_no_half_body(dots: KeypointSet) -> None:
    person = replace(dots.people[0], visibility=np.array([2] * 8 + [0] * 9, np.uint8))
    assert half_body_box(person, COCO_17, 8, np.random.default_rng(0)) is None


def test_a_picture_that_cannot_be_read_is_named_and_replaced(
    dots: KeypointSet, tmp_path: Path
) -> None:
    broken = replace(dots.people[0], picture=Picture(2, tmp_path / "gone.jpg"), annotation_id=2)
    people = replace(dots, people=(dots.people[0], broken))
    records = [crops_of(people)[index] for index in range(4)]
    lines = [line for record in records for line in record.skipped]
    assert len(set(lines)) == 1
    assert len(lines) >= 2
    assert "gone.jpg is missing" in lines[0]
    assert all(record.crop_bgr.any() for record in records)


def test_a_set_of_broken_pictures_is_given_up(dots: KeypointSet, tmp_path: Path) -> None:
    broken = replace(dots.people[0], picture=Picture(2, tmp_path / "gone.jpg"))
    with pytest.raises(OSError, match=r"20 pictures in a row.*gone\.jpg"):
        crops_of(replace(dots, people=(broken,)))[0]


def test_nobody_to_train_on_is_refused(dots: KeypointSet) -> None:
    with pytest.raises(ValueError, match="got no annotated person"):
        crops_of(replace(dots, people=()))


@pytest.mark.parametrize("growth", [1.0, 1.5])
def test_the_transform_of_an_example_leads_back_to_the_plain_crop(
    dots: KeypointSet, growth: float
) -> None:
    recipe = PLAIN.with_settings(
        ["shift_share=0.3", "scale_low=0.7", "scale_high=1.3", f"crop_growth={growth}"]
    )
    plain = crops_of(dots)[0]
    moved = crops_of(dots, recipe)[4]
    points = apply_affine(
        torch.from_numpy(moved.theta)[None],
        torch.from_numpy(plain.keypoints_xy)[None],
        (64, 64),
        (64, 64),
    )
    np.testing.assert_allclose(points[0].numpy(), moved.keypoints_xy, atol=1e-2)


def test_an_epoch_may_be_some_of_the_people(dots: KeypointSet) -> None:
    recipe = PLAIN.with_settings(["epoch_people=8", "batch_size=4"])
    data = NetworkData(crops_of(dots, recipe), recipe, workers=0)
    assert data.steps_per_epoch == 2
    assert data.indices(4) == list(range(8))


def test_equal_crops_have_the_identity_between_them() -> None:
    matrix = np.array([[2.0, 0, 5], [0, 2, 7]])
    np.testing.assert_allclose(normalised_map(matrix, matrix, 64, 48), np.eye(2, 3), atol=1e-6)


def test_proposals_replace_the_box_from_their_epoch_on(dots: KeypointSet) -> None:
    rng = np.random.default_rng(0)
    base = dots.people[0]
    poses = base.keypoints_xy + rng.normal(0, 5, (40, 17, 2)).astype(np.float32)
    seen = np.ones((40, 17))
    boxes = np.tile(base.box_xyxy, (40, 1))
    atomic = AtomicPoses.cluster(poses, seen, COCO_17, count=2)
    # A detector that is always half a box too far to the right.
    detected = boxes + np.array([65.0, 0, 65, 0]) + rng.normal(0, 1, (40, 4))
    generator = ProposalGenerator.fit(atomic, poses, seen, boxes, detected)
    crops = crops_of(dots, PLAIN.with_settings(["proposals_from=2"]), generator)
    before, after = crops[1].keypoints_xy[:, 0].mean(), crops[2].keypoints_xy[:, 0].mean()
    # 65 pixels of a crop that is 1.25 * 130 wide, on 64 columns
    assert before - after == pytest.approx(65 * 64 / 162.5, abs=3)
