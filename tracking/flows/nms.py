"""Flow-NMS: redundant flows become one, and flows that were cut are joined.

Source: Xiu et al., "Pose Flow", BMVC 2018, section 3.3, with the pose similarities of RMPE (Fang et
al., ICCV 2017). No public code has it; constants not in the papers are parameters here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpe._assignment import linear_sum_assignment
from rmpe.records import Poses
from tracking.flows.flow import Flow, join_poses
from tracking.parameters import FloatArray

_TINY = 1e-9


@dataclass(frozen=True)
class FlowParameters:
    """Settings of flow-NMS and of joining."""

    score_scale: float = 0.3
    """σ1: joint scores enter as tanh(score / σ1)."""
    distance_scale: float = 0.1
    """Distances are in this share of the person's longer box side."""
    location_weight: float = 1.0
    """λ: weight of the location term in the distance."""
    merge_distance: float = 4.0
    """Flows whose median distance is below this are one person; equal confident poses are 2."""
    least_shared: int = 3
    """Flows that share fewer frames than this, or than the shorter one has, are not compared."""
    least_shared_share: float = 0.5
    """Nor are those that share less than this part of the shorter one."""
    join_window: int = 30
    """Most frames from the end of a flow to the beginning of its continuation; 0: no joining."""
    join_reach: float = 0.6
    """Farthest that the continuation begins from where it is expected, in box sides."""
    recent_frames: int = 10
    """Poses over which the mean confidence is taken, r."""
    least_confidence: float = 0.0
    """γ: a flow is closed where that mean falls below this; confidences are 0 to 3."""


def pose_distances(first: Poses, second: Poses, parameters: FlowParameters) -> FloatArray:
    """Return the distance of pose t of one with pose t of the other, (T,).

    ``1/K_sim + λ/H_sim``, both sims means over the joints: K_sim of tanh(c1/σ1)·tanh(c2/σ1) over
    the joints that lie within a tenth of the person's size of each other, H_sim of
    exp(−d²) with d in tenths of that size.
    """
    sides = (first.boxes_xyxy[:, 2:] - first.boxes_xyxy[:, :2]).max(1)
    scale = np.maximum(sides * parameters.distance_scale, _TINY)[:, None]
    gaps = np.linalg.norm(first.keypoints_xy - second.keypoints_xy, axis=-1) / scale
    sure = np.tanh(first.keypoint_scores / parameters.score_scale)
    sure = sure * np.tanh(second.keypoint_scores / parameters.score_scale)
    confidence = np.where(gaps <= 1, sure, 0.0).mean(1)
    location = np.exp(-(gaps**2)).mean(1)
    return np.asarray(
        1 / np.maximum(confidence, _TINY)
        + parameters.location_weight / np.maximum(location, _TINY),
        np.float64,
    )


def flow_distance(first: Flow, second: Flow, parameters: FlowParameters) -> float:
    """Return the median distance over shared frames; infinite for flows that share too few."""
    _, rows, columns = np.intersect1d(first.frames, second.frames, return_indices=True)
    shorter = min(len(first.frames), len(second.frames))
    needed = max(min(parameters.least_shared, shorter), parameters.least_shared_share * shorter)
    if len(rows) < needed:
        return float("inf")
    poses = first.poses.select(rows), second.poses.select(columns)
    return float(np.median(pose_distances(*poses, parameters)))


def suppress_flows(flows: Sequence[Flow], parameters: FlowParameters) -> list[Flow]:
    """Return flows of which no two are one person: the most confident takes in those close to it.

    Args:
        flows: any number of flows.
        parameters: what close means.

    Returns:
        Merged flows in order of falling confidence.
    """
    waiting = sorted(flows, key=lambda flow: -flow.confidence)
    kept = []
    while waiting:
        reference, others = waiting[0], waiting[1:]
        limit = parameters.merge_distance
        close = [flow_distance(reference, other, parameters) < limit for other in others]
        members = [other for other, is_close in zip(others, close) if is_close]
        kept.append(merge_flows([reference, *members]))
        waiting = [other for other, is_close in zip(others, close) if not is_close]
    return kept


