"""The person–joint graph and its best assignment, joint type by joint type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rmpe.association._candidates import JointCandidates
from rmpe.records import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class JointNodes:
    """Real joints of the picture, J of them, with their edges to the people."""

    joint: IntArray
    """Joint type of each node, (J,)."""
    xy: FloatArray
    """Place of each node, the mean of its candidates weighted by their response, pixels (J, 2)."""
    weights: FloatArray
    """Edge weights, (J, N): person n's strongest candidate in the node, 0 where there is none."""


def merge_candidates(
    candidates: JointCandidates, person_count: int, deviations: ArrayLike
) -> JointNodes:
    """Return the nodes that the candidates stand for (CrowdPose, equation 4).

    Two candidates of one joint type join when ``|p1 − p2| ≤ min(u1, u2) · δ_k``; a node is a
    connected group, because redundant proposals put their candidates around the same joint.

    Args:
        candidates: of one picture.
        person_count: number of people proposed, N.
        deviations: δ of each joint type, (K,).
    """
    total = len(candidates)
    reach = candidates.size * np.asarray(deviations, np.float32)[candidates.joint]  # u δ, (C,)
    # All pairs of candidates, (C, C).
    distance = np.linalg.norm(candidates.xy[:, None] - candidates.xy[None], axis=-1)
    same = candidates.joint[:, None] == candidates.joint[None]  # (C, C)
    joined = same & (distance <= np.minimum(reach[:, None], reach[None]))
    first, second = joined.nonzero()
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(total, total))
    count, node = connected_components(links, directed=False) if total else (0, np.zeros(0, int))

    # Candidates (C,) -> nodes (J,): strongest response of each person, weighted mean place.
    weights = np.zeros((count, person_count), np.float32)
    np.maximum.at(weights, (node, candidates.person), candidates.response)
    joint = np.zeros(count, np.int64)
    joint[node] = candidates.joint
    mass = np.bincount(node, candidates.response, count)
    xy = np.stack(
        [np.bincount(node, candidates.response * candidates.xy[:, axis], count) for axis in (0, 1)],
        -1,
    )
    return JointNodes(joint, (xy / np.maximum(mass, 1e-12)[:, None]).astype(np.float32), weights)


def merge_people(
    nodes: JointNodes, joint_count: int, near: NDArray[np.bool_], least_share: float
) -> NDArray[np.int64]:
    """Return which person each proposal stands for, (N,), numbered from 0.

    Redundant proposals of one person would share that person's joints out among themselves. Two
    proposals are one person when they are near and at least ``least_share`` of the joints that both
    see lie, for both, in the same node.

    Args:
        nodes: the graph.
        joint_count: number of joint types, K.
        near: whether two proposals' boxes overlap enough to be one person's, (N, N).
        least_share: 0..1; above 1 keeps all proposals apart.
    """
    person_count = nodes.weights.shape[1]
    strongest = np.full((person_count, joint_count), -1, np.int64)  # (N, K), a node each
    for joint in range(joint_count):
        rows = np.flatnonzero(nodes.joint == joint)
        if len(rows):
            best = nodes.weights[rows].argmax(0)
            seen = nodes.weights[rows].max(0) > 0
            strongest[seen, joint] = rows[best[seen]]
    # (N, K) -> (N, N): joints that both proposals see, and those in the same node.
    seen = strongest >= 0
    both = (seen[:, None] & seen[None]).sum(-1)
    equal = ((strongest[:, None] == strongest[None]) & seen[:, None]).sum(-1)
    alike = near & (both > 0) & (equal >= least_share * both)
    _, label = connected_components(alike, directed=False) if person_count else (0, np.zeros(0))
    return np.asarray(label, np.int64)


def join_weights(weights: FloatArray, label: IntArray) -> FloatArray:
    """Return the edge weights (J, P) of people from those of their proposals (J, N), the mean."""
    count = int(label.max()) + 1 if len(label) else 0
    # (J, N) @ (N, P) -> (J, P).
    members = (label[:, None] == np.arange(count)[None]).astype(np.float32)
    return np.asarray(weights @ (members / np.maximum(members.sum(0), 1)), np.float32)


def assign_nodes(nodes: JointNodes, joint_count: int) -> NDArray[np.int64]:
    """Return the node that each person gets for each joint, (N, K), -1 for none.

    Maximises the sum of edge weights with every node given to at most one person and every person
    at most one node of a type; the joint types do not bind each other, so each is a maximum-weight
    bipartite assignment (CrowdPose, section 3.3).
    """
    chosen = np.full((nodes.weights.shape[1], joint_count), -1, np.int64)
    for joint in range(joint_count):
        rows = np.flatnonzero(nodes.joint == joint)
        weights = nodes.weights[rows]  # (nodes of this joint, N)
        taken, person = linear_sum_assignment(weights, maximize=True)
        linked = weights[taken, person] > 0
        chosen[person[linked], joint] = rows[taken[linked]]
    return chosen
