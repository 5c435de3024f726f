"""Everybody who is known: the bounded memory of every identity that is seen or may return."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tracking.appearance import CHANNELS
from tracking.kalman import Bodies
from tracking.parameters import FloatArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tracks:
    """N known people, most recently seen first; places are those of the latest sighting."""

    ids: IntArray
    """Identities from 1; 0 for somebody who waits for one, (N,)."""
    sightings: IntArray
    """How often each was seen, (N,)."""
    unseen_updates: IntArray
    """Updates since the latest sighting, (N,)."""
    unseen_s: FloatArray
    """Seconds since the latest sighting, (N,)."""
    bodies: Bodies
    """Middles of the boxes and velocities, with what is not known of them, N."""
    heights_px: FloatArray
    """Heights of the people, (N,)."""
    boxes_xyxy: FloatArray
    """Detected boxes, (N, 4)."""
    keypoints_xy: FloatArray
    """Joints, (N, K, 2)."""
    joint_counts: BoolArray
    """Which joints count, (N, K)."""
    colour_means: FloatArray
    """Mean colours at each joint, (N, K, 3)."""
    colour_variances: FloatArray
    """Their variances over the sightings, (N, K, 3)."""
    colour_weights: FloatArray
    """Sightings that the means are of, (N, K); 0 where nobody looked."""

    @classmethod
    def empty(cls, joint_count: int) -> Tracks:
        """Return the memory of a tracker that has seen nobody."""
        integers = np.zeros(0, np.int64)
        return cls(
            ids=integers,
            sightings=integers,
            unseen_updates=integers,
            unseen_s=np.zeros(0),
            bodies=Bodies(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2, 3))),
            heights_px=np.zeros(0),
            boxes_xyxy=np.zeros((0, 4)),
            keypoints_xy=np.zeros((0, joint_count, 2)),
            joint_counts=np.zeros((0, joint_count), bool),
            colour_means=np.zeros((0, joint_count, CHANNELS)),
            colour_variances=np.zeros((0, joint_count, CHANNELS)),
            colour_weights=np.zeros((0, joint_count)),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, index: NDArray) -> Tracks:
        """Return the people at ``index`` (integers or a mask), in that order."""
        chosen = {}
        for f in fields(self):
            value = getattr(self, f.name)
            chosen[f.name] = value.select(index) if f.name == "bodies" else value[index]
        return Tracks(**chosen)

    def followed_by(self, other: Tracks) -> Tracks:
        """Return these people and then the others."""
        joined = {
            f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
            for f in fields(self)
            if f.name != "bodies"
        }
        joined["bodies"] = Bodies(
            **{
                f.name: np.concatenate([getattr(self.bodies, f.name), getattr(other.bodies, f.name)])
                for f in fields(Bodies)
            }
        )
        return Tracks(**joined)
