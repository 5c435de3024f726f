"""Whose box ends where somebody nearer hides the rest of them."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.records import Frame, Poses
from tracking import OnlineTracker

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
BEHIND = (300.0, 100.0)


def people(places: list[tuple[float, float]], ends: list[float], scores: list[float]) -> Poses:
    """People in boxes that end at these rows; joints below them are guessed, and count little."""
    joints = np.reshape(places, (-1, 1, 2)) + SHAPE
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
    boxes[:, 3] = ends
    shown = joints[..., 1] <= np.reshape(ends, (-1, 1))
    count = len(joints)
    return Poses(
        boxes, np.array(scores), joints, 0.2 + 0.8 * shown, np.ones(count), np.zeros(count)
    )


def frame(index: int) -> Frame:
    return Frame(index, index / 25, np.full((360, 640, 3), 127, np.uint8))


def after_both_were_seen(before: tuple[float, float], end: float) -> OnlineTracker:
    """A tracker that has seen one person, and another whose box ends at a row, for ten frames."""
    tracker = OnlineTracker()
    for index in range(10):
        tracker.update(frame(index), people([BEHIND, before], [200.0, end], [0.9, 0.9]))
    return tracker


def test_the_head_above_somebody_nearer_is_that_of_who_stood_there() -> None:
    tracker = after_both_were_seen((330.0, 150.0), 250.0)
    nearer = (310.0, 150.0)
    found = people([BEHIND, nearer], [145.0, 250.0], [0.4, 0.9])
    assert tracker.update(frame(10), found).ids.tolist() == [1, 2]
    # the rest of them is still known: they are expected as tall as before
    assert tracker._following.tracks is not None
    assert tracker._following.tracks.heights_px.tolist() == pytest.approx([100.0, 100.0])


def test_somebody_nearer_hides_others_also_when_they_are_not_found() -> None:
    tracker = after_both_were_seen((310.0, 150.0), 250.0)
    found = people([BEHIND], [145.0], [0.4])
    assert tracker.update(frame(10), found).ids.tolist() == [1]


@pytest.mark.parametrize(
    ("before", "end"),
    [
        ((500.0, 150.0), 250.0),  # beside, hides nothing
        ((310.0, 105.0), 205.0),  # reaches no further down
    ],
)
def test_a_short_box_that_nobody_hides_is_no_head(before: tuple[float, float], end: float) -> None:
    tracker = after_both_were_seen(before, end)
    found = people([BEHIND, before], [145.0, end], [0.4, 0.9])
    assert tracker.update(frame(10), found).ids.tolist() == [0, 2]


def test_a_box_a_little_shorter_is_a_person_seen_whole() -> None:
    tracker = after_both_were_seen((310.0, 150.0), 250.0)
    for index in range(10, 40):
        found = people([BEHIND, (310.0, 150.0)], [194.0, 250.0], [0.9, 0.9])
        tracker.update(frame(index), found)
    assert tracker._following.tracks is not None
    heights = dict(
        zip(tracker._following.tracks.ids.tolist(), tracker._following.tracks.heights_px)
    )
    assert heights[1] == pytest.approx(94.0, abs=0.5)
