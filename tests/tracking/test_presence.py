"""Who has left the picture, and by what they are known again."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import DEFAULT, OnlineTracker, TrackerParameters
from tracking.following import reasons_of
from tracking.following.presence import have_left
from tracking.kalman import predict_bodies, start_bodies
from tracking.parameters import MotionParameters
from tracking.tracks import Tracks

WIDTH, HEIGHT = 640, 360
SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
RED, GREEN = (40, 40, 220), (40, 200, 60)


@pytest.mark.parametrize(
    ("box", "velocity", "left"),
    [
        ((4, 100, 44, 200), (-9.0, 0.0), True),  # nearer to it than a 20th of the height
        ((4, 100, 44, 200), (9.0, 0.0), False),  # comes in
        ((4, 100, 44, 200), (0.0, 0.0), False),  # stands there
        ((6, 100, 46, 200), (-9.0, 0.0), False),  # not yet at the border
        ((597, 100, 637, 200), (9.0, 0.0), True),
        ((300, 258, 340, 358), (0.0, 9.0), True),
        ((300, 258, 340, 358), (9.0, 0.0), False),  # walks along the lower border
        ((30, 100, 70, 200), (-70.0, 0.0), True),  # 50 px and more in the second since
    ],
)
def test_who_walks_over_the_border_has_left(
    box: tuple[float, ...], velocity: tuple[float, float], left: bool
) -> None:
    boxes = np.array([box], float)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    bodies = replace(start_bodies(middles, MotionParameters()), velocities_xy=np.array([velocity]))
    empty = Tracks.empty(6).to_arrays()
    arrays = {name: np.zeros((1, *array.shape[1:]), array.dtype) for name, array in empty.items()}
    tracks = replace(
        Tracks.from_arrays(arrays), bodies=bodies, boxes_xyxy=boxes, heights_px=np.array([100.0])
    )
    expected = predict_bodies(bodies, np.array([1.0]), MotionParameters())
    assert have_left(tracks, expected, (WIDTH, HEIGHT)).tolist() == [left]


def draw(image: np.ndarray, points: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draw one person of one colour by their joints, (6, 2)."""
    for point in points:
        middle = points.mean(0).astype(int).tolist()
        cv2.line(image, point.astype(int).tolist(), middle, colour, 14)


def seen(index: int, x: float | None, colour: tuple[int, int, int]) -> tuple[Frame, Poses]:
    """A grey street with one person of one colour, the box cut at the picture's border."""
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    places = np.zeros((0, 1, 2)) if x is None else np.array([[[x, 120.0]]])
    joints = places + SHAPE
    for points in joints:
        draw(image, points, colour)
    return Frame(index, index / 25, image), found(joints)


def found(joints: np.ndarray) -> Poses:
    """People of joints (N, 6, 2), their boxes cut at the picture's border."""
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1).clip(0, WIDTH - 1)
    ones = np.ones(len(joints))
    return Poses(boxes, ones, joints, np.ones((len(joints), 6)), ones, np.zeros(len(joints)))


def comes_back(
    first_x: float, colour: tuple[int, int, int], parameters: TrackerParameters = DEFAULT
) -> OnlineTracker:
    """A red person walks left for 16 frames, is away for 8, and somebody comes where they were."""
    tracker = OnlineTracker(parameters)
    for index in range(16):
        tracker.update(*seen(index, first_x - 6 * index, RED))
    for index in range(16, 24):
        tracker.update(*seen(index, None, RED))
    tracker.update(*seen(24, first_x - 6 * 15, colour))
    return tracker


def told(tracker: OnlineTracker) -> tuple[str, list[bool]]:
    """What became of the last person, and whether each candidate was compared by appearance."""
    assert tracker.explanation is not None
    (person,) = reasons_of(tracker.explanation, DEFAULT)
    return person.outcome, [candidate.by_appearance for candidate in person.candidates]


def test_who_has_left_is_known_again_by_looks_alone() -> None:
    at_the_border = 20 + 6 * 15 + 2  # at last the box begins 2 px from it
    assert told(comes_back(at_the_border, RED)) == ("identity 1, known again", [True])
    assert told(comes_back(at_the_border, GREEN)) == ("new: identity 2", [True])
    unlooked = comes_back(at_the_border, RED, replace(DEFAULT, reid=None))
    assert told(unlooked) == ("new: identity 2", [])


def test_who_was_lost_within_the_picture_is_known_by_place_as_well() -> None:
    unlooked = comes_back(400.0, RED, replace(DEFAULT, reid=None))
    assert told(unlooked) == ("identity 1", [False])


def test_who_leaves_before_somebody_lends_them_no_name_with_their_colours() -> None:
    tracker = OnlineTracker()
    ids = []
    for index in range(22):
        behind = SHAPE + [22.0, 120.0]
        before = SHAPE + [123.0 - 5 * index, 132.0]
        image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        draw(image, behind, GREEN)
        draw(image, before, RED)
        # at last who leaves is 4 px beside who stands behind them and is no longer found
        joints = np.stack([behind, before] if index < 21 else [behind])
        ids.append(tracker.update(Frame(index, index / 25, image), found(joints)).ids.tolist())
    assert ids == [[1, 2]] * 21 + [[1]]
