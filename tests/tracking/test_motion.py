"""Cuts told from people who move much in a picture that stays as it is."""

from __future__ import annotations

import numpy as np

from tracking.motion import glance_at, looks_cut


def ground(seed: int) -> np.ndarray:
    patches = np.random.default_rng(seed).integers(60, 200, (9, 16, 1), np.uint8)
    return np.repeat(np.kron(patches, np.ones((40, 40, 1), np.uint8)), 3, 2)


def test_another_place_looks_cut_and_people_who_moved_do_not() -> None:
    before, after = ground(0), ground(0)
    for index in range(8):
        before[200:260, 60 * index : 60 * index + 20] = 20
        after[200:260, 60 * index + 30 : 60 * index + 50] = 20
    assert not looks_cut(glance_at(before), glance_at(after))
    assert looks_cut(glance_at(before), glance_at(ground(1)))


def test_an_even_picture_is_not_cut_from_itself() -> None:
    even = np.full((4, 6, 3), 90, np.uint8)
    assert not looks_cut(glance_at(even), glance_at(even))
