"""HOTA: finding people and keeping their identities, in one figure.

Source: Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV
2020; the mean over overlaps of 0.05, 0.10, ..., 0.95.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from rmpe.evaluation.mot._frames import ROUNDING, FloatArray, PairedClip

OVERLAPS = np.arange(0.05, 0.99, 0.05)
"""Localisation thresholds alpha that HOTA is the mean over, .05 to .95."""


@dataclass(frozen=True, eq=False)
class HotaScores:
    """One value for every overlap of :data:`OVERLAPS`, (19,)."""

    hota: FloatArray
    """Geometric mean of the two others."""
    detection: FloatArray
    """DetA: matches over matches, misses and false boxes."""
    association: FloatArray
    """AssA: the same for the identities of each match, averaged over the matches."""


def score_hota(clip: PairedClip) -> HotaScores:
    """Return HOTA, DetA and AssA of a clip."""
    alignment = _alignment(clip)
    counts = np.zeros((len(OVERLAPS), *alignment.shape))
    for frame in clip.frames:
        if frame.overlaps.size == 0:
            continue
        values = alignment[np.ix_(frame.truths, frame.found)] * frame.overlaps
        rows, columns = linear_sum_assignment(values, maximize=True)
        good = frame.overlaps[rows, columns] >= OVERLAPS[:, None] - ROUNDING
        counts[:, frame.truths[rows], frame.found[columns]] += good
    matches = counts.sum((1, 2))
    detection = matches / np.maximum(clip.truths + clip.found - matches, 1)
    lengths = clip.truth_lengths[:, None] + clip.found_lengths
    shares = counts / np.maximum(lengths - counts, 1)
    association = (counts * shares).sum((1, 2)) / np.maximum(matches, 1)
    return HotaScores(np.sqrt(detection * association), detection, association)


def _alignment(clip: PairedClip) -> FloatArray:
    """Return how well each true identity and predicted one agree over the whole clip, (I, J)."""
    together = np.zeros((len(clip.truth_lengths), len(clip.found_lengths)))
    for frame in clip.frames:
        overlaps = frame.overlaps
        # each overlap counts by its share of all overlaps of both boxes
        total = overlaps.sum(0) + overlaps.sum(1)[:, None] - overlaps
        shares = np.where(total > ROUNDING, overlaps / np.maximum(total, ROUNDING), 0.0)
        together[np.ix_(frame.truths, frame.found)] += shares
    apart = clip.truth_lengths[:, None] + clip.found_lengths - together
    return np.asarray(together / apart, np.float64)
