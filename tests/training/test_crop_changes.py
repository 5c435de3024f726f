"""What happens to a crop beside its frame: joints stay on their marks, hidden ones weigh less."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.skeletons import COCO_19
from rmpe.training.bundled.pose_people import in_shares, read_taught, with_maps
from rmpe.training.data._changes import cut_box, end_picture, set_beside, upright_box
from rmpe.training.data.person_crops import HIDDEN_WEIGHT, PersonCrops
from rmpe.training.data.records import CropRecord
from rmpe.training.data.taught import FLOOR, TaughtPerson, labelled_weights, stored_maps
from rmpe.training.recipes.published import NETWORK_RECIPES

STILL = NETWORK_RECIPES["compact_coco"].with_settings(
    ["flip_share=0", "rotation_share=0", "half_body_share=0", "scale_low=1", "scale_high=1"]
)


@pytest.fixture
def marked(tmp_path: Path) -> AnnotatedPerson:
    """A grey picture with a bright square of 7x7 pixels at every joint."""
    rng = np.random.default_rng(3)
    points = rng.uniform((60, 50), (140, 250), (19, 2)).round().astype(np.float32)
    picture = np.full((300, 200, 3), 40, np.uint8)
    for x, y in points.astype(int):
        picture[y - 3 : y + 4, x - 3 : x + 4] = 250
    cv2.imwrite(str(tmp_path / "marked.png"), picture)
    return AnnotatedPerson(
        Picture(1, tmp_path / "marked.png"), 1, np.array([50, 40, 150, 260], np.float32), points,
        np.full(19, 2, np.uint8), 22000.0,
    )  # fmt: skip


def records(person: AnnotatedPerson, settings: list[str], count: int = 8) -> list[CropRecord]:
    recipe = STILL.with_settings(settings)
    people = KeypointSet(COCO_19, (person.picture,), (person,), ())
    crops = PersonCrops(people, recipe, recipe.conventions("coco19"))
    return [crops[index] for index in range(count)]


def brightness(record: CropRecord, joint: int) -> int:
    x, y = record.keypoints_xy[joint].round().astype(int)
    return int(record.crop_bgr[min(max(y, 0), 255), min(max(x, 0), 191)].min())


def test_joints_stay_on_their_marks_under_any_turn(marked: AnnotatedPerson) -> None:
    turned = records(marked, ["any_turn_share=1", "refit_turned=true", "flip_share=0.5"])
    for record in turned:
        inside = np.flatnonzero(record.weights)
        assert len(inside) >= 17  # the crop is fitted to the body as it lies
        assert all(brightness(record, joint) > 120 for joint in inside)


def test_the_box_of_a_turned_person_is_the_box_of_its_joints(marked: AnnotatedPerson) -> None:
    lying = upright_box(marked, marked.box_xyxy, 90.0)
    extent = np.ptp(marked.keypoints_xy, axis=0)
    sides = lying[2:] - lying[:2]
    np.testing.assert_allclose(sides, extent[::-1] + 0.3 * extent.max(), rtol=1e-5)
    # A box of a cut person is turned by its corners, about its own middle.
    cut = np.array([50, 40, 150, 140], np.float32)
    np.testing.assert_allclose(upright_box(marked, cut, 90.0), cut, atol=1e-3)


def test_a_cut_body_loses_the_joints_beyond_the_cut(marked: AnnotatedPerson) -> None:
    rng = np.random.default_rng(1)
    for _ in range(12):
        box = cut_box(marked.box_xyxy, rng)
        kept = np.prod(box[2:] - box[:2]) / (100 * 220)
        assert 0.4 - 1e-6 <= kept <= 0.9 + 1e-6
        ended, shown = end_picture(np.full((300, 200, 3), 9, np.uint8), marked, box)
        for (x, y), there in zip(marked.keypoints_xy.astype(int), shown, strict=True):
            assert bool(ended[y, x].any()) == there or min(abs(box - [x, y, x, y])) < 1
    cut = records(marked, ["cut_share=1"], 12)
    assert any(record.absent.any() for record in cut)
    for record in cut:
        assert not (record.absent * record.weights).any()
        assert all(brightness(record, joint) > 100 for joint in np.flatnonzero(record.weights))


def test_covered_joints_weigh_half(marked: AnnotatedPerson) -> None:
    covered = records(marked, ["cover_share=1"], 12)
    weights = np.stack([record.weights for record in covered])
    assert set(np.unique(weights)) == {HIDDEN_WEIGHT, 1.0}


def test_a_person_set_beside_leaves_the_middle_free() -> None:
    crop, other = np.zeros((256, 192, 3), np.uint8), np.full((300, 300, 3), 200, np.uint8)
    box = np.array([120, 60, 180, 240], np.float32)
    middle = np.array([[96.0, 128.0]], np.float32)
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mixed, hidden = set_beside(crop, other, box, middle, np.ones(1, np.float32), rng)
        assert not hidden[0]
        shares.append(float((mixed > 100).mean()))
    assert 0.05 < np.mean(shares) < 0.5


def test_the_same_index_gives_the_same_crop_whatever_was_made_before(
    marked: AnnotatedPerson,
) -> None:
    settings = ["beside_share=0.5", "cover_share=0.5", "blur_share=1", "colour_spread=0.2"]
    first, again = records(marked, settings, 5)[4], records(marked, settings, 6)[4]
    np.testing.assert_array_equal(first.crop_bgr, again.crop_bgr)
    assert (first.crop_bgr != records(marked, [], 5)[4].crop_bgr).any()


@pytest.mark.parametrize("settings", [[], ["flip_share=1"], ["any_turn_share=1"]])
def test_a_teachers_peaks_follow_the_joints(marked: AnnotatedPerson, settings: list[str]) -> None:
    # The teacher's map of each of the first 17 joints has its peak at the joint: picture / 2.
    maps = np.full((17, 150, 100), FLOOR, np.float32)
    for joint, (x, y) in enumerate(marked.keypoints_xy[:17] / 2):
        rows, columns = np.mgrid[0:150, 0:100]
        maps[joint] = np.maximum(-((columns - x) ** 2 + (rows - y) ** 2) / 8, FLOOR)
    taught = TaughtPerson(
        **{**vars(replace(marked)), "maps": stored_maps(maps)},
        to_cells=np.array([[0.5, 0, 0], [0, 0.5, 0]]),
    )
    for record in records(taught, ["teacher_weight=1", "refit_turned=true", *settings], 4):
        assert record.teacher.shape == (17, 64, 48)
        assert not record.weights.any()  # the maps teach, not their peaks
        for taught_joint in np.flatnonzero(record.teacher_weights):
            cell = np.unravel_index(record.teacher[taught_joint].argmax(), (64, 48))
            found = 4 * np.array(cell[::-1]) + 1.5
            assert np.abs(found - record.keypoints_xy[taught_joint]).max() < 4.5


def test_an_athlete_learns_from_human_joints_and_a_teachers_face(marked: AnnotatedPerson) -> None:
    maps = stored_maps(np.full((17, 150, 100), FLOOR, np.float32))
    half = np.array([[0.5, 0, 0], [0, 0.5, 0]])
    taught = replace(
        TaughtPerson(**vars(marked), maps=maps, to_cells=half),
        keypoints_xy=marked.keypoints_xy + 1,
        weights=np.full(19, 0.5, np.float32),
    )
    elsewhere = replace(taught, picture=replace(marked.picture, path=Path("elsewhere")))
    (both,) = with_maps([marked], [elsewhere, taught])
    assert isinstance(both, TaughtPerson) and both.maps is maps
    np.testing.assert_array_equal(both.keypoints_xy[:5], taught.keypoints_xy[:5])
    np.testing.assert_array_equal(both.keypoints_xy[5:], marked.keypoints_xy[5:])
    np.testing.assert_array_equal(labelled_weights(both)[:5], 0)
    np.testing.assert_array_equal(labelled_weights(both)[5:], marked.joint_weights[5:])
    assert with_maps([marked], [elsewhere]) == [marked]
    for record in records(both, ["teacher_weight=1"], 4):
        assert record.weights[5:].any() and not record.weights[:5].any()


def write_labels(file: Path, sources: list[str], sure: float = 0.9) -> None:
    count = len(sources)
    np.savez(
        file,
        source=sources,
        picture=[f"{source}.jpg" for source in sources],
        box=np.tile(np.array([0, 0, 50, 100], np.float32), (count, 1)),
        joints=np.zeros((count, 17, 2), np.float32),
        confidence=np.full((count, 17), sure, np.float32),
        to_cells=np.zeros((count, 2, 3)),
        maps=np.zeros((count, 17, 8, 6), np.uint8),
    )


def test_the_taught_people_of_a_folder_are_gathered_by_source(tmp_path: Path) -> None:
    write_labels(tmp_path / "boxes.npz", ["street", "flickr", "street"])
    write_labels(tmp_path / "clips.npz", ["street"])
    write_labels(tmp_path / "unsure.npz", ["beside"], sure=0.1)
    people = read_taught(tmp_path, tmp_path / "data")
    assert {source: len(group) for source, group in people.items()} == {"street": 3, "flickr": 1}
    assert people["flickr"][0].picture.path == tmp_path / "data" / "flickr.jpg"
    assert len({person.annotation_id for person in people["street"]}) == 3
    assert len(read_taught(tmp_path / "clips.npz", tmp_path)["street"]) == 1


def test_labels_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no"):
        read_taught(tmp_path, tmp_path)
    np.savez(tmp_path / "other.npz", source=["a"])
    with pytest.raises(ValueError, match="lacks box"):
        read_taught(tmp_path, tmp_path)


def test_people_are_repeated_until_the_shares_hold(marked: AnnotatedPerson) -> None:
    drawn = in_shares({"a": [marked] * 90, "b": [marked] * 4}, {"a": 0.75, "b": 0.25})
    assert len(drawn) == 90 + 30
    assert len({person.annotation_id for person in drawn}) == 120
