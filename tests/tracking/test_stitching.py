"""Identities of two parts of a clip, matched over the frames that both have seen."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.records import Poses
from tracking import match_identities

SIZE = (400, 200)


def people(places: list[tuple[float, float]], ids: list[int]) -> Poses:
    """People of five joints, 40 px tall, at places (x, y)."""
    body = np.array([[0, 0], [8, 10], [-8, 10], [6, 40], [-6, 40]], np.float32)
    points = np.array(places, np.float32).reshape(-1, 1, 2) + body
    boxes = np.concatenate([points.min(1), points.max(1)], 1)
    count = len(places)
    return Poses(boxes, np.ones(count), points, np.ones((count, 5)), np.ones(count), ids)


def test_people_are_matched_by_place_whatever_their_numbers_and_order() -> None:
    earlier = [people([(50 + t, 40), (120, 40), (200, 90)], [4, 9, 2]) for t in range(5)]
    later = [people([(200, 90), (50 + t, 40), (120, 40)], [1, 2, 3]) for t in range(5)]
    assert match_identities(earlier, later, SIZE) == {1: 2, 2: 4, 3: 9}


def test_the_latest_frame_decides_where_a_part_changed_its_mind() -> None:
    earlier = [people([(50, 40)], [7])] * 6
    later = [people([(50, 40)], [1])] * 4 + [people([(50, 40)], [2])] * 2
    assert match_identities(earlier, later, SIZE) == {2: 7}


def test_people_seen_by_one_part_only_and_no_people_at_all() -> None:
    earlier = [people([(50, 40)], [3]), people([], [])]
    later = [people([(300, 100)], [1]), people([(50, 40)], [2])]
    assert match_identities(earlier, later, SIZE) == {}
    assert match_identities([], [], SIZE) == {}
    nobody = [Poses.empty(5)] * 3
    assert match_identities(nobody, nobody, SIZE) == {}


def test_people_without_identity_are_left_out() -> None:
    one = [people([(50, 40), (120, 40)], [0, 5])]
    other = [people([(50, 40), (120, 40)], [1, 0])]
    assert match_identities(one, other, SIZE) == {}
    assert match_identities(one, one, SIZE) == {5: 5}


def test_parts_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="share 1 and 0 frames"):
        match_identities([Poses.empty(5)], [], SIZE)
