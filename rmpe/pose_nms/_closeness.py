"""Which poses are so close that the better suppresses the other, for all pairs at once.

Source of the rules: the measured behaviour of the public AlphaPose and RMPE code, and
Fang et al., RMPE, ICCV 2017, eq. 8-10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpe.pose_nms.parameters import PoseNmsParameters

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# AlphaPose's constants for 133 and 136 joints: radii and decay lengths over the body's, then the
# weights of a part's mean in the score term and in the spatial term.
_FACE_SCALE, _HAND_SCALE = 1.9, 0.55
_FACE_TANH, _HAND_TANH = 1.0, 0.1
_FACE_EXP, _HAND_EXP = 1.0, 1.5
_FACE_AND_HANDS, _HANDS = 110, 42
_COUNTED_BODY, _COUNTED_BODY_AND_FACE = 26, 94
"""The count rule's slices are those of 136 joints for 133 joints too, as in the public code."""

_PAIRS_AT_ONCE = 4096
"""So that the (P, K, 2) of a step stays in a core's cache."""
_PAIRS_WORTH_A_SIEVE = 256
"""With fewer pairs the second sieve costs more than it spares."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Poses in the order in which they may become references, in 64 bit."""

    xy: Floats
    """Joints in pixels, (n, K, 2)."""
    scores: Floats
    """Joint scores, none of them 0, (n, K)."""
    box_sizes: Floats
    """Box width and height in pixels, (n, 2)."""
    reference: Floats
    """Reference length in pixels, (n,)."""

    def __len__(self) -> int:
        return len(self.xy)

    def select(self, rows: Ints) -> Candidates:
        """Return the candidates of these rows, in that order."""
        return Candidates(
            self.xy[rows], self.scores[rows], self.box_sizes[rows], self.reference[rows]
        )


@dataclass(frozen=True, eq=False)
class Closeness:
    """The outcome for every reference p (row) and candidate q >= p (column)."""

    similar: Bools
    """Whether q is suppressed by p whoever else is alive, (R, n)."""
    counts: Floats | None
    """Whole-body only: coinciding joints scaled by K / (4 v), still to be divided by the number
    of candidates alive, (R, n)."""


def is_whole_body(joint_count: int, parameters: PoseNmsParameters) -> bool:
    """Return whether the whole-body form of the rule holds for this many joints."""
    return (
        parameters.rule == "alphapose"
        and joint_count > _FACE_AND_HANDS
        and joint_count in parameters.whole_body_joint_counts
    )


def closeness(
    candidates: Candidates, reference_count: int, parameters: PoseNmsParameters
) -> Closeness:
    """Return what the first ``reference_count`` candidates suppress among themselves and later."""
    joints = candidates.scores.shape[1]
    whole_body = is_whole_body(joints, parameters)
    first, second = _pairs_within_reach(candidates, reference_count, parameters, whole_body)
    shape = (reference_count, len(candidates))
    similar = np.zeros(shape, bool)
    counts = np.zeros(shape) if whole_body else None
    # Score term of eq. 9: tanh(c_p / delta1) tanh(c_q / delta1), the factors (n, K) once.
    tanh = np.tanh(candidates.scores / parameters.delta1)
    # Scores are 32 bit; so is what they are compared with.
    unsure = float(np.float32(parameters.score_threshold))
    half_unsure = float(np.float32(parameters.score_threshold / 2))
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        p, q = first[start : start + _PAIRS_AT_ONCE], second[start : start + _PAIRS_AT_ONCE]
        delta = candidates.xy.take(p, 0)  # (P, K, 2), in place: reference minus partner
        delta -= candidates.xy.take(q, 0)
        distances = np.sqrt(np.einsum("pkc,pkc->pk", delta, delta))  # (P, K), pixels
        products = tanh.take(p, 0) * tanh.take(q, 0)  # (P, K)
        if counts is None:
            similar[p, q] = _is_close(candidates, p, delta, distances, products, parameters)
            continue
        low = candidates.scores[q] < unsure
        similarity = _whole_body_similarity(distances, products, low, parameters)
        similar[p, q] = similarity > parameters.gamma
        shown = (candidates.scores[p] > half_unsure).sum(1)  # (P,)
        matched = _whole_body_matches(distances, candidates.reference[p], parameters)
        counts[p, q] = np.where(shown > 0, matched * joints / (4 * shown.clip(1)), 0.0)
    return Closeness(similar, counts)


