"""A look does to a frame what it says: background, size, trails, single people, palettes."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from rmpe.drawing import DrawingStyle, FramePainter, Look, colour_of_id, draw_poses
from rmpe.drawing.colours import LEFT
from rmpe.drawing.people import joined_skeleton
from rmpe.records import Poses
from rmpe.skeletons import COCO_17, COCO_19, MPII_16, Skeleton

ARM = Skeleton("arm", ("left_elbow", "left_wrist"), ((0, 1),), (0.1, 0.1))
LIMBS = DrawingStyle(boxes=False, ids=False, limb_style="flat", joint_size=0, thickness=4)


def _arm(x: float = 20.0, score: float = 1.0, identity: int = 1) -> Poses:
    """An arm from (x, 50) to (x + 60, 50), its box around it."""
    return Poses(
        [[x, 40.0, x + 60, 60.0]],
        [1.0],
        [[[x, 50.0], [x + 60, 50.0]]],
        [[1.0, score]],
        [1.0],
        [identity],
    )


def _grey(height: int = 100, width: int = 120) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


@pytest.mark.parametrize(("background", "value"), [("black", 0), ("white", 255), ("original", 90)])
def test_the_background_is_what_was_asked_for(background: str, value: int) -> None:
    drawn = FramePainter(ARM, Look(LIMBS, background)).paint(_grey(), _arm())
    assert (drawn[:40] == value).all() and tuple(drawn[50, 50]) == LEFT


def test_a_blurred_background_keeps_the_colours_and_loses_the_edges() -> None:
    image = np.zeros((240, 240, 3), np.uint8)
    image[:, 120:] = 200
    drawn = FramePainter(ARM, Look(LIMBS, "blur")).paint(image, Poses.empty(2))
    assert abs(float(drawn.mean()) - float(image.mean())) < 5
    steps = np.abs(np.diff(drawn[100, :, 0].astype(int)))
    assert steps.max() < 40 < np.abs(np.diff(image[100, :, 0].astype(int))).max()


def test_transparency_is_where_nothing_is_drawn() -> None:
    drawn = FramePainter(ARM, Look(LIMBS, "transparent")).paint(_grey(), _arm())
    assert drawn.shape == (100, 120, 4)
    assert not drawn[:40].any() and tuple(drawn[50, 50]) == (*LEFT, 255)


def test_half_transparent_edges_keep_their_colour() -> None:
    style = DrawingStyle(boxes=False, limbs=False)  # the label's letters have soft edges
    drawn = FramePainter(ARM, Look(style, "transparent")).paint(_grey(), _arm())
    ellipses = DrawingStyle(boxes=False, ids=False, limb_style="ellipses", joint_size=0)
    soft = FramePainter(ARM, Look(ellipses, "transparent")).paint(_grey(), _arm())
    part = (soft[..., 3] > 0) & (soft[..., 3] < 255)
    assert part.any()
    np.testing.assert_allclose(soft[part][:, :3].astype(int), [LEFT] * int(part.sum()), atol=2)
    assert drawn[..., 3].max() == 255


def test_the_result_has_the_size_asked_for_and_people_move_with_it() -> None:
    for look, shape in (
        (Look(LIMBS, width=240), (200, 240)),
        (Look(LIMBS, height=50), (50, 60)),
        (Look(LIMBS, width=60, height=200), (200, 60)),
    ):
        drawn = FramePainter(ARM, look).paint(_grey(), _arm())
        assert drawn.shape[:2] == shape
        across, down = shape[1] / 120, shape[0] / 100
        assert tuple(drawn[int(50.5 * down - 0.5), int(50.5 * across)]) == LEFT


def test_only_those_asked_for_are_drawn() -> None:
    painter = FramePainter(ARM, Look(LIMBS, only=(2,)))
    np.testing.assert_array_equal(painter.paint(_grey(), _arm(identity=1)), _grey())
    assert tuple(painter.paint(_grey(), _arm(identity=2))[50, 50]) == LEFT


def test_who_waits_for_an_identity_is_grey_and_has_neither_number_nor_trail() -> None:
    painter = FramePainter(ARM, Look(DrawingStyle(limbs=False), trails=5))
    for step in range(4):
        drawn = painter.paint(_grey(), _arm(float(5 * step), identity=0))
    boxes = DrawingStyle(limbs=False, ids=False)
    plain = draw_poses(_grey(), _arm(15.0, identity=0), ARM, boxes)
    np.testing.assert_array_equal(drawn, plain)
    assert tuple(drawn[50, 15]) == colour_of_id(0) and len(set(colour_of_id(0))) == 1
    alone = FramePainter(ARM, Look(LIMBS, only=(1,))).paint(_grey(), _arm(identity=0))
    np.testing.assert_array_equal(alone, _grey())
    with pytest.raises(ValueError, match="only is 0, ids count from 1"):
        Look(only=(0,))


def test_trails_show_the_way_of_so_many_frames_and_no_more() -> None:
    painter = FramePainter(ARM, Look(DrawingStyle(False, limbs=False, boxes=False, ids=False)))
    style = DrawingStyle(limbs=False, boxes=False, ids=False)
    painter = FramePainter(ARM, Look(style, trails=3))
    for step in range(6):
        drawn = painter.paint(_grey(), _arm(float(5 * step)))
    way = (drawn[60] == colour_of_id(1)).all(-1)  # the box's foot: x = 30, 35, … at y = 60
    assert way[41:55].all() and not way[:38].any() and not way[59:].any()
    gone = painter.paint(_grey(), Poses.empty(2))
    np.testing.assert_array_equal(gone, _grey())


def test_palettes_colour_by_side_by_person_and_as_openpose() -> None:
    for palette, colour in (("parts", LEFT), ("ids", colour_of_id(1)), ("openpose", (42, 255, 0))):
        style = DrawingStyle(
            boxes=False, ids=False, palette=palette, limb_style="flat", joint_size=0
        )
        drawn = draw_poses(_grey(), _arm(), ARM, style)
        # OpenPose's left wrist is the eighth of eighteen hues, 140 degrees: green.
        np.testing.assert_allclose(drawn[50, 50].astype(int), colour, atol=45)


def test_an_unsure_joint_has_a_dashed_limb() -> None:
    sure, unsure = (draw_poses(_grey(), _arm(score=score), ARM, LIMBS) for score in (0.9, 0.4))
    lines = [(drawn[50, 25:75] == LEFT).all(-1).sum() for drawn in (sure, unsure)]
    assert lines[0] == 50 and 10 < lines[1] < 45


@pytest.mark.parametrize("skeleton", [COCO_17, COCO_19])
def test_the_head_is_joined_to_the_body(skeleton: Skeleton) -> None:
    whole = joined_skeleton(skeleton)
    reached = {whole.joints.index("nose")}
    for _ in range(whole.joint_count):
        reached |= {end for limb in whole.limbs if reached & set(limb) for end in limb}
    assert whole.joints.index("left_ankle") in reached
    assert joined_skeleton(MPII_16) == MPII_16


def test_a_person_of_forty_pixels_is_no_blot() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform([40, 30], [55, 70], (1, 17, 2))
    ones = np.ones((1, 17))
    poses = Poses([[40.0, 30.0, 55.0, 70.0]], [1.0], xy, ones, [1.0], [0])
    drawn = draw_poses(_grey(), poses, COCO_17, DrawingStyle(boxes=False))
    dark = (drawn < 60).all(-1)[30:70, 40:55]
    assert dark.mean() < 0.02  # no dark edges, which would cover a third of it


def test_thin_lines_keep_their_colour_in_a_film(tmp_path: object) -> None:
    image = np.full((240, 320, 3), 128, np.uint8)
    box = Poses(
        [[41.0, 41.0, 201.0, 181.0]], [1.0], np.zeros((1, 2, 2)), np.zeros((1, 2)), [1], [7]
    )
    drawn = draw_poses(image, box, ARM, DrawingStyle(limbs=False, ids=False))
    path = f"{tmp_path}/box.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for packet in stream.encode(av.VideoFrame.from_ndarray(drawn, format="bgr24")):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    with av.open(path) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="bgr24")
    side = shown[100, 38:46]
    saturation = cv2.cvtColor(side[None], cv2.COLOR_BGR2HSV)[0, :, 1].max()
    true = cv2.cvtColor(np.array([[colour_of_id(7)]], np.uint8), cv2.COLOR_BGR2HSV)[0, 0, 1]
    assert saturation > 0.5 * true


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Look(background="green"),
        lambda: Look(trails=-1),
        lambda: Look(width=-5),
        lambda: DrawingStyle(palette="rainbow"),
        lambda: DrawingStyle(thickness=-1),
    ],
)
def test_looks_that_make_no_sense_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="allowed"):
        wrong()
