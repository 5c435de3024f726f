"""Why the people of a frame are who they are: candidates, what each term said, the choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.likelihood import Sighting, Similarity
from tracking.parameters import FloatArray, TrackerParameters
from tracking.reidentification import ReturnEvidence
from tracking.tracks import IntArray, Tracks

NOBODY = -1
"""Row of the known person that somebody new is."""
_IN_SIGHT = "fits somebody in sight better"


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why the people of the latest frame got their identities."""

    known_ids: IntArray
    """Identities of those known before it, 0 for those who waited for one, (N,)."""
    compared: IntArray
    """Rows of those who were compared by place, (C,)."""
    similarity: Similarity
    """Their similarity with the people of the frame, (C, M)."""
    counted: FloatArray
    """What the assignment made of its sum: of a doubtful box size and place must agree, (C, M)."""
    absent: IntArray
    """Rows of those out of sight who could have returned, (A,)."""
    new: IntArray
    """People of the frame who could have been one of them, (B,)."""
    returning: ReturnEvidence
    """How well these fit each other, (A, B)."""
    matched: IntArray
    """Row of the known person that each person of the frame is, -1 for nobody, (M,)."""
    returned: NDArray[np.bool_]
    """Who was known again by appearance, (M,)."""
    ids: IntArray
    """Identities of the people of the frame, 0 for those who wait for one, (M,)."""
    sightings: IntArray
    """How often each has been seen, (M,)."""
    shares: FloatArray
    """How likely each box is theirs rather than that of somebody hidden, (M,)."""
    seen: Sighting
    """The people of the frame, M."""
    now: Tracks
    """How they are known after it, M."""
    camera: FloatArray
    """The camera's motion since the frame before, (2, 3)."""


@dataclass(frozen=True)
class Candidate:
    """Somebody known beside one person of the frame."""

    known_id: int
    """Their identity; 0: they wait for one."""
    by_appearance: bool
    """Whether they were out of sight and are compared by appearance, size and place."""
    terms: dict[str, float]
    """What each term that was asked said, nats."""
    counted: float
    """What the assignment took as their sum, nats."""
    verdict: str
    """Chosen, or why not."""

    @property
    def total(self) -> float:
        """Sum of the terms, nats."""
        return sum(self.terms.values())


@dataclass(frozen=True)
class Reasons:
    """One person of the frame."""

    box_xyxy: tuple[float, float, float, float]
    """The box, pixels."""
    score: float
    """Its confidence."""
    outcome: str
    """Who they are, and whether they are new or wait."""
    candidates: tuple[Candidate, ...]
    """Everybody whom they were compared with, the best first."""


def reasons_of(explanation: Explanation, parameters: TrackerParameters) -> list[Reasons]:
    """Return why each person of the frame is who they are, in the frame's order.

    Args:
        explanation: of that frame.
        parameters: the rules by which it was tracked.
    """
    seen = explanation.seen
    return [
        Reasons(
            tuple(seen.boxes_xyxy[person].tolist()),
            float(seen.box_scores[person]),
            _outcome(explanation, person, parameters),
            tuple(
                sorted(
                    [
                        *_by_place(explanation, person, parameters),
                        *_by_looks(explanation, person, parameters),
                    ],
                    key=lambda candidate: -candidate.counted,
                )
            ),
        )
        for person in range(len(seen))
    ]


def _outcome(explanation: Explanation, person: int, parameters: TrackerParameters) -> str:
    identity = int(explanation.ids[person])
    row = int(explanation.matched[person])
    sightings = int(explanation.sightings[person])
    if explanation.returned[person]:
        return f"identity {identity}, known again"
    if row != NOBODY and explanation.known_ids[row] > 0:
        share = float(explanation.shares[person])
        doubt = f", {share:.0%} sure: keeps place and pose" if share < parameters.sure_share else ""
        return f"identity {identity}{doubt}"
    if identity > 0:
        return f"new: identity {identity}" + (f" at sighting {sightings}" if row != NOBODY else "")
    if not explanation.seen.own[person]:
        why = "has the pose of another box"
    elif explanation.seen.box_scores[person] < parameters.sure_score:
        why = f"scores below {parameters.sure_score:g}"
    else:
        why = "shares the box of another"
    return f"waits: {why}, sighting {sightings} of {parameters.wait_sightings}"


def _by_place(
    explanation: Explanation, person: int, parameters: TrackerParameters
) -> list[Candidate]:
    similarity = explanation.similarity
    return [
        Candidate(
            int(explanation.known_ids[row]),
            False,
            {
                "place": float(similarity.place[index, person]),
                "height": float(similarity.height[index, person]),
                "joints": float(similarity.joints[index, person]),
                "matches": float(similarity.features[index, person]),
                "colours": float(similarity.colours[index, person]),
                "absence": float(similarity.absence[index, person]),
            },
            float(explanation.counted[index, person]),
            _verdict(explanation, index, person, parameters),
        )
        for index, row in enumerate(explanation.compared.tolist())
    ]


def _verdict(
    explanation: Explanation, index: int, person: int, parameters: TrackerParameters
) -> str:
    """Return whether a person is who was compared ``index``-th by place, or why not."""
    row = int(explanation.compared[index])
    mine = int(explanation.matched[person])
    if mine == row and not explanation.returned[person]:
        return "chosen"
    if explanation.counted[index, person] <= parameters.least_nats:
        return f"below {parameters.least_nats:g}"
    scores = explanation.seen.box_scores
    takers = np.flatnonzero(explanation.matched == row).tolist()
    if takers and scores[takers[0]] >= parameters.sure_score > scores[person]:
        return f"better elsewhere: person {takers[0]}, who is sure"
    if takers:
        return f"better elsewhere: person {takers[0]}"
    if mine != NOBODY:
        return "another fits better"
    in_sight = explanation.returning.in_sight[explanation.new == person]
    if (explanation.counted[index, person] < in_sight).any():
        return _IN_SIGHT
    return "others fit better together"


def _by_looks(
    explanation: Explanation, person: int, parameters: TrackerParameters
) -> list[Candidate]:
    places = np.flatnonzero(explanation.new == person).tolist()
    return [
        Candidate(
            int(explanation.known_ids[row]),
            True,
            {
                "place": float(explanation.returning.places[index, place]),
                "colours": float(explanation.returning.colours[index, place]),
            },
            float(explanation.returning.total[index, place]),
            _verdict_by_looks(explanation, index, place, parameters),
        )
        for place in places
        for index, row in enumerate(explanation.absent.tolist())
    ]


def _verdict_by_looks(
    explanation: Explanation, index: int, place: int, parameters: TrackerParameters
) -> str:
    """Return whether the ``place``-th of the new is the ``index``-th of the absent, or why not."""
    reid = parameters.reid
    assert reid is not None
    evidence = explanation.returning
    if explanation.matched[explanation.new[place]] == explanation.absent[index]:
        return "chosen: known again"
    if evidence.total[index, place] <= reid.needed_evidence:
        return f"below {reid.needed_evidence:g}"
    if evidence.colours[index, place] <= evidence.needed_colours[place]:
        return f"colours below {evidence.needed_colours[place]:g}"
    if evidence.total[index, place] <= evidence.in_sight[place]:
        return _IN_SIGHT
    if not evidence.leads[index, place]:
        return f"no lead of {reid.needed_margin:g} over all others"
    return "better elsewhere"
