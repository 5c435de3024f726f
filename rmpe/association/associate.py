"""From the joint-candidate maps of all proposals of a picture to its people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from rmpe.association._candidates import JointCandidates, find_candidates
from rmpe.association._graph import assign_nodes, join_weights, merge_candidates, merge_people
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.geometry.crop import CropTransform
from rmpe.heatmaps import Codec
from rmpe.records import Boxes, FloatArray, IntArray, Poses


@dataclass(frozen=True)
class AssociationParameters:
    """Settings of the association."""

    threshold: float = 0.1
    """Lowest response of a candidate."""
    deviation_scale: float = 12.0
    """δ_k is this times the joint's OKS sigma: 0.95 for a shoulder at the default."""
    least_share: float = 0.6
    """Proposals that see this share of their joints in the same place are one person,"""
    least_box_iou: float = 0.5
    """if their boxes overlap by this."""
    minimum_joints: int = 3
    """People left with fewer joints fall away."""
    response_cells: float = 2.0
    """Standard deviation of the network's targets in heatmap cells."""


def associate(
    heatmaps: Tensor,
    transforms: Sequence[CropTransform],
    boxes: Boxes,
    codec: Codec,
    sigmas: ArrayLike,
    parameters: AssociationParameters | None = None,
) -> Poses:
    """Return the people of one picture by global association.

    Args:
        heatmaps: (N, K, h, w) of a joint-candidate network, peak 1 for a target joint.
        transforms: the map of each crop.
        boxes: the N proposals that the crops were made from.
        codec: the network's convention.
        sigmas: the skeleton's OKS sigmas, (K,).
        parameters: settings.

    Returns:
        Poses of the proposals that keep enough joints, M ≤ N; a joint that nobody could give scores
        0 at (0, 0).

    Raises:
        ValueError: maps, transforms, boxes and sigmas differ in number, or a value of the maps or
            boxes is not a finite number.
    """
    chosen = parameters or AssociationParameters()
    _check(heatmaps, transforms, boxes, np.asarray(sigmas))
    candidates = find_candidates(
        heatmaps, transforms, codec, chosen.threshold, chosen.response_cells
    )
    return associate_people(candidates, boxes, int(heatmaps.shape[1]), sigmas, chosen)


def associate_people(
    candidates: JointCandidates,
    boxes: Boxes,
    joint_count: int,
    sigmas: ArrayLike,
    parameters: AssociationParameters,
) -> Poses:
    """Return the people that own the candidates; see :func:`associate`."""
    deviations = parameters.deviation_scale * np.asarray(sigmas, np.float32)
    # 1. Nodes: candidates of one joint that lie together, C -> J (equation 4).
    nodes = merge_candidates(candidates, len(boxes), deviations)
    # 2. People: proposals that share most of their joints are one, N -> P; edges (J, N) -> (J, P).
    near = box_iou_matrix(boxes.boxes_xyxy, boxes.boxes_xyxy) >= parameters.least_box_iou
    label = merge_people(nodes, joint_count, near, parameters.least_share)
    people = replace(nodes, weights=join_weights(nodes.weights, label))
    leader = _best_of_each(boxes, label)
    # 3. Assignment: the node of each person and joint, (P, K), -1 for none (section 3.3).
    chosen = assign_nodes(people, joint_count)
    found = chosen >= 0
    # 4. Poses: place and edge weight of the nodes found, (P, K, 2) and (P, K).
    person = np.broadcast_to(np.arange(len(leader))[:, None], chosen.shape)
    keypoints = np.zeros((*chosen.shape, 2), np.float32)
    scores = np.zeros(chosen.shape, np.float32)
    keypoints[found] = people.xy[chosen[found]]
    scores[found] = np.clip(people.weights[chosen[found], person[found]], 0, 1)
    poses = Poses(
        boxes_xyxy=boxes.boxes_xyxy[leader],
        box_scores=boxes.scores[leader],
        keypoints_xy=keypoints,
        keypoint_scores=scores,
        scores=boxes.scores[leader] * scores.mean(1) if joint_count else boxes.scores[leader],
        ids=np.zeros(len(leader), np.int64),
    )
    return poses.select(found.sum(1) >= parameters.minimum_joints)


def _check(
    heatmaps: Tensor, transforms: Sequence[CropTransform], boxes: Boxes, sigmas: FloatArray
) -> None:
    """Refuse what cannot be compared."""
    if not len(heatmaps) == len(transforms) == len(boxes):
        raise ValueError(
            f"got maps of {len(heatmaps)} crops, {len(transforms)} transforms and {len(boxes)} "
            "boxes; give one of each for every proposal"
        )
    if len(sigmas) != heatmaps.shape[1]:
        raise ValueError(
            f"got maps of {heatmaps.shape[1]} joints and {len(sigmas)} sigmas: take the sigmas of "
            "the network's skeleton"
        )
    values = {
        "heatmaps": float(heatmaps.detach().double().sum()),
        "boxes_xyxy": float(boxes.boxes_xyxy.sum(dtype=np.float64)),
        "box scores": float(boxes.scores.sum(dtype=np.float64)),
    }
    for name, total in values.items():
        if not np.isfinite(total):
            raise ValueError(
                f"{name} holds a value that is not a finite number: association cannot place or "
                "weigh such joints, drop the proposal first"
            )


def _best_of_each(boxes: Boxes, label: IntArray) -> IntArray:
    """Return the proposal with the highest box score of each person, (P,)."""
    order = np.argsort(-boxes.scores, kind="stable")
    _, first = np.unique(label[order], return_index=True)
    return np.asarray(order[first], np.int64)
