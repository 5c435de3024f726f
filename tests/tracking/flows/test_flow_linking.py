"""A whole clip is linked by all that was seen of everybody, not only by what came before."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import OnlineTracker, track_clip
from tracking.appearance import unknown_appearance
from tracking.flows import linking
from tracking.flows.pieces import Observed, cut_pieces, is_double
from tracking.likelihood import Sighting
from tracking.similarity import People
from tracking.tracks import Tracks

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
RED, GREEN, GREY = (40, 40, 220), (40, 200, 60), (127, 127, 127)
Person = tuple[float, tuple[int, int, int]]


def frame_of(index: int, people: list[Person]) -> tuple[Frame, Poses]:
    """People 100 px tall at x, in clothes of one colour."""
    picture = np.full((240, 640, 3), 127, np.uint8)
    joints = np.array([SHAPE + [x, 80.0] for x, _ in people]).reshape(-1, 6, 2)
    for (x, colour), _ in zip(people, joints):
        picture[75:185, max(int(x) - 25, 0) : int(x) + 25] = colour
    count = len(people)
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
    ones = np.ones(count)
    poses = Poses(boxes, ones, joints, np.ones((count, 6)), ones, np.zeros(count, np.int64))
    return Frame(index, index / 25, picture), poses


def observed(index: int, ids: list[int], boxes: list[list[float]]) -> Observed:
    """A frame as the tracker left it, with boxes alone."""
    count = len(ids)
    corners = np.array(boxes, float).reshape(-1, 4)
    joints = np.zeros((count, 1, 2))
    poses = Poses(
        corners, np.ones(count), joints, np.ones((count, 1)), np.ones(count), np.array(ids)
    )
    people = People(joints, corners, np.ones((count, 1), bool), np.ones(count))
    appearance = unknown_appearance(count, 1)
    seen = Sighting(
        people, corners, np.ones(count), np.ones((count, 1)), appearance, np.ones(count, bool)
    )
    return Observed(index / 25, poses, seen, Tracks.empty(1), np.eye(3))


def spans(clip: list[Observed]) -> list[tuple[int, int, int]]:
    pieces = cut_pieces(clip, 0.2)
    return sorted(
        (int(clip[p.frames[0]].poses.ids[p.rows[0]]), int(p.frames[0]), int(p.frames[-1]))
        for p in pieces
    )


HERE, BESIDE, AWAY = [0.0, 0, 40, 100], [20.0, 0, 60, 100], [300.0, 0, 340, 100]


def test_a_track_is_cut_where_somebody_was_out_of_sight_and_not_where_a_frame_is_missing() -> None:
    there = [index not in (3, 10, 11, 12, 13, 14, 15) for index in range(20)]
    clip = [
        observed(i, [1] if here else [], [HERE] if here else []) for i, here in enumerate(there)
    ]
    assert spans(clip) == [(1, 0, 9), (1, 16, 19)]


def test_a_track_is_cut_where_somebody_comes_or_goes_beside_it() -> None:
    alone = [observed(index, [1], [HERE]) for index in range(4)]
    both = [observed(index, [2, 1], [BESIDE, HERE]) for index in range(4, 8)]
    again = [observed(index, [1], [HERE]) for index in range(8, 12)]
    cut = [(1, 0, 3), (1, 4, 7), (1, 8, 11), (2, 4, 7)]
    assert spans([*alone, *both, *again]) == cut
    apart = [observed(index, [2, 1], [AWAY, HERE]) for index in range(4, 8)]
    assert spans([*alone, *apart, *again]) == [(1, 0, 11), (2, 4, 7)]


@pytest.mark.parametrize(
    ("sightings", "box", "double"),
    [
        (7, [10.0, 0, 40, 50], True),
        (8, [10.0, 0, 40, 50], False),
        (7, BESIDE, True),
        (7, AWAY, False),
    ],
    ids=["a part of somebody", "seen often enough", "half in somebody's box", "apart"],
)
def test_a_second_box_on_somebody_for_a_few_frames_is_no_person(
    sightings: int, box: list[float], double: bool
) -> None:
    clip = [observed(index, [1], [HERE]) for index in range(20)]
    clip[3 : 3 + sightings] = [
        observed(index, [2, 1], [box, HERE]) for index in range(3, 3 + sightings)
    ]
    judged = {
        int(clip[p.frames[0]].poses.ids[p.rows[0]]): is_double(clip, p)
        for p in cut_pieces(clip, 0.2)
        if p.frames[0] == 3
    }
    assert judged[2] is double


def test_where_nothing_speaks_for_another_the_online_choice_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(known: Tracks, *_: object) -> np.ndarray:
        return np.zeros(len(known))

    monkeypatch.setattr(linking, "_surplus_nearby", nothing)
    monkeypatch.setattr(linking, "_surplus_by_looks", nothing)
    clip = []
    for index in range(20):
        beside: list[Person] = [(118.0, RED)] if index >= 8 else []
        clip.append(frame_of(index, [(100.0, GREEN), *beside]))
    tracker = OnlineTracker()
    online = [tracker.update(*item).ids.tolist() for item in clip]
    assert [poses.ids.tolist() for poses in track_clip(clip)][10:] == online[10:] == [[1, 2]] * 10


def test_somebody_whose_clothes_show_late_is_known_again_from_the_first_sighting_on() -> None:
    """Online they are new: while they come back nothing of their clothes is to be seen."""
    clip = []
    for index in range(150):
        people: list[Person] = [(320.0, GREEN)]
        if index < 30:
            people.append((100.0 + 2 * index, RED))
        elif index >= 120:  # the first frames show the wall's colour in their place
            people.append((160.0 + 2 * (index - 120), GREY if index < 123 else RED))
        clip.append(frame_of(index, people))
    tracker = OnlineTracker()
    online = [tracker.update(*item).ids.tolist() for item in clip]
    offline = [poses.ids.tolist() for poses in track_clip(clip)]
    assert online[0] == offline[0] == [1, 2]
    assert online[149] == [1, 3]
    assert offline[120:] == [[1, 2]] * 30


def test_walkers_who_are_missed_are_exchanged_no_more_often_than_online(
    walkers: ModuleType, identity_scores: ModuleType
) -> None:
    rng = np.random.default_rng(3)
    truth, clip = [], []
    for frame, poses in walkers.WalkerScene(8, 60, 640, 360, seed=4).clip():
        truth.append(poses)
        found = walkers.disturb(poses, rng, 0.2, 0.02)
        clip.append((frame, found.with_ids(found.ids * 0)))
    tracker = OnlineTracker()
    online = [tracker.update(*item) for item in clip]
    offline = track_clip(clip)
    score = identity_scores.score_identities
    assert score(truth, offline).switches <= score(truth, online).switches
    assert [len(poses) for poses in offline] == [len(poses) for poses in online]


def test_nobody_in_a_clip_and_no_clip() -> None:
    assert track_clip([]) == []
    assert [len(poses) for poses in track_clip([frame_of(0, []), frame_of(1, [])])] == [0, 0]
