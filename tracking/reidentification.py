"""Who comes back after a while: clothes, size and place weighed against those of a stranger.

Every term is a log-likelihood ratio, in nats: how much better the person fits somebody who was lost
than anybody else. Nothing is learned but each person's own colours, while they are seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.appearance import Appearance
from tracking.parameters import FloatArray, ReidParameters
from tracking.place import place_evidence
from tracking.poseflow.assignment import assign
from tracking.poseflow.memory import Memory
from tracking.poseflow.parameters import PoseFlowParameters
from tracking.similarity import People
from tracking.tracks import IntArray, Tracks

_PRIOR_PEOPLE = 4.0
"""So many people's worth the usual colours count beside those who are seen."""
_PRIOR_COLOUR = np.array([110.0, 0.0, 0.0])
"""Brightness, red over green, yellow over blue: a middling grey."""
_PRIOR_VARIANCE = np.array([50.0, 20.0, 20.0]) ** 2
"""Clothes differ in brightness more than in colour."""
_HIGHEST_RATIO = 50.0
"""Of logarithms, so that their exponential stays a finite number."""
_HALF = 0.5
"""Mean weight of the joints from which on somebody's colours are seen well enough."""
# the drifts of the place evidence are per frame at 25 a second, and end after a while
_FRAMES_A_SECOND = 25.0
_LONGEST_DRIFT_S = 2.0


def weigh_appearance(
    similarities: FloatArray,
    memory: Memory,
    people: People,
    appearance: Appearance,
    frames: int,
    size: tuple[int, int],
    parameters: PoseFlowParameters,
) -> FloatArray:
    """Return the similarities with what colours say for and against, and with those who come back.

    Args:
        similarities: of every candidate with every person, (N, M).
        memory: the candidates, moved as the camera moved, N.
        people: people of the new frame, M.
        appearance: their colours.
        frames: frames of the clip since the latest update.
        size: (width, height) of the picture in pixels.
        parameters: thresholds and weights, with those of re-identification.

    Returns:
        (N, M).
    """
    reid = parameters.reid
    if reid is None or similarities.size == 0:
        return similarities
    least = parameters.match_threshold
    weighed = similarities.copy()
    away = memory.unseen_frames + frames - 1 > reid.short_absence
    strangers = colours_of_strangers(memory)
    rows, columns = np.nonzero(similarities > least)
    evidence = _colour_evidence(memory.select(rows), appearance.select(columns), strangers, reid)
    doubt = np.where(away, 0.0, reid.doubt)[rows]
    weighed[rows, columns] += reid.similarity_per_nat * np.minimum(evidence + doubt, 0.0)
    places = place_evidence(memory, people, memory.unseen_frames + frames, size, reid)
    weighed = _prefer(weighed, rows, columns, evidence + places[rows, columns], parameters)
    claimed = _explained(weighed, memory, parameters)
    lost = np.flatnonzero(away & (memory.sightings >= reid.least_sightings))
    new = np.setdiff1d(np.arange(len(people)), claimed)
    if len(lost) and len(new):
        absent = memory.select(lost)
        rows, columns = np.indices((len(lost), len(new))).reshape(2, -1)
        worn = appearance.select(new[columns])
        colours = _colour_evidence(absent.select(rows), worn, strangers, reid)
        colours = colours.reshape(len(lost), len(new))
        found = colours + places[np.ix_(lost, new)]
        shown = appearance.weights[new].mean(1) > _HALF
        sure = _leads(found, reid.needed_margin) & (colours > reid.needed_colours * shown)
        surplus = np.where(sure, found - reid.needed_evidence, 0.0)
        again = reid.similarity_per_nat * np.clip(surplus, 0.0, reid.most_evidence)
        again = np.where(surplus > 0, least + again, 0.0)
        weighed[np.ix_(lost, new)] = np.maximum(weighed[np.ix_(lost, new)], again)
    return weighed


def _prefer(
    weighed: FloatArray,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    evidence: FloatArray,
    parameters: PoseFlowParameters,
) -> FloatArray:
    """Return the similarities, a little changed by evidence; nobody who matches ceases to."""
    reid = parameters.reid
    assert reid is not None
    before = weighed[rows, columns]
    added = reid.preference_per_nat * np.clip(evidence, -reid.most_evidence, reid.most_evidence)
    lowest = np.minimum(before, np.nextafter(parameters.match_threshold, np.inf))
    preferred = weighed.copy()
    preferred[rows, columns] = np.maximum(before + added, lowest)
    return preferred


def _explained(
    weighed: FloatArray, memory: Memory, parameters: PoseFlowParameters
) -> NDArray[np.int64]:
    """Return the people who are somebody seen just before, or well placed for somebody else."""
    assert parameters.reid is not None
    rows, columns = assign(weighed, parameters.reid.continued_similarity)
    high = weighed[rows, columns] > sum(parameters.previous_weights) / 2
    return columns[(memory.unseen_updates[rows] == 0) | high]


def _leads(evidence: FloatArray, margin: float) -> NDArray[np.bool_]:
    """Return which candidates (rows) fit a person better than all others by a margin, (N, M)."""
    if len(evidence) < 2:
        return np.ones(evidence.shape, bool)
    second = np.partition(evidence, -2, axis=0)[-2]
    return np.asarray((evidence == evidence.max(0)) & (evidence - second >= margin), np.bool_)


