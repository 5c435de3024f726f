"""New and old identities from similarities."""

from __future__ import annotations

import numpy as np

from tracking import POSEFLOW_REFERENCE
from tracking.matching import no_correspondences
from tracking.poseflow.assignment import give_ids
from tracking.poseflow.linking import Linker
from tracking.similarity import People, describe_people

SIZE = (640, 480)


def standing(*places: float) -> People:
    offsets = np.array([[0, 0], [20, 40], [-20, 80], [10, 120]])
    joints = [offsets + [x, 100] for x in places]
    return describe_people(np.reshape(joints, (-1, 4, 2)), *SIZE, POSEFLOW_REFERENCE)


def test_the_largest_sum_wins_and_only_then_the_limit_counts() -> None:
    similarities = [[1.0, 0.9], [0.9, 0.2]]  # 0.9 + 0.9 > 1.0 + 0.2
    assert give_ids(similarities, [5, 9], 0.2, 9).tolist() == [9, 5]
    # the assignment pairs (0, 0) and (1, 1); 0.2 is not above 0.2
    assert give_ids([[1.0, 0.0], [0.0, 0.2]], [5, 9], 0.2, 9).tolist() == [5, 10]


def test_unmatched_people_get_the_next_ids_in_list_order() -> None:
    assert give_ids([[0.0, 3.0, 0.0]], [2], 0.2, 7).tolist() == [8, 2, 9]
    assert give_ids(np.zeros((0, 3)), [], 0.2, 0).tolist() == [1, 2, 3]


def test_a_person_stays_a_candidate_for_exactly_the_window() -> None:
    from dataclasses import replace

    for absent, expected in [(2, 1), (3, 2)]:
        linker = Linker(replace(POSEFLOW_REFERENCE, link_frames=3))
        assert linker.link(standing(100), no_correspondences(), SIZE).tolist() == [1]
        for _ in range(absent):
            linker.link(standing(), no_correspondences(), SIZE)
        assert linker.link(standing(100), no_correspondences(), SIZE).tolist() == [expected]


def test_an_empty_frame_makes_nobody_up_and_loses_nobody() -> None:
    linker = Linker(POSEFLOW_REFERENCE)
    linker.link(standing(100, 400), no_correspondences(), SIZE)
    assert linker.link(standing(), no_correspondences(), SIZE).tolist() == []
    assert linker.link(standing(400, 100), no_correspondences(), SIZE).tolist() == [2, 1]


def test_identical_poses_are_different_people_and_stay_so() -> None:
    linker = Linker(POSEFLOW_REFERENCE)
    for _ in range(4):
        ids = linker.link(standing(200, 200, 200), no_correspondences(), SIZE)
        assert sorted(ids.tolist()) == [1, 2, 3]
