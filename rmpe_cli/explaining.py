"""`track --explain`: the table of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracking import TrackerParameters
    from tracking.following import Candidate, Explanation, Reasons

_TERMS = ("place", "height", "joints", "matches", "colours", "absence")
_FAR_NATS = -10.0


def explanation_table(
    index: int, explanation: Explanation, parameters: TrackerParameters
) -> list[str]:
    """Return the lines that say why the people of a frame are who they are.

    Args:
        index: of the frame.
        explanation: of it.
        parameters: the rules by which it was tracked.
    """
    from tracking.following import reasons_of

    people = reasons_of(explanation, parameters)
    known = len(explanation.known_ids)
    lines = [
        f"frame {index}: {len(people)} people, {known} known before; terms in nats, more than "
        f"{parameters.least_nats:g} makes somebody who they were"
    ]
    for row, person in enumerate(people):
        box = " ".join(f"{value:.0f}" for value in person.box_xyxy)
        lines += ["", f"person {row}, box {box}, score {person.score:.2f} -> {person.outcome}"]
        lines += _candidates(person)
    return lines


def _candidates(person: Reasons) -> list[str]:
    """Return the table of those whom a person was compared with, the hopeless only counted."""
    near = [
        candidate
        for candidate in person.candidates
        if candidate.counted > _FAR_NATS or candidate.verdict.startswith("chosen")
    ]
    far = len(person.candidates) - len(near)
    lines = []
    if near:
        head = ("  candidate", *_TERMS, "sum", "counts", "")
        lines = _aligned([head, *(_row(candidate) for candidate in near)])
    if far:
        lines.append(f"  {far} {'more' if near else 'known'} below {_FAR_NATS:g}")
    return lines


def _row(candidate: Candidate) -> Sequence[str]:
    name = str(candidate.known_id) if candidate.known_id else "waits"
    said = (candidate.terms.get(term) for term in _TERMS)
    return (
        f"  {name} by appearance" if candidate.by_appearance else f"  {name}",
        *("" if nats is None else _rounded(nats) for nats in said),
        _rounded(candidate.total),
        _rounded(candidate.counted),
        candidate.verdict,
    )


def _rounded(nats: float) -> str:
    return f"{round(nats, 1) + 0.0:.1f}"  # no minus before a zero


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column in (0, len(row) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
