"""Training scenes: boxes stay with their people, unknown stays unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rmpe.training.bundled._box_scene import BoxScene, render_view
from rmpe.training.bundled.box_scenes import SceneMaker, SceneRecipe
from rmpe.training.bundled.person_boxes import PersonPicture
from rmpe.training.bundled.synthetic_boxes import render_people_pictures

EMPTY = np.zeros((0, 4), np.float32)


def picture(
    source: str = "coco128",
    complete: bool = True,
    boxes: Any = ((40, 20, 80, 100),),
    ignore: Any = EMPTY,
) -> PersonPicture:
    """A dark picture whose people are bright red rectangles."""
    image = np.full((120, 160, 3), 30, np.uint8)
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = (20, 20, 250)
    ignore = np.asarray(ignore, np.float32).reshape(-1, 4)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return PersonPicture("p", source, boxes, ignore, complete, image.copy)


def view(
    shown: PersonPicture,
    scale: tuple[float, float] = (1.0, 1.0),
    offset: tuple[float, float] = (0.0, 0.0),
    size: tuple[int, int] = (160, 120),
    mirrored: bool = False,
) -> BoxScene:
    return render_view(
        shown, shown.load(), np.array(scale), np.array(offset), size, mirrored, least_visible=0.35
    )


def test_boxes_scale_move_and_mirror_with_the_picture() -> None:
    scene = view(picture(), (0.5, 0.5), (8, 16), (160, 120))
    np.testing.assert_allclose(scene.boxes_xyxy, [[28, 26, 48, 66]])
    red = scene.image_bgr[..., 2].astype(int) - scene.image_bgr[..., 0] > 150
    rows, columns = np.nonzero(red)
    np.testing.assert_allclose(
        [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], [28, 26, 48, 66], atol=1
    )
    turned = view(picture(), (0.5, 0.5), (8, 16), (160, 120), mirrored=True)
    np.testing.assert_allclose(turned.boxes_xyxy, [[112, 26, 132, 66]])


def test_a_complete_picture_is_known_everywhere() -> None:
    assert (view(picture()).background_weight == 1).all()


def test_a_partial_picture_is_known_in_its_boxes_and_outside_only() -> None:
    scene = view(picture(complete=False), size=(240, 120))
    weight = scene.background_weight
    assert weight.shape == (15, 30)
    assert (weight[:, 20:] == 1).all()
    assert (weight[3:12, 5:10] == 1).all()
    assert (weight[13:, :20] == 0).all() and (weight[:, :4] == 0).all()


def test_ignored_regions_are_unknown() -> None:
    weight = view(picture(ignore=[[96, 40, 136, 80]])).background_weight
    assert (weight[5:10, 12:17] == 0).all() and weight.sum() == weight.size - 25


def test_a_person_mostly_cut_off_becomes_unknown() -> None:
    scene = view(picture(), offset=(-68.0, 0.0))
    assert len(scene.boxes_xyxy) == 0
    assert (scene.background_weight[3:12, 0] == 0).all()
    half = view(picture(), offset=(-60.0, 0.0))
    np.testing.assert_allclose(half.boxes_xyxy, [[0, 20, 20, 100]])


@pytest.mark.parametrize(
    "recipe",
    [
        SceneRecipe(mosaic_share=0, paste_share=0),
        SceneRecipe(mosaic_share=1, paste_share=0),
        SceneRecipe(mosaic_share=0, paste_share=1),
    ],
    ids=["view", "mosaic", "paste"],
)
def test_every_kind_of_scene_keeps_its_boxes_inside_and_on_people(recipe: Any) -> None:
    maker = SceneMaker([picture(), picture("empty", True, ()), picture("lspet", False)], recipe)
    random = np.random.default_rng(0)
    shares = []
    for _ in range(40):
        scene = maker.draw(160, random)
        assert scene.image_bgr.shape == (160, 160, 3) and scene.image_bgr.dtype == np.uint8
        assert scene.background_weight.shape == (20, 20)
        for x1, y1, x2, y2 in scene.boxes_xyxy.round().astype(int):
            assert 0 <= x1 < x2 <= 160 and 0 <= y1 < y2 <= 160
            inside = scene.image_bgr[y1:y2, x1:x2].astype(int)
            shares.append((inside.max(-1) > 90).mean())
    assert len(shares) > 10 and np.median(shares) > 0.6


def test_the_same_seed_draws_the_same_scene() -> None:
    maker = SceneMaker([picture(), picture("empty", True, ())])
    first, second = (maker.draw(96, np.random.default_rng([5, 1])) for _ in range(2))
    np.testing.assert_array_equal(first.image_bgr, second.image_bgr)
    np.testing.assert_array_equal(first.boxes_xyxy, second.boxes_xyxy)


def test_a_partial_picture_without_boxes_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="no picture belongs"):
        SceneMaker([picture("street", False, ())])


def test_rendered_people_have_complete_boxes() -> None:
    (rendered,) = render_people_pictures(1, seed=3)
    again = render_people_pictures(1, seed=3)[0]
    image = rendered.load()
    assert rendered.complete and rendered.source == "synthetic"
    assert len(rendered.boxes_xyxy) + len(rendered.ignore_xyxy) > 0
    assert (rendered.boxes_xyxy[:, 2:] <= [image.shape[1], image.shape[0]]).all()
    np.testing.assert_array_equal(image, again.load())
