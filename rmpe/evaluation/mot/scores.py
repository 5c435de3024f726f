"""All MOTChallenge figures of one clip, and their printout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmpe.evaluation.mot._boxes import MotBoxes, read_mot_boxes, read_people
from rmpe.evaluation.mot._clear import score_clear
from rmpe.evaluation.mot._frames import pair_frames
from rmpe.evaluation.mot._hota import score_hota
from rmpe.evaluation.mot._identity import score_identity

_PERCENT = ("hota", "deta", "assa", "idf1", "mota")
_COUNTS = ("switches", "fragments", "misses", "false", "truths", "identities", "people")


@dataclass(frozen=True)
class MotScores:
    """The figures of one clip; the first five are shares, 1 is best."""

    hota: float
    """Mean over overlaps of 0.05 to 0.95."""
    deta: float
    """Its half about finding people."""
    assa: float
    """Its half about keeping identities."""
    idf1: float
    """Boxes under each person's one best identity, as an F score."""
    mota: float
    """1 - (misses + false + switches) / truths."""
    switches: int
    """Changes of identity, however long somebody was away."""
    fragments: int
    """How often somebody was found again after a miss."""
    misses: int
    """True boxes that were not found."""
    false: int
    """Predicted boxes that are nobody."""
    truths: int
    """True boxes."""
    identities: int
    """Predicted identities."""
    people: int
    """True identities."""

    def to_json(self) -> dict[str, Any]:
        """Return the scores for a file, shares in per cent."""
        shares = {name: 100 * getattr(self, name) for name in _PERCENT}
        return shares | {name: getattr(self, name) for name in _COUNTS}

    def table(self) -> list[str]:
        """Return the printout: a line of names and a line of figures."""
        cells = [f"{100 * getattr(self, name):.1f}" for name in _PERCENT]
        cells += [str(getattr(self, name)) for name in _COUNTS]
        names = [name.upper() if name in _PERCENT else name for name in (*_PERCENT, *_COUNTS)]
        widths = [max(len(name), len(cell)) for name, cell in zip(names, cells)]
        return [
            "  ".join(f"{word:>{width}}" for word, width in zip(row, widths))
            for row in (names, cells)
        ]


def score_mot(truth: MotBoxes, predictions: MotBoxes, threshold: float = 0.5) -> MotScores:
    """Return the figures of boxes with identities against the true ones.

    Args:
        truth: true boxes.
        predictions: predicted boxes.
        threshold: overlap (IoU) from which boxes match, for all but HOTA.
    """
    clip = pair_frames(truth, predictions)
    hota = score_hota(clip)
    clear = score_clear(clip, threshold)
    return MotScores(
        hota=float(hota.hota.mean()),
        deta=float(hota.detection.mean()),
        assa=float(hota.association.mean()),
        idf1=score_identity(clip, threshold),
        mota=clear.mota,
        switches=len(clear.switches),
        fragments=clear.fragments,
        misses=clear.misses,
        false=clear.false,
        truths=clip.truths,
        identities=len(clip.found_lengths),
        people=len(clip.truth_lengths),
    )


def evaluate_mot(
    truth: str | Path, predictions: str | Path, people: str | Path | None = None
) -> MotScores:
    """Return the figures of a file of predictions against a MOTChallenge truth.

    Args:
        truth: ``gt.txt``, or stored poses with true identities.
        predictions: MOTChallenge text or stored poses in any format, with identities.
        people: file of true identities that are one person; see
            :func:`~rmpe.evaluation.mot._boxes.read_people`.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a file is malformed.
    """
    true = read_mot_boxes(truth, truth=True)
    if people is not None:
        true = true.with_people(read_people(people))
    return score_mot(true, read_mot_boxes(predictions))