def _is_close(
    candidates: Candidates,
    p: Ints,
    delta: Floats,
    distances: Floats,
    products: Floats,
    parameters: PoseNmsParameters,
) -> Bools:
    """Return whether references p (P,) suppress their partners, by the rules for bodies.

    ``delta`` (P, K, 2) and ``distances`` (P, K) are in pixels, ``products`` (P, K) of tanh.
    """
    reference = candidates.reference[p]
    if parameters.rule == "paper":
        half = 0.5 * parameters.alpha * candidates.box_sizes[p][:, None]
        # Equation 9 counts only joints within a box of alpha of the reference's around its joint.
        inside = (np.abs(delta) <= half).all(2)
        spatial = np.exp(distances**2 / -parameters.delta2)
    else:
        unit = np.maximum(reference, 1e-12)[:, None] if parameters.rule == "rmpe" else 1.0
        inside = distances <= unit
        spatial = np.exp(distances / (unit * -parameters.delta2))
    # Products with a column of ones, (P, K) @ (K,): sums over a short last axis are slow.
    ones = np.ones(distances.shape[1])
    # Score term + mu * spatial term, (P, K) -> (P,).
    similarity = np.einsum("pk,pk->p", products, inside) + parameters.mu * (spatial @ ones)
    close = similarity > parameters.gamma
    if parameters.rule == "alphapose":
        radius = np.minimum(reference, parameters.match_radius_px)
        matched = (distances <= radius[:, None]) @ ones
        close |= (matched >= parameters.match_threshold) & (radius > 0)
    return np.asarray(close)


def _whole_body_similarity(
    distances: Floats, products: Floats, low: Bools, parameters: PoseNmsParameters
) -> Floats:
    """Return the whole-body similarity (P,): body, face and hands enter as weighted means.

    The score term takes only joints whose score in q is low, the spatial one only the others.
    """
    face = slice(-_FACE_AND_HANDS, -_HANDS)
    scale = np.full(distances.shape[1], parameters.delta2)
    scale[face] *= _FACE_SCALE
    scale[-_HANDS:] *= _HAND_SCALE
    weight_tanh, weight_exp = _part_weights(distances.shape[1])
    gated = np.where((distances <= 1) & low, products, 0.0)  # (P, K)
    spatial = np.where(low, 0.0, np.exp(distances / -scale))
    return gated @ weight_tanh + parameters.mu * (spatial @ weight_exp)


def _part_weights(joints: int) -> tuple[Floats, Floats]:
    """Return the weight of every joint (K,) in the score term and in the spatial term."""
    sizes = [joints - _FACE_AND_HANDS, _FACE_AND_HANDS - _HANDS, _HANDS]
    tanh = np.repeat([1 / sizes[0], _FACE_TANH / sizes[1], _HAND_TANH / sizes[2]], sizes)
    exp = np.repeat([1 / sizes[0], _FACE_EXP / sizes[1], _HAND_EXP / sizes[2]], sizes)
    return tanh, exp


def _whole_body_matches(
    distances: Floats, reference: Floats, parameters: PoseNmsParameters
) -> Floats:
    """Return the number of coinciding joints (P,), each part within its own radius."""
    factor = np.full(distances.shape[1], _HAND_SCALE)
    factor[:_COUNTED_BODY] = 1.0
    factor[_COUNTED_BODY:_COUNTED_BODY_AND_FACE] = _FACE_SCALE
    radius = np.minimum(reference, parameters.match_radius_px)[:, None]
    return ((distances <= radius * factor) & (radius > 0)).sum(1).astype(np.float64)