def colours_of_strangers(memory: Memory | Tracks) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of each joint's colours over everybody, (K, 3) each."""
    weights = np.minimum(memory.colour_weights, 1.0)[..., None]
    total = weights.sum(0) + _PRIOR_PEOPLE
    mean = ((weights * memory.colour_means).sum(0) + _PRIOR_PEOPLE * _PRIOR_COLOUR) / total
    variance = (weights * (memory.colour_means - mean) ** 2).sum(0)
    return mean, (variance + _PRIOR_PEOPLE * _PRIOR_VARIANCE) / total


def pairwise_colour_evidence(
    known: Memory | Tracks,
    appearance: Appearance,
    strangers: tuple[FloatArray, FloatArray],
    parameters: ReidParameters,
) -> FloatArray:
    """Return the evidence of colours that person m is the known person n, in nats, (N, M)."""
    shape = (len(known.ids), len(appearance.weights))
    rows, columns = np.indices(shape).reshape(2, -1)
    nats = _colour_evidence(known.select(rows), appearance.select(columns), strangers, parameters)
    return nats.reshape(shape)


@dataclass(frozen=True, eq=False)
class ReturnEvidence:
    """How N people who were lost (rows) fit M people who are nobody in sight (columns)."""

    colours: FloatArray
    """What colours say, nats, (N, M)."""
    places: FloatArray
    """What size and place say, nats, (N, M)."""
    leads: NDArray[np.bool_]
    """Who fits better than all others by the margin that it takes, (N, M)."""
    needed_colours: FloatArray
    """Evidence of colours above which it must be, (M,)."""
    needed: float
    """Evidence of all above which it must be."""
    in_sight: FloatArray
    """How well each fits somebody who is in sight and not found elsewhere, nats, (M,)."""

    @property
    def total(self) -> FloatArray:
        """Sum of the terms, (N, M)."""
        return self.colours + self.places

    @property
    def surplus(self) -> FloatArray:
        """What speaks for them beyond what it takes, nats, 0 where it is too little, (N, M)."""
        sure = self.leads & (self.colours > self.needed_colours) & (self.total > self.in_sight)
        return np.where(sure, self.total - self.needed, 0.0).clip(0.0)


def return_evidence(
    lost: Tracks,
    everybody: Tracks,
    gaps_s: FloatArray,
    people: People,
    appearance: Appearance,
    size: tuple[int, int],
    in_sight: FloatArray,
    parameters: ReidParameters | None,
) -> ReturnEvidence:
    """Return how well people who were lost and people who are nobody in sight fit each other.

    Args:
        lost: people out of sight, moved as the camera moved, N.
        everybody: everybody known: strangers look like them.
        gaps_s: time since each of the lost was seen, (N,).
        people: people of the new frame who are nobody in sight, M.
        appearance: their colours.
        size: (width, height) of the picture in pixels.
        in_sight: how well these fit somebody who is in sight and not found elsewhere, nats, (M,).
        parameters: how much evidence it takes; None: nobody is looked at.
    """
    if parameters is None or len(lost) == 0 or len(people) == 0:
        nothing = np.zeros((len(lost), len(people)))
        return ReturnEvidence(nothing, nothing, nothing > 0, np.zeros(len(people)), 0.0, in_sight)
    colours = pairwise_colour_evidence(
        lost, appearance, colours_of_strangers(everybody), parameters
    )
    drifting = np.minimum(gaps_s, _LONGEST_DRIFT_S) * _FRAMES_A_SECOND
    velocities = lost.bodies.velocities_xy / _FRAMES_A_SECOND
    places = place_evidence(
        Memory(
            ids=lost.ids,
            unseen_updates=lost.unseen_frames,
            unseen_frames=lost.unseen_frames,
            sightings=lost.sightings,
            keypoints_xy=lost.keypoints_xy,
            boxes_xyxy=lost.boxes_xyxy,
            joint_counts=lost.joint_counts,
            radii_px=lost.heights_px,
            velocities_xy=velocities,
            colour_means=lost.colour_means,
            colour_variances=lost.colour_variances,
            colour_weights=lost.colour_weights,
        ),
        people,
        drifting,
        size,
        parameters,
    )
    shown = appearance.weights.mean(1) > _HALF
    leads = _leads(colours + places, parameters.needed_margin)
    return ReturnEvidence(
        colours,
        places,
        leads,
        parameters.needed_colours * shown,
        parameters.needed_evidence,
        in_sight,
    )


def who_returns(evidence: ReturnEvidence) -> tuple[IntArray, IntArray]:
    """Return rows of the lost and of the new people who are the same, each at most once."""
    return assign(evidence.surplus, 0.0)


def _colour_evidence(
    known: Memory | Tracks,
    appearance: Appearance,
    strangers: tuple[FloatArray, FloatArray],
    parameters: ReidParameters,
) -> FloatArray:
    """Return the evidence of colours that person n is the known person n, in nats, (P,)."""
    mean, variance = strangers
    noise = np.array(parameters.colour_noise) ** 2
    sightings = np.maximum(known.colour_weights, 0.5)[..., None]
    own = known.colour_variances + noise * (1 + 1 / sightings)
    ratio = _log_normal(appearance.colours, known.colour_means, own)
    ratio -= _log_normal(appearance.colours, mean, variance + noise)
    ratio = np.exp(np.minimum(ratio.sum(-1), _HIGHEST_RATIO))
    nats = np.log((1 - parameters.changed_share) * ratio + parameters.changed_share)
    sure = np.minimum(known.colour_weights, 1.0) * appearance.weights
    joints = max(nats.shape[1], 1)
    return np.asarray((nats * sure).sum(-1) * min(parameters.independent_parts / joints, 1.0))


def _log_normal(values: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the logarithm of the normal density but for its constant."""
    return np.asarray(-0.5 * ((values - mean) ** 2 / variance + np.log(variance)))
