"""Who was seen, when and where: the tracker's bounded memory of every identity that may return."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from tracking.appearance import CHANNELS, Appearance, learn_appearance
from tracking.motion import displacement, move_points
from tracking.parameters import FloatArray
from tracking.poseflow.parameters import PoseFlowParameters
from tracking.similarity import People, joint_boxes

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Memory:
    """The latest appearance of each identity, most recently seen first, in list order."""

    ids: IntArray
    """Identities, (N,)."""
    unseen_updates: IntArray
    """Updates since the latest appearance, (N,); 0: seen in the latest frame."""
    unseen_frames: IntArray
    """Frames of the clip since then, (N,); more than the updates when frames were left out."""
    sightings: IntArray
    """How often each was seen, (N,)."""
    keypoints_xy: FloatArray
    """Joints, in pixels of the latest frame, (N, K, 2)."""
    boxes_xyxy: FloatArray
    """Boxes round the joints, (N, 4)."""
    joint_counts: NDArray[np.bool_]
    """Which joints count, (N, K)."""
    radii_px: FloatArray
    """Half the side of the square round each joint, (N,)."""
    velocities_xy: FloatArray
    """Pixels per frame, the camera's motion taken out, (N, 2)."""
    colour_means: FloatArray
    """Mean colours at each joint, (N, K, 3), as in :class:`tracking.appearance.Appearance`."""
    colour_variances: FloatArray
    """Their variances over the sightings, (N, K, 3)."""
    colour_weights: FloatArray
    """Sightings that the means are of, (N, K); 0 where nobody looked."""

    @classmethod
    def empty(cls, joint_count: int) -> Memory:
        """Return the memory of a tracker that has seen nobody."""
        integers = np.zeros(0, np.int64)
        return cls(
            ids=integers,
            unseen_updates=integers,
            unseen_frames=integers,
            sightings=integers,
            keypoints_xy=np.zeros((0, joint_count, 2)),
            boxes_xyxy=np.zeros((0, 4)),
            joint_counts=np.zeros((0, joint_count), bool),
            radii_px=np.zeros(0),
            velocities_xy=np.zeros((0, 2)),
            colour_means=np.zeros((0, joint_count, CHANNELS)),
            colour_variances=np.zeros((0, joint_count, CHANNELS)),
            colour_weights=np.zeros((0, joint_count)),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, index: NDArray) -> Memory:
        """Return the identities at ``index`` (integers or a mask), in that order."""
        return Memory(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def followed_by(self, other: Memory) -> Memory:
        """Return these identities and then the others."""
        return Memory(
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                for f in fields(self)
            }
        )

    def people(self) -> People:
        """Return everybody where they were last seen, as the similarity needs them."""
        return People(self.keypoints_xy, self.boxes_xyxy, self.joint_counts, self.radii_px)


def predict(
    memory: Memory,
    camera: FloatArray,
    frames: int,
    size: tuple[int, int],
    parameters: PoseFlowParameters,
) -> People:
    """Return everybody where the camera's motion and their own should have brought them.

    Args:
        memory: who was seen.
        camera: the camera's motion to the new frame, (2, 3).
        frames: frames of the clip from the latest update to the new one.
        size: (width, height) of the picture in pixels.
        parameters: how long a velocity is believed, the margin of boxes.
    """
    gaps = np.minimum(memory.unseen_frames + frames, parameters.longest_prediction)
    points = move_points(memory.keypoints_xy, camera)
    points = points + (memory.velocities_xy @ camera[:, :2].T * gaps[:, None])[:, None]
    boxes = joint_boxes(points, memory.joint_counts, *size, parameters.box_margin)
    return People(points, boxes, memory.joint_counts, memory.radii_px)


def remember(
    memory: Memory,
    ids: IntArray,
    people: People,
    appearance: Appearance,
    camera: FloatArray,
    frames: int,
    parameters: PoseFlowParameters,
) -> Memory:
    """Return the memory after a frame in which ``people`` were seen under ``ids``.

    Args:
        memory: before the frame.
        ids: identities of the frame's people, (M,).
        people: the frame's people, M.
        appearance: their colours.
        camera: the camera's motion from the latest update to this one, (2, 3).
        frames: frames of the clip between the two.
        parameters: the window, the memory of velocities.
    """
    aged = replace(
        memory,
        unseen_updates=memory.unseen_updates + 1,
        unseen_frames=memory.unseen_frames + frames,
    )
    if parameters.predict_motion:
        aged = replace(
            aged,
            keypoints_xy=move_points(aged.keypoints_xy, camera),
            velocities_xy=aged.velocities_xy @ camera[:, :2].T,
        )
    rows = {int(identity): row for row, identity in enumerate(memory.ids)}
    known = np.array([rows.get(int(identity), -1) for identity in ids], np.int64)
    kept = ~np.isin(aged.ids, ids) & (aged.unseen_updates < parameters.link_frames)
    unseen = np.flatnonzero(kept)[: parameters.most_unseen]
    return _seen_now(aged, known, ids, people, appearance, parameters).followed_by(
        aged.select(unseen)
    )


def add_sightings(
    memory: Memory,
    ids: IntArray,
    people: People,
    appearance: Appearance,
    parameters: PoseFlowParameters,
) -> Memory:
    """Return the memory after some who were missing in the latest frame were found in it after all.

    Args:
        memory: after the frame, N.
        ids: of those found, all of them in ``memory``, (M,).
        people: where they were found, M.
        appearance: their colours.
        parameters: the memory of velocities.
    """
    rows = {int(identity): row for row, identity in enumerate(memory.ids)}
    known = np.array([rows[int(identity)] for identity in ids], np.int64)
    found = _seen_now(memory, known, ids, people, appearance, parameters)
    others = memory.select(~np.isin(memory.ids, ids))
    now = others.unseen_updates == 0
    return others.select(now).followed_by(found).followed_by(others.select(~now))


def _seen_now(
    aged: Memory,
    known: IntArray,
    ids: IntArray,
    people: People,
    appearance: Appearance,
    parameters: PoseFlowParameters,
) -> Memory:
    """Return the memory of the people of the new frame; ``known`` are their rows before, or -1."""
    count = len(ids)
    velocities = np.zeros((count, 2))
    sightings = np.ones(count, np.int64)
    means, variances = appearance.colours.copy(), np.zeros_like(appearance.colours)
    weights = appearance.weights.copy()
    old = known >= 0
    before = aged.select(known[old])
    sightings[old] = before.sightings + 1
    if parameters.predict_motion:
        both = before.joint_counts & people.joint_counts[old]
        moved = displacement(before.keypoints_xy, people.keypoints_xy[old], both)
        moved /= before.unseen_frames[:, None]
        share = np.minimum(parameters.velocity_memory, 1 - 1 / before.sightings)[:, None]
        velocities[old] = share * before.velocities_xy + (1 - share) * moved
    if parameters.reid is not None:
        means[old], variances[old], weights[old] = learn_appearance(
            before.colour_means,
            before.colour_variances,
            before.colour_weights,
            appearance.select(old),
            parameters.reid.longest_memory,
        )
    zeros = np.zeros(count, np.int64)
    return Memory(
        ids=np.asarray(ids, np.int64),
        unseen_updates=zeros,
        unseen_frames=zeros,
        sightings=sightings,
        keypoints_xy=people.keypoints_xy,
        boxes_xyxy=people.boxes_xyxy,
        joint_counts=people.joint_counts,
        radii_px=people.radii_px,
        velocities_xy=velocities,
        colour_means=means,
        colour_variances=variances,
        colour_weights=weights,
    )
