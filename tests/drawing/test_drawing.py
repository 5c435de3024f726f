"""Drawing leaves the picture alone, draws what the scores allow and keeps a colour for each id."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.drawing import DrawingStyle, colour_of_id, draw_poses
from rmpe.drawing.colours import FACE, FINGERS, LEFT, NO_ID, RIGHT
from rmpe.drawing.people import limb_thickness
from rmpe.records import Poses
from rmpe.skeletons import COCO_17, SKELETONS, Skeleton

ARM = Skeleton("arm", ("left_elbow", "left_wrist", "right_knee"), ((0, 1),), (0.1, 0.1, 0.1))


def _poses(xy: np.ndarray, scores: np.ndarray, boxes: np.ndarray, ids: list[int]) -> Poses:
    ones = np.ones(len(xy), np.float32)
    return Poses(boxes, ones, xy, scores, ones, np.array(ids, np.int64))


def _arm(scores: tuple[float, float, float] = (1.0, 1.0, 1.0), identity: int = 0) -> Poses:
    xy = np.array([[[20.0, 50.0], [80.0, 50.0], [50.0, 80.0]]])
    return _poses(xy, np.array([scores]), np.array([[10.0, 40.0, 90.0, 90.0]]), [identity])


def _black() -> np.ndarray:
    return np.zeros((100, 100, 3), np.uint8)


def test_the_given_picture_stays_as_it_is() -> None:
    image = np.full((100, 100, 3), 77, np.uint8)
    drawn = draw_poses(image, _arm(), ARM)
    assert (image == 77).all()
    assert (drawn != 77).any()
    assert drawn.shape == image.shape and drawn.dtype == np.uint8


def test_a_limb_has_the_colour_of_its_side() -> None:
    drawn = draw_poses(_black(), _arm(), ARM, DrawingStyle(boxes=False, ids=False))
    assert tuple(drawn[50, 50]) == LEFT
    assert tuple(drawn[80, 50]) == RIGHT


def test_a_joint_below_the_score_takes_its_limb_with_it() -> None:
    style = DrawingStyle(min_joint_score=0.5, boxes=False, ids=False)
    drawn = draw_poses(_black(), _arm((0.9, 0.4, 0.2)), ARM, style)
    assert tuple(drawn[50, 20]) == LEFT
    assert not drawn[:, 30:].any()


def test_nobody_leaves_the_picture_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.testing.assert_array_equal(draw_poses(image, Poses.empty(17), COCO_17), image)


def test_box_and_label_have_the_colour_of_the_id() -> None:
    drawn = draw_poses(_black(), _arm(identity=7), ARM, DrawingStyle(limbs=False))
    assert tuple(drawn[90, 50]) == colour_of_id(7)
    assert tuple(drawn[65, 10]) == colour_of_id(7)
    assert (drawn[25:41, 10:20] == colour_of_id(7)).all(axis=-1).sum() > 40


def test_a_person_without_identity_gets_no_label() -> None:
    drawn = draw_poses(_black(), _arm(identity=0), ARM, DrawingStyle(limbs=False))
    assert not drawn[:39].any()  # the box, two pixels wide, is all there is
    assert tuple(drawn[90, 50]) == NO_ID


def test_twenty_ids_have_twenty_colours() -> None:
    colours = np.array([colour_of_id(identity) for identity in range(1, 21)], float)
    gaps = np.abs(colours[:, None] - colours[None]).sum(axis=-1) + 1000.0 * np.eye(20)
    assert gaps.min() > 25.0


def test_limbs_grow_with_the_person() -> None:
    heights = (20.0, 90.0, 270.0, 2000.0)
    widths = [limb_thickness(np.array([0, 0, 10, h], np.float32)) for h in heights]
    assert widths == [2, 2, 3, 6]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e9, 1e9])
def test_joints_that_are_nowhere_are_left_out(bad: float) -> None:
    xy = np.array([[[20.0, 50.0], [bad, 50.0], [50.0, bad]]])
    box = np.array([[bad, 0.0, 50.0, 50.0]])
    drawn = draw_poses(_black(), _poses(xy, np.ones((1, 3)), box, [3]), ARM)
    assert tuple(drawn[50, 20]) == LEFT
    assert not drawn[60:, 60:].any()


def test_people_beyond_the_edge_are_cut_off() -> None:
    xy = np.array([[[-30.0, 50.0], [130.0, 50.0], [50.0, 300.0]]])
    box = np.array([[-40.0, 30.0, 150.0, 310.0]])
    drawn = draw_poses(_black(), _poses(xy, np.ones((1, 3)), box, [1]), ARM)
    assert (drawn[50] == LEFT).all(axis=-1).sum() > 90


def test_pictures_of_one_pixel_and_every_skeleton_can_be_drawn() -> None:
    for skeleton in SKELETONS.values():
        xy = np.random.default_rng(1).uniform(-5.0, 5.0, (2, skeleton.joint_count, 2))
        scores = np.ones((2, skeleton.joint_count))
        poses = _poses(xy, scores, np.array([[0.0, 0.0, 1.0, 1.0]] * 2), [1, 2])
        assert draw_poses(np.zeros((1, 1, 3), np.uint8), poses, skeleton).shape == (1, 1, 3)


def test_another_skeleton_is_refused() -> None:
    with pytest.raises(ValueError, match="3 joints and the skeleton 'coco17' of 17"):
        draw_poses(_black(), _arm(), COCO_17)


def test_faces_and_hands_are_drawn_fine_and_fingers_have_colours_of_their_own() -> None:
    skeleton = SKELETONS["wholebody133"]
    places = [skeleton.index(name) for name in ("left_elbow", "left_wrist")]
    finger = [skeleton.index(f"left_hand_{number}") for number in (5, 6)]
    jaw = [skeleton.index(f"face_{number}") for number in (3, 4)]
    xy = np.full((1, 133, 2), 50.0)
    scores = np.zeros((1, 133))
    for pair, row in ((places, 60.0), (finger, 160.0), (jaw, 240.0)):
        xy[0, pair] = [[40.0, row], [260.0, row]]
        scores[0, pair] = 1
    poses = _poses(xy, scores, np.array([[0.0, 0.0, 299.0, 360.0]]), [0])
    style = DrawingStyle(boxes=False)
    drawn = draw_poses(np.full((380, 300, 3), 128, np.uint8), poses, skeleton, style)
    across = (drawn[:, 150] != 128).any(-1)
    thickness = limb_thickness(poses.boxes_xyxy[0])
    assert across[40:80].sum() == thickness + 3  # with its dark edge
    assert across[140:180].sum() == across[220:260].sum() == 1
    assert tuple(drawn[160, 150]) == FINGERS[1]
    assert tuple(drawn[240, 150]) == FACE
    assert tuple(drawn[60, 150]) == LEFT
