"""Pose flows: what one identity did over a clip, built from tracked frames.

Source: Xiu et al., "Pose Flow", BMVC 2018, section 3.2. A flow's confidence is the sum of its
poses' confidences; a flow is closed where the mean over its latest poses is too low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpe.records import Poses

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Flow:
    """The poses of one person at some of the frames of a clip, in order."""

    frames: IntArray
    """Places in the clip, rising, (T,)."""
    poses: Poses
    """One pose for every frame, T."""

    def __post_init__(self) -> None:
        if len(self.frames) != len(self.poses) or len(self.frames) == 0:
            raise ValueError(
                f"a flow has {len(self.frames)} frames and {len(self.poses)} poses, needed are "
                "equal numbers above 0"
            )

    @property
    def start(self) -> int:
        """First frame."""
        return int(self.frames[0])

    @property
    def end(self) -> int:
        """Last frame."""
        return int(self.frames[-1])

    @property
    def confidence(self) -> float:
        """Sum of the poses' confidences."""
        return float(pose_confidences(self.poses).sum())


def pose_confidences(poses: Poses) -> NDArray[np.float64]:
    """Return ``box score + mean joint score + highest joint score`` of every pose, (N,)."""
    scores = poses.keypoint_scores.astype(np.float64)
    if scores.size == 0:
        return poses.box_scores.astype(np.float64)
    return np.asarray(poses.box_scores + scores.mean(1) + scores.max(1), np.float64)


def join_poses(parts: Sequence[Poses]) -> Poses:
    """Return the people of all parts in one, in order."""
    return Poses(
        boxes_xyxy=np.concatenate([p.boxes_xyxy for p in parts]),
        box_scores=np.concatenate([p.box_scores for p in parts]),
        keypoints_xy=np.concatenate([p.keypoints_xy for p in parts]),
        keypoint_scores=np.concatenate([p.keypoint_scores for p in parts]),
        scores=np.concatenate([p.scores for p in parts]),
        ids=np.concatenate([p.ids for p in parts]),
    )


def build_flows(tracked: Sequence[Poses]) -> list[Flow]:
    """Return one flow for every identity of a tracked clip, by rising identity.

    Args:
        tracked: poses with identities, one entry for every frame, people or none.
    """
    if not any(len(poses) for poses in tracked):
        return []
    frames = np.repeat(np.arange(len(tracked)), [len(poses) for poses in tracked])
    everybody = join_poses([poses for poses in tracked if len(poses)])
    flows = []
    for identity in np.unique(everybody.ids[everybody.ids > 0]):
        rows = np.flatnonzero(everybody.ids == identity)
        flows.append(Flow(frames[rows], everybody.select(rows)))
    return flows


def close_flow(flow: Flow, recent_frames: int, least_confidence: float) -> Flow | None:
    """Return a flow up to where its latest poses became too doubtful, or None if at once.

    Args:
        flow: any flow.
        recent_frames: number of latest poses over which confidence is averaged, r.
        least_confidence: mean confidence below which the flow is closed, γ.
    """
    confidences = pose_confidences(flow.poses)
    sums = np.concatenate([[0.0], np.cumsum(confidences)])
    last = np.arange(1, len(confidences) + 1)
    first = np.maximum(last - recent_frames, 0)
    low = np.flatnonzero((sums[last] - sums[first]) / (last - first) < least_confidence)
    if len(low) == 0:
        return flow
    kept = np.arange(low[0])
    return Flow(flow.frames[kept], flow.poses.select(kept)) if len(kept) else None
