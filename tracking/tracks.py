"""Everybody who is known: the bounded memory of every identity that is seen or may return."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracking.appearance import CHANNELS
from tracking.kalman import Bodies
from tracking.motion import move_points
from tracking.parameters import FloatArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tracks:
    """N known people, most recently seen first; places are those of the latest sighting."""

    ids: IntArray
    """Identities from 1; a number below 0 for somebody who waits for one, (N,)."""
    sightings: IntArray
    """How often each was seen, (N,)."""
    unseen_frames: IntArray
    """Frames of the clip since the latest sighting, (N,)."""
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

    def __post_init__(self) -> None:
        if len({len(array) for array in vars(self).values()}) > 1:
            raise ValueError("the known people have arrays of different lengths")

    @classmethod
    def empty(cls, joint_count: int) -> Tracks:
        """Return the memory of a tracker that has seen nobody."""
        integers = np.zeros(0, np.int64)
        return cls(
            ids=integers,
            sightings=integers,
            unseen_frames=integers,
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
        return Tracks.from_arrays({name: a[index] for name, a in self.to_arrays().items()})

    def followed_by(self, other: Tracks) -> Tracks:
        """Return these people and then the others."""
        theirs = other.to_arrays()
        return Tracks.from_arrays(
            {name: np.concatenate([a, theirs[name]]) for name, a in self.to_arrays().items()}
        )

    def moved(self, camera: FloatArray) -> Tracks:
        """Return the people as a camera's motion (2, 3) moves them."""
        corners = move_points(self.boxes_xyxy.reshape(-1, 2, 2), camera)
        return replace(
            self,
            bodies=self.bodies.moved(camera),
            keypoints_xy=move_points(self.keypoints_xy, camera),
            boxes_xyxy=corners.reshape(-1, 4),
        )

    def to_arrays(self) -> dict[str, NDArray]:
        """Return every array by its name, for a file."""
        arrays = {name: array for name, array in vars(self).items() if name != "bodies"}
        return arrays | vars(self.bodies)

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Tracks:
        """Return what :meth:`to_arrays` gave."""
        others = dict(arrays)
        bodies = Bodies(**{name: others.pop(name) for name in _OF_BODIES})
        return cls(**others, bodies=bodies)


_OF_BODIES = tuple(f.name for f in fields(Bodies))
