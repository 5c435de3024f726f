"""How much better a person of the new frame fits somebody known than anybody else, in nats.

Each term is a log-likelihood ratio; they are added. A term that has nothing to go by is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracking.kalman import Bodies
from tracking.parameters import FloatArray
from tracking.similarity import BoolArray


@dataclass(frozen=True)
class LikelihoodParameters:
    """What the terms were fitted to; lengths in heights of the person."""

    usual_distance: float = 0.7
    """Spread of others about a place where somebody is expected."""
    box_noise: float = 0.06
    """Spread of a box's middle."""
    astray_share: float = 0.1
    """How often a box, a height or a joint is no guide."""
    astray_spread: float = 0.3
    """Spread of a box's middle then."""
    height_spread: float = 0.12
    """Spread of the logarithm of a height between two sightings."""
    height_drift: float = 0.1
    """What a second adds to it."""
    usual_heights: float = 0.35
    """Spread of the logarithm of heights among others."""
    joint_spread: float = 0.08
    """Spread of a joint about where it is expected."""
    joint_swing: float = 0.15
    """Most that a swinging limb adds to it; reached in ``swing_s``."""
    swing_s: float = 0.3
    """See ``joint_swing``."""
    independent_joints: float = 2.0
    """Joints that tell independently of each other."""
    features_per_nat: float = 0.15
    """Share of common matches that is worth a nat."""
    even_features: float = 0.3
    """Share of common matches that says nothing."""
    most_features: float = 2.5
    """Most nats of common matches, for or against."""
    fewest_matches: int = 6
    """With fewer matches in a person's box they say nothing."""
    colours_weight: float = 0.7
    """What a nat of colours counts."""
    most_colours: float = 6.0
    """Most nats of colours, for or against."""


def _log_normal(squares: FloatArray, variances: FloatArray | float, axes: int) -> FloatArray:
    """Return the log density for a sum of squares over ``axes`` axes of equal variance."""
    return np.asarray(-0.5 * squares / variances - 0.5 * axes * np.log(2 * np.pi * variances))


def place_evidence(
    expected: Bodies, heights_px: FloatArray, middles_xy: FloatArray, rules: LikelihoodParameters
) -> FloatArray:
    """Return what the middles of boxes say, (N, M)."""
    off = (middles_xy[None] - expected.places_xy[:, None]) / heights_px[:, None, None]  # (N, M, 2)
    variances = expected.covariances[:, None, :, 0] + rules.box_noise**2  # (N, 1, 2)
    near = _log_normal(off**2, variances, 1).sum(-1)
    astray = _log_normal(off**2, variances + rules.astray_spread**2, 1).sum(-1)
    others = _log_normal(off**2, variances + rules.usual_distance**2, 1).sum(-1)
    share = rules.astray_share
    mixed = np.logaddexp(np.log1p(-share) + near, np.log(share) + astray)
    # far away both densities fall; that far others are as likely everywhere
    limit = _log_normal(np.full(1, 2 * rules.usual_distance**2), rules.usual_distance**2, 2)
    return np.asarray(mixed - np.maximum(others, limit))


def height_evidence(
    known_px: FloatArray, gaps_s: FloatArray, heights_px: FloatArray, rules: LikelihoodParameters
) -> FloatArray:
    """Return what heights say, (N, M)."""
    growth = np.log(heights_px[None] / known_px[:, None])
    variances = (rules.height_spread**2 + (rules.height_drift * gaps_s) ** 2)[:, None]
    same = _log_normal(growth**2, variances, 1)
    others = _log_normal(growth**2, variances + rules.usual_heights**2, 1)
    share = rules.astray_share
    return np.asarray(np.logaddexp(np.log1p(-share) + same, np.log(share) + others) - others)


def joint_evidence(
    expected_xy: FloatArray,
    known_weights: FloatArray,
    heights_px: FloatArray,
    variances: FloatArray,
    keypoints_xy: FloatArray,
    weights: FloatArray,
    rules: LikelihoodParameters,
) -> FloatArray:
    """Return what joints say, (N, M).

    Args:
        expected_xy: joints where they are expected, (N, K, 2).
        known_weights: how far they are to be trusted, 0..1, (N, K).
        heights_px: heights of the known people, (N,).
        variances: of a joint about its expected place, in square heights, (N,).
        keypoints_xy: joints of the new frame, (M, K, 2).
        weights: how far they are to be trusted, 0..1, (M, K).
        rules: spreads.
    """
    off = (keypoints_xy[None] - expected_xy[:, None]) / heights_px[:, None, None, None]
    squares = (off**2).sum(-1)  # (N, M, K)
    spread = variances[:, None, None]
    near = _log_normal(squares, spread, 2)
    others = _log_normal(squares, spread + rules.usual_distance**2, 2)
    limit = _log_normal(np.full(1, 2 * rules.usual_distance**2), rules.usual_distance**2, 2)
    others = np.maximum(others, limit)
    share = rules.astray_share
    nats = np.logaddexp(np.log1p(-share) + near, np.log(share) + others) - others
    both = known_weights[:, None] * weights[None]  # (N, M, K)
    joints = max(nats.shape[-1], 1)
    return np.asarray((nats * both).sum(-1) * min(rules.independent_joints / joints, 1.0))


def feature_evidence(
    shares: FloatArray, matches: FloatArray, rules: LikelihoodParameters
) -> FloatArray:
    """Return what common feature matches say, (N, M).

    Args:
        shares: matches common to both over those of either, (N, M).
        matches: that start in each known person's box, (N,).
        rules: what a share is worth.
    """
    nats = (shares - rules.even_features) / rules.features_per_nat
    nats = np.clip(nats, -rules.most_features, rules.most_features)
    return np.where((matches >= rules.fewest_matches)[:, None], nats, 0.0)


__all__ = [
    "BoolArray",
    "LikelihoodParameters",
    "feature_evidence",
    "height_evidence",
    "joint_evidence",
    "place_evidence",
]