def merge_flows(flows: Sequence[Flow]) -> Flow:
    """Return the flow of a group, whose first member gives boxes and scores where it has the frame.

    A joint's place is the mean of the members' weighted by their scores for it, its score the sum
    over the members divided by the number of those that have the joint (score above 0).
    """
    if len(flows) == 1:
        return flows[0]
    frames = np.concatenate([flow.frames for flow in flows])
    poses = join_poses([flow.poses for flow in flows])
    times, first_rows, groups = np.unique(frames, return_index=True, return_inverse=True)
    joints = poses.joint_count
    scores = poses.keypoint_scores.astype(np.float64)
    totals = np.zeros((len(times), joints))
    places = np.zeros((len(times), joints, 2))
    having = np.zeros((len(times), joints))
    np.add.at(totals, groups, scores)
    np.add.at(places, groups, scores[..., None] * poses.keypoints_xy)
    np.add.at(having, groups, scores > 0)
    leading = poses.select(first_rows)
    found = totals > 0
    mean = places / np.where(found, totals, 1.0)[..., None]
    merged = Poses(
        boxes_xyxy=leading.boxes_xyxy,
        box_scores=leading.box_scores,
        keypoints_xy=np.where(found[..., None], mean, leading.keypoints_xy),
        keypoint_scores=(totals / np.maximum(having, 1)).astype(np.float32),
        scores=leading.scores,
        ids=leading.ids,
    )
    return Flow(times, merged)


def join_flows(flows: Sequence[Flow], parameters: FlowParameters) -> list[Flow]:
    """Return the flows with those joined that go on where another ended.

    The beginning must lie within ``join_window`` frames after the end, and near where the end's
    motion leads and where the beginning's motion, followed backwards, comes from. The nearest
    pairs are chosen for the whole clip at once.
    """
    if parameters.join_window < 1 or len(flows) < 2:
        return list(flows)
    cost = np.array([[_join_cost(one, other, parameters) for other in flows] for one in flows])
    possible = np.isfinite(cost)
    rows, columns = linear_sum_assignment(np.where(possible, cost, 1e6))
    following = {int(r): int(c) for r, c in zip(rows, columns) if possible[r, c]}
    continued = set(following.values())
    joined = []
    for number in range(len(flows)):
        if number in continued:
            continue
        chain = [number]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        joined.append(_chain([flows[i] for i in chain]))
    return joined


def _join_cost(one: Flow, other: Flow, parameters: FlowParameters) -> float:
    """Return how far the other begins from where the one leads, in box sides; infinite: too far."""
    gap = other.start - one.end
    if not 0 < gap <= parameters.join_window:
        return float("inf")
    side = (one.poses.boxes_xyxy[-1, 2:] - one.poses.boxes_xyxy[-1, :2]).max()
    forward = one.poses.keypoints_xy[-1] + gap * _velocity(one, latest=True)
    backward = other.poses.keypoints_xy[0] - gap * _velocity(other, latest=False)
    ahead = np.linalg.norm(forward - other.poses.keypoints_xy[0], axis=1).mean()
    behind = np.linalg.norm(backward - one.poses.keypoints_xy[-1], axis=1).mean()
    cost = float((ahead + behind) / 2 / max(float(side), _TINY))
    return cost if cost <= parameters.join_reach else float("inf")


def _velocity(flow: Flow, latest: bool) -> NDArray[np.float64]:
    """Return pixels per frame over the last or first ten poses of a flow, (2,)."""
    rows = slice(-10, None) if latest else slice(0, 10)
    frames, points = flow.frames[rows], flow.poses.keypoints_xy[rows].astype(np.float64)
    if len(frames) < 2:
        return np.zeros(2)
    moved = np.median(points[-1] - points[0], axis=0)
    return np.asarray(moved / (frames[-1] - frames[0]), np.float64)


def _chain(flows: Sequence[Flow]) -> Flow:
    frames = np.concatenate([flow.frames for flow in flows])
    return Flow(frames, join_poses([flow.poses for flow in flows]))
