"""CLEAR MOT: misses, false boxes, switches of identity, fragments.

Source: Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT
Metrics", 2008, with the conventions of TrackEval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from rmpe.evaluation.mot._frames import ROUNDING, IntArray, PairedClip, PairedFrame

_KEPT = 1000.0
_NOBODY = -1


@dataclass(frozen=True)
class Switch:
    """One change of identity."""

    frame: int
    """Place in the frames of the clip that have boxes."""
    truth: int
    """Row of the true identity."""
    before: int
    """Row of the predicted identity it had last."""
    now: int
    """Row of the one it has now."""


@dataclass(frozen=True)
class ClearScores:
    """Counts of a clip."""

    matches: int
    """True boxes that were found."""
    misses: int
    """True boxes that were not."""
    false: int
    """Predicted boxes that are nobody."""
    switches: tuple[Switch, ...]
    """Matches under another identity than the true one had last, however long ago."""
    fragments: int
    """How often true identities were found again after they had not been."""

    @property
    def mota(self) -> float:
        """1 - (misses + false + switches) / truths; 0 where there are no truths."""
        truths = self.matches + self.misses
        if truths == 0:
            return 0.0
        return (self.matches - self.false - len(self.switches)) / truths


def score_clear(clip: PairedClip, threshold: float) -> ClearScores:
    """Return the counts of a clip; boxes match from an overlap of ``threshold`` on."""
    people = len(clip.truth_lengths)
    last = np.full(people, _NOBODY)
    current = np.full(people, _NOBODY)
    begun = np.zeros(people, np.int64)
    matches, switches = 0, []
    for place, frame in enumerate(clip.frames):
        if frame.overlaps.size == 0:
            # TrackEval: such frames neither end what is being found nor count as a gap
            continue
        rows, columns = _match(frame, current, threshold)
        truths, found = frame.truths[rows], frame.found[columns]
        changed = (last[truths] != _NOBODY) & (last[truths] != found)
        switches += [
            Switch(place, int(truth), int(last[truth]), int(now))
            for truth, now in zip(truths[changed], found[changed])
        ]
        begun[truths] += current[truths] == _NOBODY
        last[truths] = found
        current[:] = _NOBODY
        current[truths] = found
        matches += len(truths)
    fragments = int(np.maximum(begun - 1, 0).sum())
    return ClearScores(
        matches, clip.truths - matches, clip.found - matches, tuple(switches), fragments
    )


def _match(frame: PairedFrame, current: IntArray, threshold: float) -> tuple[IntArray, IntArray]:
    """Return rows and columns of the pairs: those that hold on first, then the best overlaps."""
    values = _KEPT * (current[frame.truths][:, None] == frame.found) + frame.overlaps
    values[frame.overlaps < threshold - ROUNDING] = 0.0
    rows, columns = linear_sum_assignment(values, maximize=True)
    good = values[rows, columns] > ROUNDING
    return rows[good].astype(np.int64), columns[good].astype(np.int64)