def _pairs_within_reach(
    candidates: Candidates, reference_count: int, parameters: PoseNmsParameters, whole_body: bool
) -> tuple[Ints, Ints]:
    """Return the pairs p <= q (P,), (P,) that could be close; all the others cannot be.

    Two exact sieves: the joints' extents must come within reach, then enough single joints.
    """
    reach, needed = _reach(candidates, parameters, whole_body)
    # (n, K, 2) -> (2, K, n): coordinates of one joint lie side by side.
    by_joint = np.ascontiguousarray(candidates.xy.transpose(2, 1, 0), np.float32)
    # A margin for 32-bit coordinates keeps the sieves on the safe side.
    slack = 8 * np.finfo(np.float32).eps * float(np.abs(by_joint).max()) + 1e-3
    reach32 = (reach + slack).astype(np.float32)
    count = len(candidates)
    near = np.arange(reference_count)[:, None] <= np.arange(count)  # p <= q, (R, n)
    for axis in (0, 1):
        low, high = by_joint[axis].min(0), by_joint[axis].max(0)  # (n,) each
        near &= low <= (high + reach32)[:reference_count, None]
        near &= high >= (low - reach32)[:reference_count, None]
    p, q = np.divmod(np.flatnonzero(near), count)
    if len(p) <= _PAIRS_WORTH_A_SIEVE or whole_body:
        return p, q
    # (K, n) -> (n, K): here the joints of a person lie side by side.
    x, y = (np.ascontiguousarray(axis.T) for axis in by_joint)
    ones = np.ones(x.shape[1], np.float32)
    kept = np.empty(len(p), bool)
    for start in range(0, len(p), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        first, second = p[part], q[part]
        dx = x.take(first, 0)
        dx -= x.take(second, 0)
        dx *= dx
        dy = y.take(first, 0)
        dy -= y.take(second, 0)
        dy *= dy
        dx += dy
        close = dx <= np.square(reach32[first])[:, None]  # squared distances, (P, K)
        kept[part] = close.astype(np.float32) @ ones >= needed
    return p[kept], q[kept]


def _reach(
    candidates: Candidates, parameters: PoseNmsParameters, whole_body: bool
) -> tuple[Floats, int]:
    """Return r (n,) in pixels and m: with fewer than m joints within r nothing is suppressed.

    With m joints within r, the similarity is at most ``m + mu (m + (K - m) e)``, where e is what a
    joint at distance r still adds.
    """
    joints = candidates.scores.shape[1]
    unit = candidates.reference if parameters.rule == "rmpe" else np.ones(len(candidates))
    if parameters.gamma <= 0:
        return np.full(len(candidates), np.inf), 0
    most = 3.5 * parameters.mu if whole_body else parameters.mu * joints
    fading = max(math.log(most / parameters.gamma), 0.0) if most > 0 else 0.0
    if parameters.rule == "paper":
        half_box = 0.5 * parameters.alpha * np.hypot(*candidates.box_sizes.T)
        return np.maximum(half_box, math.sqrt(parameters.delta2 * fading)), 1
    spatial = fading * parameters.delta2 * (_FACE_SCALE if whole_body else 1.0)
    radius = max(spatial, 1.0)
    if parameters.rule == "rmpe":
        return unit * radius, 1
    counted = parameters.match_radius_px * (_FACE_SCALE if whole_body else 1.0)
    radius = max(radius, counted)
    rest = parameters.mu * math.exp(-radius / parameters.delta2)
    enough = (parameters.gamma - joints * rest) / (1 + parameters.mu - rest)
    needed = min(math.ceil(parameters.match_threshold), math.ceil(enough))
    return np.full(len(candidates), radius), 1 if whole_body else max(needed, 1)
