"""Who comes back by size and place: the evidence for a person who was lost against everybody else.

People keep their height and walk at their own depth, so they come back as tall and as far down in
the picture as they left, but for the drift that the people in view show. A stranger is somebody of
the sizes and places that are usual in the clip: where everybody looks alike in this, it says
nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracking.parameters import FloatArray, ReidParameters
from tracking.poseflow.memory import Memory
from tracking.similarity import People

_FEWEST_JOINTS = 3
"""In common, from which on sizes are compared."""
_FEWEST_SIGHTINGS = 5
"""From which on somebody's own speed is known well enough to tell what is usual."""
_PRIOR_PEOPLE = 2.0
"""So many people's worth the usual drift counts beside those who are seen."""
_USUAL_LOG_HEIGHTS = 2.0
"""Range of the logarithm of heights over which anybody's is as likely: from 1 to 7.4 times."""
_TINY = 1e-9


def place_evidence(
    memory: Memory,
    people: People,
    gaps: NDArray[np.int64] | FloatArray,
    size: tuple[int, int],
    parameters: ReidParameters,
) -> FloatArray:
    """Return how much better people fit those who are known than strangers, in nats, (N, M).

    Args:
        memory: everybody known, moved as the camera moved, N.
        people: people of the new frame, M.
        gaps: frames since each of the known was seen, (N,).
        size: (width, height) of the picture in pixels.
        parameters: spreads.
    """
    sides = np.maximum((memory.boxes_xyxy[:, 2:] - memory.boxes_xyxy[:, :2]).max(1), 1.0)
    moved, growth, counts = compare_by_joints(memory, people)
    lower = moved[..., 1] / sides[:, None]
    drift = vertical_drift(memory, sides, parameters) * np.asarray(gaps, np.float64)[:, None]
    own = _normal(lower, parameters.upright_spread + drift)
    own *= _normal(growth, parameters.size_spread + drift)
    crowd = _normal(lower, parameters.crowd_spread[0]) * _normal(growth, parameters.crowd_spread[1])
    crowd[counts < _FEWEST_JOINTS] = 0.0
    told = parameters.unlike_all * (len(memory) - 1)
    anybody = (sides / size[1] / _USUAL_LOG_HEIGHTS)[:, None]
    strangers = (parameters.unlike_all * (crowd.sum(0) - crowd) + anybody) / (told + 1)
    kept = 1 - parameters.changed_share
    nats = np.log(kept * own / np.maximum(strangers, _TINY) + parameters.changed_share)
    nats[counts < _FEWEST_JOINTS] = 0.0
    across = (sides * (parameters.reach_across[0] + parameters.reach_across[1] * gaps))[:, None]
    near = _normal(moved[..., 0], across) * size[0]
    near[counts < 1] = 0.0
    anywhere = parameters.anywhere_share
    return np.asarray(nats + np.log((1 - anywhere) * near + anywhere))


def vertical_drift(memory: Memory, sides_px: FloatArray, parameters: ReidParameters) -> float:
    """Return how far people move up or down in a frame, root mean square, in sides of their box.

    Args:
        memory: everybody known, N.
        sides_px: longer sides of their boxes, (N,).
        parameters: what is usual, and counts like two people.
    """
    steady = memory.sightings >= _FEWEST_SIGHTINGS
    speeds = memory.velocities_xy[steady, 1] / sides_px[steady]
    total = (speeds**2).sum() + _PRIOR_PEOPLE * parameters.usual_drift**2
    return float(np.sqrt(total / (len(speeds) + _PRIOR_PEOPLE)))


def compare_by_joints(
    known: Memory, people: People
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return how people differ from known ones by the joints that both have.

    Returns:
        (how far their middles are apart, pixels, (N, M, 2); logarithm of how much taller they are,
        (N, M); number of joints compared, (N, M)).
    """
    both = known.joint_counts[:, None] & people.joint_counts[None]
    counts = both.sum(-1)
    shares = both / np.maximum(counts, 1)[..., None]
    earlier, later = known.keypoints_xy, people.keypoints_xy
    first = np.einsum("nmk,nkc->nmc", shares, earlier)
    second = np.einsum("nmk,mkc->nmc", shares, later)
    tall_first = np.einsum("nmk,nk->nm", shares, earlier[..., 1] ** 2) - first[..., 1] ** 2
    tall_second = np.einsum("nmk,mk->nm", shares, later[..., 1] ** 2) - second[..., 1] ** 2
    growth = 0.5 * np.log(np.maximum(tall_second, 1.0) / np.maximum(tall_first, 1.0))
    return second - first, growth, counts


def _normal(values: FloatArray, spread: float | FloatArray) -> FloatArray:
    """Return the density of the normal distribution about zero."""
    return np.asarray(np.exp(-0.5 * (values / spread) ** 2) / (spread * np.sqrt(2 * np.pi)))
