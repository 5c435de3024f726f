"""How much better a person of the new frame fits somebody known than anybody else, in nats.

Each term is a log-likelihood ratio; they are added. A term that has nothing to go by is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tracking.appearance import Appearance
from tracking.kalman import Bodies
from tracking.parameters import FloatArray, LikelihoodParameters, TrackerParameters
from tracking.reidentification import colours_of_strangers, pairwise_colour_evidence
from tracking.similarity import BoolArray, People, shared_features
from tracking.tracks import Tracks

_FEWEST_JOINTS = 3
_TALLER = 1.1
_OWN_NATS = 5.0
_NEAR_NATS = -1.5
"""Of either person, from which on their feature matches are compared."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """How much better each person (columns, M) fits each of the known (rows, N), term by term."""

    place: FloatArray
    """Middles of boxes, nats, (N, M)."""
    height: FloatArray
    """Heights, nats, (N, M)."""
    joints: FloatArray
    """Joints, nats, (N, M)."""
    features: FloatArray
    """Common feature matches, nats, (N, M)."""
    colours: FloatArray
    """Colours of clothes, nats, (N, M)."""
    absence: FloatArray
    """What speaks against somebody out of sight, and against copies, nats, (N, M)."""

    @property
    def total(self) -> FloatArray:
        """Sum of the terms, (N, M)."""
        terms = (self.place, self.height, self.joints, self.features, self.colours, self.absence)
        return np.asarray(np.sum(terms, 0), np.float64)


@dataclass(frozen=True, eq=False)
class Sighting:
    """The people of one frame, M, as the tracker compares them."""

    people: People
    """Their poses."""
    boxes_xyxy: FloatArray
    """Detected boxes, (M, 4)."""
    box_scores: FloatArray
    """Confidence of the boxes, (M,)."""
    joint_weights: FloatArray
    """Confidence of the joints, 0..1, 0 where they do not count, (M, K)."""
    appearance: Appearance
    """Colours."""
    own: BoolArray
    """Whose pose is not that of another box, (M,)."""

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    @property
    def middles_xy(self) -> FloatArray:
        """Middles of the boxes, (M, 2)."""
        return np.asarray((self.boxes_xyxy[:, :2] + self.boxes_xyxy[:, 2:]) / 2, np.float64)

    @property
    def heights_px(self) -> FloatArray:
        """Heights of the boxes, (M,)."""
        return np.maximum(self.boxes_xyxy[:, 3] - self.boxes_xyxy[:, 1], 1.0)


def compare(
    known: Tracks,
    expected: Bodies,
    gaps_s: FloatArray,
    seen: Sighting,
    correspondences: ArrayLike,
    parameters: TrackerParameters,
) -> Similarity:
    """Return the similarity of everybody known with everybody seen, but for the colours.

    Args:
        known: people, moved as the camera moved, N.
        expected: where they are expected now, N.
        gaps_s: time since each was seen, (N,).
        seen: people of the new frame, M.
        correspondences: matches x1 y1 x2 y2 from the frame before, in pixels, (R, 4).
        parameters: spreads and thresholds.
    """
    likelihood = parameters.likelihood
    place = place_evidence(expected, known.heights_px, seen.middles_xy, likelihood)
    swing = likelihood.joint_swing * np.minimum(gaps_s / likelihood.swing_s, 1.0)
    spread = expected.covariances[..., 0].mean(1) + likelihood.joint_spread**2 + swing**2  # (N,)
    shift = expected.places_xy - known.bodies.places_xy  # (N, 2)
    joints = joint_evidence(
        known.keypoints_xy + shift[:, None],
        known.joint_counts.astype(np.float64),
        known.heights_px,
        spread,
        seen.people.keypoints_xy,
        seen.joint_weights,
        likelihood,
    )
    away = np.minimum(known.unseen_s / likelihood.gap_s, 1.0)[:, None]  # (N, 1)
    return Similarity(
        place=place,
        height=height_evidence(known.heights_px, gaps_s, seen.heights_px, likelihood),
        joints=joints,
        features=_common_features(known, seen, correspondences, parameters),
        colours=np.zeros(place.shape),
        absence=-likelihood.gap_nats * away - likelihood.copy_nats * ~seen.own,
    )


def colour_evidence(
    known: Tracks, gaps_s: FloatArray, seen: Sighting, parameters: TrackerParameters
) -> FloatArray:
    """Return what colours of clothes say, (N, M).

    Args:
        known: people, N.
        gaps_s: time since each was seen, (N,).
        seen: people of the new frame, M.
        parameters: spreads and thresholds.
    """
    likelihood = parameters.likelihood
    if parameters.reid is None:
        return np.zeros((len(known), len(seen)))
    colours = pairwise_colour_evidence(
        known, seen.appearance, colours_of_strangers(known), parameters.reid
    )
    away = np.minimum(gaps_s / likelihood.gap_s, 1.0)[:, None]  # (N, 1)
    colours *= likelihood.colours_weight + (1 - likelihood.colours_weight) * away
    return np.clip(colours, -likelihood.most_colours, likelihood.most_colours)


def count_doubtful(
    similarity: Similarity, known: Tracks, seen: Sighting, parameters: TrackerParameters
) -> FloatArray:
    """Return what the similarity of the known with those seen is worth in an assignment, (N, M)."""
    sure = seen.box_scores >= parameters.sure_score
    # a pose found in a doubtful box is often that of somebody who stands before it
    box = similarity.place + similarity.height
    total = similarity.total
    # more shows of somebody than before: nobody behind them has their joints and clothes, and more
    before_px = known.boxes_xyxy[:, 3] - known.boxes_xyxy[:, 1]
    emerged = seen.heights_px > _TALLER * before_px[:, None]
    emerged &= similarity.joints + similarity.colours > _OWN_NATS
    emerged &= similarity.place > _NEAR_NATS
    return np.where(sure | emerged | (box > 0), total, np.minimum(total, box))


def _common_features(
    known: Tracks, seen: Sighting, correspondences: ArrayLike, parameters: TrackerParameters
) -> FloatArray:
    rows = np.asarray(correspondences, np.float64).reshape(-1, 4)
    radii = parameters.joint_radius * known.heights_px
    before = People(known.keypoints_xy, known.boxes_xyxy, known.joint_counts, radii)
    _, shares = shared_features(before, seen.people, rows, parameters.top_joints)
    x, y = rows[:, 0], rows[:, 1]
    x1, y1, x2, y2 = known.boxes_xyxy.T[..., None]  # (N, 1) each
    matches = ((x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)).sum(1)  # (N, R) -> (N,)
    # matches are with the frame just before: of others, and without joints, they say nothing
    told = (known.unseen_frames == 0) & (known.joint_counts.sum(1) >= _FEWEST_JOINTS)
    nats = feature_evidence(shares, np.where(told, matches, 0), parameters.likelihood)
    nats[:, seen.people.joint_counts.sum(1) < _FEWEST_JOINTS] = 0.0
    return nats


def _log_normal(squares: FloatArray, variances: FloatArray | float, axes: int) -> FloatArray:
    """Return the log density for a sum of squares over ``axes`` axes of equal variance."""
    return np.asarray(-0.5 * squares / variances - 0.5 * axes * np.log(2 * np.pi * variances))


def place_evidence(
    expected: Bodies,
    heights_px: FloatArray,
    middles_xy: FloatArray,
    parameters: LikelihoodParameters,
) -> FloatArray:
    """Return what the middles of boxes say, (N, M)."""
    off = (middles_xy[None] - expected.places_xy[:, None]) / heights_px[:, None, None]  # (N, M, 2)
    variances = expected.covariances[:, None, :, 0] + parameters.box_noise**2  # (N, 1, 2)
    # Each axis apart, then their sum: (N, M, 2) -> (N, M).
    near = _log_normal(off**2, variances, 1).sum(-1)
    astray = _log_normal(off**2, variances + parameters.astray_spread**2, 1).sum(-1)
    others = _log_normal(off**2, variances + parameters.usual_distance**2, 1).sum(-1)
    share = parameters.astray_share
    mixed = np.logaddexp(np.log1p(-share) + near, np.log(share) + astray)
    # far away both densities fall; that far others are as likely everywhere
    limit = _log_normal(
        np.full(1, 2 * parameters.usual_distance**2), parameters.usual_distance**2, 2
    )
    return np.asarray(mixed - np.maximum(others, limit))


def height_evidence(
    known_px: FloatArray,
    gaps_s: FloatArray,
    heights_px: FloatArray,
    parameters: LikelihoodParameters,
) -> FloatArray:
    """Return what heights say, (N, M)."""
    growth = np.log(heights_px[None] / known_px[:, None])  # (N, M)
    variances = (parameters.height_spread**2 + (parameters.height_drift * gaps_s) ** 2)[:, None]
    same = _log_normal(growth**2, variances, 1)
    others = _log_normal(growth**2, variances + parameters.usual_heights**2, 1)
    share = parameters.astray_share
    return np.asarray(np.logaddexp(np.log1p(-share) + same, np.log(share) + others) - others)


def joint_evidence(
    expected_xy: FloatArray,
    known_weights: FloatArray,
    heights_px: FloatArray,
    variances: FloatArray,
    keypoints_xy: FloatArray,
    weights: FloatArray,
    parameters: LikelihoodParameters,
) -> FloatArray:
    """Return what joints say, (N, M).

    Args:
        expected_xy: joints where they are expected, (N, K, 2).
        known_weights: how far they are to be trusted, 0..1, (N, K).
        heights_px: heights of the known people, (N,).
        variances: of a joint about its expected place, in square heights, (N,).
        keypoints_xy: joints of the new frame, (M, K, 2).
        weights: how far they are to be trusted, 0..1, (M, K).
        parameters: spreads.
    """
    off = (keypoints_xy[None] - expected_xy[:, None]) / heights_px[:, None, None, None]
    squares = (off**2).sum(-1)  # (N, M, K)
    spread = variances[:, None, None]  # (N, 1, 1)
    near = _log_normal(squares, spread, 2)
    others = _log_normal(squares, spread + parameters.usual_distance**2, 2)
    limit = _log_normal(
        np.full(1, 2 * parameters.usual_distance**2), parameters.usual_distance**2, 2
    )
    others = np.maximum(others, limit)
    share = parameters.astray_share
    nats = np.logaddexp(np.log1p(-share) + near, np.log(share) + others) - others
    both = known_weights[:, None] * weights[None]  # (N, M, K)
    joints = max(nats.shape[-1], 1)
    return np.asarray((nats * both).sum(-1) * min(parameters.independent_joints / joints, 1.0))


def feature_evidence(
    shares: FloatArray, matches: FloatArray, parameters: LikelihoodParameters
) -> FloatArray:
    """Return what common feature matches say, (N, M).

    Args:
        shares: matches common to both over those of either, (N, M).
        matches: that start in each known person's box, (N,).
        parameters: what a share is worth.
    """
    nats = (shares - parameters.even_features) / parameters.features_per_nat
    nats = np.clip(nats, -parameters.most_features, parameters.most_features)
    return np.where((matches >= parameters.fewest_matches)[:, None], nats, 0.0)
