"""From the joint-candidate maps of all proposals of a picture to its people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from rmpe.association.candidates import JointCandidates, find_candidates
from rmpe.association.graph import assign_nodes, merge_candidates
from rmpe.geometry.crop import CropTransform
from rmpe.heatmaps import Codec
from rmpe.records import Boxes, Poses


@dataclass(frozen=True)
class AssociationParameters:
    """Settings of the association."""

    threshold: float = 0.1
    """Lowest response of a candidate."""
    deviation_scale: float = 12.0
    """δ_k is this times the joint's OKS sigma: 0.95 for a shoulder at the default."""
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
    """
    chosen = parameters or AssociationParameters()
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
    nodes = merge_candidates(candidates, len(boxes), deviations)
    chosen = assign_nodes(nodes, joint_count)
    found = chosen >= 0
    person = np.broadcast_to(np.arange(len(boxes))[:, None], chosen.shape)
    keypoints = np.zeros((*chosen.shape, 2), np.float32)
    scores = np.zeros(chosen.shape, np.float32)
    keypoints[found] = nodes.xy[chosen[found]]
    scores[found] = np.clip(nodes.weights[chosen[found], person[found]], 0, 1)
    poses = Poses(
        boxes_xyxy=boxes.boxes_xyxy,
        box_scores=boxes.scores,
        keypoints_xy=keypoints,
        keypoint_scores=scores,
        scores=boxes.scores * scores.mean(1) if joint_count else boxes.scores,
        ids=np.zeros(len(boxes), np.int64),
    )
    return poses.select(found.sum(1) >= parameters.minimum_joints)
