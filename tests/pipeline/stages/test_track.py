"""Identities that come late are filled into the frames that were held back for them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.items import PosedFrame
from pipeline.stages.track import TrackStage
from rmpe.records import Frame, Poses
from tracking import OnlineTracker

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
SURE, DOUBTFUL, OTHER = (100.0, 100.0, 0.9), (400.0, 100.0, 0.55), (550.0, 200.0, 0.55)
UNLIKELY = (400.0, 100.0, 0.4)


def posed(index: int, *people: tuple[float, float, float]) -> PosedFrame:
    """People at x, y with a box that scores."""
    places = np.reshape(people, (-1, 3))
    joints = places[:, None, :2] + SHAPE
    count = len(joints)
    poses = Poses(
        boxes_xyxy=np.concatenate([joints.min(1), joints.max(1)], 1),
        box_scores=places[:, 2],
        keypoints_xy=joints,
        keypoint_scores=np.ones((count, 6)),
        scores=np.ones(count),
        ids=np.zeros(count, np.int64),
    )
    return PosedFrame(Frame(index, index / 25, np.full((360, 640, 3), 127, np.uint8)), poses)


def run(items: list[PosedFrame], chunk_frames: int) -> list[list[list[int]]]:
    """What the stage gives for one frame after another, and at the end."""
    stage = TrackStage(OnlineTracker(), chunk_frames)
    given = [list(stage.process(item)) for item in items] + [list(stage.finish())]
    frames = [found.frame.index for done in given for found in done]
    assert frames == [item.frame.index for item in items]
    return [[found.poses.ids.tolist() for found in done] for done in given]


def test_somebody_doubtful_has_their_identity_from_the_first_sighting_on() -> None:
    items = [posed(0, SURE), *(posed(index, SURE, DOUBTFUL) for index in range(1, 5))]
    assert run(items, 64) == [[[1]], [], [], [[1, 2]] * 3, [[1, 2]], []]


def test_who_is_never_confirmed_holds_nothing_up_for_longer_than_the_wait() -> None:
    items = [posed(0, SURE), posed(1, SURE, DOUBTFUL), *(posed(index, SURE) for index in (2, 3, 4))]
    assert run(items, 64) == [[[1]], [], [], [[1, 0], [1], [1]], [[1]], []]


def test_a_box_that_was_more_likely_nobody_is_not_filled_in() -> None:
    items = [posed(0, SURE), posed(1, SURE, UNLIKELY)]
    items += [posed(index, SURE, DOUBTFUL) for index in (2, 3)]
    assert run(items, 64) == [[[1]], [[1, 0]], [], [[1, 2], [1, 2]], []]


def test_two_who_wait_get_an_identity_each() -> None:
    items = [
        posed(0, SURE),
        posed(1, DOUBTFUL, SURE),
        posed(2, OTHER, SURE, DOUBTFUL),
        posed(3, DOUBTFUL, OTHER, SURE),
        posed(4, SURE, OTHER, DOUBTFUL),
    ]
    named = [ids for done in run(items, 64) for ids in done]
    assert named == [[1], [2, 1], [3, 1, 2], [2, 3, 1], [1, 3, 2]]


def test_no_frame_is_held_over_the_border_of_a_chunk() -> None:
    items = [posed(0, SURE), *(posed(index, SURE, DOUBTFUL) for index in range(1, 5))]
    assert run(items, 3) == [[[1]], [], [[1, 0], [1, 0]], [[1, 2]], [[1, 2]], []]


@pytest.mark.parametrize("chunk_frames", [0, 64])
def test_at_the_end_of_a_clip_who_waits_has_none(chunk_frames: int) -> None:
    items = [posed(0, SURE), posed(1, SURE, DOUBTFUL), posed(2, SURE, DOUBTFUL)]
    named = [ids for done in run(items, chunk_frames) for ids in done]
    assert named == [[1], [1, 0], [1, 0]]


def test_a_live_run_holds_nothing_back() -> None:
    items = [posed(0, SURE), *(posed(index, SURE, DOUBTFUL) for index in range(1, 4))]
    assert run(items, 0) == [[[1]], [[1, 0]], [[1, 0]], [[1, 2]], []]
