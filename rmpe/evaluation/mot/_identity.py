"""IDF1: how much of the truth is covered by the one best identity of each person.

Source: Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera
Tracking", 2016.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from rmpe.evaluation.mot._frames import PairedClip


def score_identity(clip: PairedClip, threshold: float) -> float:
    """Return IDF1; boxes match from an overlap of ``threshold`` on, without exclusion."""
    together = np.zeros((len(clip.truth_lengths), len(clip.found_lengths)))
    for frame in clip.frames:
        together[np.ix_(frame.truths, frame.found)] += frame.overlaps >= threshold
    # Leaving two identities unpaired costs all boxes of both, pairing them 2 * together less, so
    # the cheapest pairing is the one with the most boxes together.
    rows, columns = linear_sum_assignment(together, maximize=True)
    right = together[rows, columns].sum()
    return float(2 * right / max(clip.truths + clip.found, 1))
