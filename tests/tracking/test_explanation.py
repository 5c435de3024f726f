"""Why people are who they are: a frame made by hand, and one that was tracked."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rmpe.records import Frame, Poses
from rmpe_cli.explaining import explanation_table
from tracking import DEFAULT, OnlineTracker
from tracking.appearance import unknown_appearance
from tracking.following import Explanation, reasons_of
from tracking.likelihood import Sighting, Similarity
from tracking.motion import still_camera
from tracking.reidentification import ReturnEvidence
from tracking.similarity import People
from tracking.tracks import Tracks

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)


def five_people() -> Explanation:
    """Known are 7, 8, somebody waiting, 9 and 10; 9 and 10 are out of sight, 10 long since.

    Persons 0 and 1 both look like 7, person 2, doubtful, like 8 whom person 1 is not, person 3 like
    nobody near but like 9, and person 4, doubtful, is the one who waits.
    """
    place = np.full((4, 5), -20.0)
    place[0, :3] = 9.0, 8.0, 7.0
    place[1, 1:3] = 3.0, 0.5
    place[2, 4] = 4.0
    place[3, 3] = 0.9
    height = np.zeros((4, 5))
    height[1, 2] = -1.0
    joints = np.zeros((4, 5))
    joints[1, 2] = 5.0
    nothing = np.zeros((4, 5))
    similarity = Similarity(place, height, joints, nothing, nothing, nothing)
    counted = similarity.total
    counted[1, 2] = -0.5
    boxes = np.tile([0.0, 0.0, 10.0, 20.0], (5, 1)) + 100 * np.arange(5)[:, None]
    people = People(np.zeros((5, 1, 2)), boxes, np.ones((5, 1), bool), np.ones(5))
    scores = np.array([0.9, 0.9, 0.4, 0.9, 0.4])
    return Explanation(
        known_ids=np.array([7, 8, 0, 9, 10]),
        compared=np.array([0, 1, 2, 3]),
        similarity=similarity,
        counted=counted,
        absent=np.array([3, 4]),
        new=np.array([2, 3]),
        returning=ReturnEvidence(
            np.array([[-2.0, 3.0], [0.5, 2.0]]),
            np.array([[1.0, 1.5], [3.0, 0.0]]),
            np.array([[False, True], [True, False]]),
            np.array([1.0, 1.0]),
            2.5,
            np.full(2, -np.inf),
        ),
        matched=np.array([0, 1, -1, 3, 2]),
        returned=np.array([False, False, False, True, False]),
        ids=np.array([7, 8, 0, 9, 0]),
        sightings=np.array([5, 5, 1, 5, 2]),
        shares=np.array([1.0, 1.0, 1.0, 0.5, 1.0]),
        seen=Sighting(
            people, boxes, scores, np.ones((5, 1)), unknown_appearance(5, 1), np.ones(5, bool)
        ),
        now=Tracks.empty(1),
        camera=still_camera(),
    )


def test_every_pair_has_its_sum_and_the_reason_of_the_choice() -> None:
    people = reasons_of(five_people(), DEFAULT)
    assert [person.outcome for person in people] == [
        "identity 7",
        "identity 8",
        "waits: scores below 0.6, sighting 1 of 3",
        "identity 9, known again",
        "waits: scores below 0.6, sighting 2 of 3",
    ]
    told = [
        {
            (c.known_id, c.by_appearance): (c.total, c.counted, c.verdict)
            for c in person.candidates
            if c.counted > -10
        }
        for person in people
    ]
    assert told == [
        {(7, False): (9.0, 9.0, "chosen")},
        {
            (7, False): (8.0, 8.0, "better elsewhere: person 0"),
            (8, False): (3.0, 3.0, "chosen"),
        },
        {
            (7, False): (7.0, 7.0, "better elsewhere: person 0, who is sure"),
            # 0.5 of place, -1 of height and 5 of joints; size and place alone speak against it
            (8, False): (4.5, -0.5, "below 1"),
            (9, True): (-1.0, -1.0, "below 2.5"),
            (10, True): (3.5, 3.5, "colours below 1"),
        },
        {
            (9, False): (0.9, 0.9, "below 1"),
            (9, True): (4.5, 4.5, "chosen: known again"),
            (10, True): (2.0, 2.0, "below 2.5"),
        },
        {(0, False): (4.0, 4.0, "chosen")},
    ]


def test_the_table_shows_each_term_and_only_counts_the_hopeless() -> None:
    lines = explanation_table(12, five_people(), DEFAULT)
    assert lines[0].startswith("frame 12: 5 people, 5 known before")
    start = lines.index("person 2, box 200 200 210 220, score 0.40 -> " + waits(1))
    assert [" ".join(line.split()) for line in lines[start + 1 : start + 8]] == [
        "candidate place height joints matches colours absence sum counts",
        "7 7.0 0.0 0.0 0.0 0.0 0.0 7.0 7.0 better elsewhere: person 0, who is sure",
        "10 by appearance 3.0 0.5 3.5 3.5 colours below 1",
        "8 0.5 -1.0 5.0 0.0 0.0 0.0 4.5 -0.5 below 1",
        "9 by appearance 1.0 -2.0 -1.0 -1.0 below 2.5",
        "2 more below -10",
        "",
    ]


def waits(sighting: int) -> str:
    return f"waits: scores below 0.6, sighting {sighting} of 3"


def tracked(scores: list[list[float]]) -> Explanation:
    """People who stand 300 px apart, frame by frame with these scores; colours are not asked."""
    tracker = OnlineTracker(replace(DEFAULT, reid=None))
    for index, row in enumerate(scores):
        count = len(row)
        joints = np.array([[100.0 + 300 * n, 100.0] for n in range(count)])[:, None] + SHAPE
        boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
        ones = np.ones(count)
        poses = Poses(boxes, row, joints, np.ones((count, 6)), ones, np.zeros(count))
        tracker.update(Frame(index, index / 25, np.full((360, 640, 3), 127, np.uint8)), poses)
    assert tracker.explanation is not None
    return tracker.explanation


def test_who_stands_still_fits_by_the_formula_of_heights() -> None:
    person = reasons_of(tracked([[0.9], [0.9]]), DEFAULT)[0]
    (candidate,) = person.candidates
    # both densities at 0: of the same person within a 25th of a second, and of others
    same = 0.12**2 + (0.1 / 25) ** 2
    ratio = math.sqrt((same + 0.35**2) / same)
    assert candidate.terms["height"] == pytest.approx(math.log(0.9 * ratio + 0.1))
    assert candidate.terms["matches"] == candidate.terms["colours"] == 0.0
    assert candidate.terms["absence"] == 0.0
    assert candidate.total == pytest.approx(candidate.counted)
    assert (person.outcome, candidate.verdict) == ("identity 1", "chosen")


def test_it_is_told_who_is_new_and_who_waits() -> None:
    outcomes = [
        [person.outcome for person in reasons_of(tracked(scores), DEFAULT)]
        for scores in (
            [[0.9, 0.9]],
            [[0.9], [0.9, 0.3]],
            [[0.9], [0.9, 0.3], [0.9, 0.3], [0.9, 0.3]],
        )
    ]
    assert outcomes == [
        ["new: identity 1", "new: identity 2"],
        ["identity 1", waits(1)],
        ["identity 1", "new: identity 2 at sighting 3"],
    ]
