"""The truth of a synthetic frame agrees with its picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rmpe.skeletons import COCO_19
from rmpe.synthetic import (
    Actor,
    PersonModel,
    Scene,
    crossing_scene,
    crowd_scene,
    random_people_picture,
    random_pose_picture,
    walkers_scene,
)
from rmpe.synthetic.person.appearance import Appearance
from rmpe.synthetic.person.body import BodyPose, Placement
from rmpe.synthetic.person.motion import StayPut
from rmpe.synthetic.world import Pan
from rmpe.synthetic.world.backdrop import Backdrop
from rmpe.synthetic.world.camera import Camera

CAMERA = Camera(320, 240, 400.0, (0.0, 1.0, 0.0))
GREY = np.full((240, 320, 3), 128, np.uint8)


def _standing(identity: int, x: float, z: float, heading: float = 0.0) -> Actor:
    motion = StayPut(Placement(BodyPose(), x, z, heading), sway=0.0)
    return Actor(identity, PersonModel(), motion)


def _bare(*actors: Actor) -> Scene:
    """People before plain grey, without shadow, noise or blur."""
    return Scene(CAMERA, actors, GREY, noise=0.0, blur=0.0, shadows=False)


def _place(name: str) -> int:
    return COCO_19.index(name)


def test_the_box_encloses_exactly_what_was_drawn() -> None:
    frame = _bare(_standing(1, 0.3, -5.0, heading=0.8)).frame_at(0)
    rows, columns = np.nonzero((frame.image_bgr != 128).any(axis=2))
    drawn = [columns.min(), rows.min(), columns.max(), rows.max()]
    np.testing.assert_allclose(frame.boxes_xyxy[0], drawn, atol=1.5)
    assert frame.visible_fraction[0] == pytest.approx(1.0)


def test_joints_lie_where_the_camera_formula_puts_them() -> None:
    actor = _standing(1, 0.5, -5.0)
    frame = _bare(actor).frame_at(0)
    joints = actor.model.joints(actor.model.stand(Placement(BodyPose(), 0.5, -5.0, 0.0)))
    expected_x = 159.5 + 400.0 * joints[:, 0] / -joints[:, 2]
    expected_y = 119.5 - 400.0 * (joints[:, 1] - 1.0) / -joints[:, 2]
    np.testing.assert_allclose(frame.keypoints_xy[0, :, 0], expected_x, atol=1e-3)
    np.testing.assert_allclose(frame.keypoints_xy[0, :, 1], expected_y, atol=1e-3)


def test_seen_from_the_front_the_face_is_visible_and_from_behind_it_is_not() -> None:
    front = _bare(_standing(1, 0.0, -4.0)).frame_at(0)
    back = _bare(_standing(1, 0.0, -4.0, heading=np.pi)).frame_at(0)
    face = [_place("nose"), _place("left_eye"), _place("right_eye")]
    assert front.visible[0].all()
    assert not back.visible[0, face].any()
    assert back.visible[0, [_place("left_shoulder"), _place("right_knee")]].all()


def test_in_profile_the_far_side_is_hidden() -> None:
    frame = _bare(_standing(1, 0.0, -4.0, heading=np.pi / 2)).frame_at(0)
    # Turned to the right of the picture: the person's right side is the near one.
    assert frame.visible[0, [_place("right_ear"), _place("right_shoulder")]].all()
    assert not frame.visible[0, [_place("left_ear"), _place("left_shoulder")]].any()


def test_the_nearer_person_hides_the_other() -> None:
    frame = _bare(_standing(1, 0.0, -4.0), _standing(2, 0.0, -5.5)).frame_at(0)
    assert frame.ids.tolist() == [2, 1]
    assert frame.visible[1].all()
    assert not frame.visible[0, [_place("left_hip"), _place("right_knee")]].any()
    assert frame.visible_fraction[1] == pytest.approx(1.0)
    assert frame.visible_fraction[0] < 0.5
    assert frame.in_picture.all()


def test_a_person_at_the_edge_is_cut_and_one_outside_is_not_listed() -> None:
    edge = 5.0 * 160.0 / 400.0
    frame = _bare(_standing(1, edge, -5.0), _standing(2, 9.0, -5.0)).frame_at(0)
    assert frame.ids.tolist() == [1]
    assert frame.boxes_xyxy[0, 2] == 319.0
    assert 0.3 < frame.visible_fraction[0] < 0.7
    left, right = _place("left_shoulder"), _place("right_shoulder")
    assert not frame.in_picture[0, left] and frame.in_picture[0, right]
    assert not frame.visible[0, left]
    assert frame.keypoints_xy[0, left, 0] > 319.5


def test_an_empty_scene_is_the_background() -> None:
    frame = _bare().frame_at(3)
    assert len(frame) == 0
    assert frame.boxes_xyxy.shape == (0, 4) and frame.keypoints_xy.shape == (0, 19, 2)
    np.testing.assert_array_equal(frame.image_bgr, GREY)
    assert len(walkers_scene(0, 64, 48, seed=0).frame_at(0)) == 0


def test_a_background_of_another_size_is_refused() -> None:
    scene = replace(_bare(), backdrop=np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(ValueError, match=r"shape \(10, 10, 3\), the camera needs \(240, 320, 3\)"):
        scene.frame_at(0)


def test_frames_are_the_same_in_any_order() -> None:
    first = walkers_scene(3, 160, 120, seed=4, pan=0.1)
    second = walkers_scene(3, 160, 120, seed=4, pan=0.1)
    late = first.frame_at(9)
    first.frame_at(2)
    again = [second.frame_at(index) for index in (2, 9)][1]
    np.testing.assert_array_equal(late.image_bgr, again.image_bgr)
    np.testing.assert_array_equal(late.keypoints_xy, again.keypoints_xy)
    other = walkers_scene(3, 160, 120, seed=5, pan=0.1).frame_at(9)
    assert (other.image_bgr != late.image_bgr).any()


def test_turning_the_camera_moves_people_by_the_formula() -> None:
    scene = replace(_bare(_standing(1, 0.0, -5.0)), pan=Pan(0.2, period_s=4.0), fps=4.0)
    straight, turned = scene.frame_at(0), scene.frame_at(4)
    hips = [_place("left_hip"), _place("right_hip")]
    before = straight.keypoints_xy[0, hips, 0].mean()
    after = turned.keypoints_xy[0, hips, 0].mean()
    assert before == pytest.approx(159.5, abs=0.01)
    assert after == pytest.approx(159.5 - 400.0 * np.tan(0.2), abs=0.5)


def test_the_street_turns_with_the_camera() -> None:
    backdrop = Backdrop(CAMERA, seed=2, reach=0.3)
    straight = cv2.GaussianBlur(backdrop.view(CAMERA), (0, 0), 2)
    turned = cv2.GaussianBlur(backdrop.view(replace(CAMERA, yaw=0.2)), (0, 0), 2)
    # On the middle row of a level camera a turn maps column to column by the tangent.
    columns = np.arange(20, 200)
    angles = np.arctan((columns - 159.5) / 400.0) + 0.2
    inside = np.round(159.5 + 400.0 * np.tan(angles)).astype(int)
    inside, columns = inside[inside < 320], columns[inside < 320]
    assert len(columns) > 60
    difference = np.abs(straight[119, inside].astype(int) - turned[119, columns].astype(int))
    assert difference.mean() < 4.0


def test_the_street_has_corners_to_follow() -> None:
    picture = walkers_scene(0, 640, 360, seed=1).frame_at(0).image_bgr
    corners = cv2.goodFeaturesToTrack(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 500, 0.01, 5)
    assert len(corners) > 200


@pytest.mark.parametrize("place", ["street", "park", "hall"])
def test_every_place_can_be_drawn_and_its_ground_is_below_its_wall(place: str) -> None:
    for seed in range(8):
        picture = Backdrop(CAMERA, seed, place=place).view(CAMERA)
        assert picture.shape == (240, 320, 3)
        np.testing.assert_array_equal(picture, Backdrop(CAMERA, seed, place=place).view(CAMERA))
        upper, lower = picture[60:100].mean(axis=(0, 1)), picture[200:].mean(axis=(0, 1))
        assert np.abs(upper - lower).max() > 3.0


def test_leavers_come_back_under_their_id() -> None:
    scene = walkers_scene(2, 160, 120, seed=3, leaving_and_returning=True, fps=2.0)
    seen = [set(scene.frame_at(index).ids.tolist()) for index in range(32)]
    for identity in (1, 2):
        present = [identity in ids for ids in seen]
        gone = present.index(False)
        assert present[0]
        assert any(present[gone:])


def test_a_crowd_overlaps_and_its_joints_are_known() -> None:
    frame = crowd_scene(9, 320, 240, seed=1).frame_at(0)
    assert sorted(frame.ids.tolist()) == list(range(1, 10))
    assert (frame.visible_fraction < 0.9).sum() >= 3
    for row in range(len(frame)):
        x1, y1, x2, y2 = frame.boxes_xyxy[row]
        inside = frame.keypoints_xy[row, frame.in_picture[row]]
        assert (inside >= [x1 - 2, y1 - 2]).all() and (inside <= [x2 + 2, y2 + 2]).all()


def test_the_example_scene_shows_six_people_who_cross() -> None:
    scene = crossing_scene(160, 90)
    counts = [len(scene.frame_at(index)) for index in range(0, 150, 37)]
    assert min(counts) >= 4
    assert max(counts) == 6
    places = [
        dict(zip(frame.ids.tolist(), frame.keypoints_xy[:, 11, 0]))
        for frame in (scene.frame_at(20), scene.frame_at(100))
    ]
    both = sorted(set(places[0]) & set(places[1]))
    orders = [sorted(both, key=place.__getitem__) for place in places]
    assert len(both) >= 5 and orders[0] != orders[1]


@pytest.mark.parametrize("rare", [False, True])
def test_random_pictures_show_their_person(rare: bool) -> None:
    rng = np.random.default_rng(11)
    shares = []
    for _ in range(12):
        frame = random_pose_picture(rng, 96, 96, rare=rare, background_bgr=GREY[:96, :96])
        assert len(frame) == 1
        shares.append(frame.in_picture[0].mean())
    assert np.mean(shares) > 0.75


def test_random_people_stand_before_the_given_background() -> None:
    rng = np.random.default_rng(12)
    frame = random_people_picture(rng, 4, 160, 120, background_bgr=GREY[:120, :160])
    assert 1 <= len(frame) <= 4
    assert frame.image_bgr.shape == (120, 160, 3)
    assert len(frame.select(frame.visible_fraction > 2.0)) == 0
    assert frame.select(np.array([0])).ids.tolist() == frame.ids[:1].tolist()


@pytest.mark.parametrize("bottoms", ["trousers", "shorts", "skirt", "dress", "coat"])
def test_clothes_have_their_colour(bottoms: str) -> None:
    red, blue = (40.0, 40.0, 220.0), (220.0, 40.0, 40.0)
    model = PersonModel(appearance=Appearance(top=red, bottom=blue, bottoms=bottoms, sleeve=1.9))
    motion = StayPut(Placement(BodyPose(), 0.0, -4.0, 0.0), sway=0.0)
    frame = _bare(Actor(1, model, motion)).frame_at(0)
    shoulders, hips = frame.keypoints_xy[0, 5:7].mean(axis=0), frame.keypoints_xy[0, 11:13]
    chest = np.round(0.6 * shoulders + 0.4 * hips.mean(axis=0)).astype(int)
    thigh = np.round(0.8 * hips[0] + 0.2 * frame.keypoints_xy[0, 13]).astype(int)
    assert frame.image_bgr[chest[1], chest[0]].argmax() == 2
    expected = 2 if bottoms in ("dress", "coat") else 0
    assert frame.image_bgr[thigh[1], thigh[0]].argmax() == expected


@pytest.mark.parametrize("style", ["short", "long", "bun", "bald", "cap", "beanie"])
def test_every_head_is_drawn(style: str) -> None:
    look = Appearance(hair_style=style, beard=True, glasses=True, backpack=(30.0, 90.0, 30.0))
    model = PersonModel(appearance=look)
    motion = StayPut(Placement(BodyPose(), 0.0, -4.0, 0.0), sway=0.0)
    frame = _bare(Actor(1, model, motion)).frame_at(0)
    x, y = np.round(frame.keypoints_xy[0, _place("nose")]).astype(int)
    assert (frame.image_bgr[y, x] != 128).any()


def test_wrong_counts_and_lanes_are_refused() -> None:
    with pytest.raises(ValueError, match="got -1 walkers"):
        walkers_scene(-1, 64, 48, seed=0)
    with pytest.raises(ValueError, match=r"from 8\.0 to 5\.0 m"):
        walkers_scene(2, 64, 48, seed=0, nearest=8.0, farthest=5.0)
    with pytest.raises(ValueError, match="crowd of -2"):
        crowd_scene(-2, 64, 48, seed=0)
    with pytest.raises(ValueError, match=r"reach of 2\.0"):
        Backdrop(CAMERA, 0, 2.0)
