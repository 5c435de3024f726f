"""`track --explain`: the table of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipeline.engine.stats import aligned
from rmpe_cli.terminal.wrong_use import WrongUseError

if TYPE_CHECKING:
    from pipeline.readers import Reader
    from rmpe.formats import PoseReader
    from tracking import TrackerParameters
    from tracking.following import Candidate, Explanation, Reasons

_TERMS = ("place", "height", "joints", "matches", "colours", "absence")
_FAR_NATS = -10.0


def print_explanation(reader: Reader, stored: PoseReader, index: int, quiet: bool) -> None:
    """Print why the people of one frame of stored poses are who they are."""
    from pipeline.stored.retrack import explain_frame
    from rmpe_cli.terminal.progress import frame_bar
    from tracking import DEFAULT

    try:
        with frame_bar(index + 1, quiet) as bar:
            found = explain_frame(
                reader, stored, index, parameters=DEFAULT, on_frame=lambda _: bar.update()
            )
    except IndexError as error:
        raise WrongUseError(str(error)) from error
    for line in explanation_table(index, found, DEFAULT):
        click.echo(line)


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
        lines = aligned([head, *map(_row, near)], (0, len(head) - 1))
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
