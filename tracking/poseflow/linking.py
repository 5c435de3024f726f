"""Identities from poses and feature matches, frame after frame; pictures are not needed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from tracking.appearance import Appearance, unknown_appearance
from tracking.motion import camera_motion, move_points, still_camera
from tracking.parameters import FloatArray
from tracking.poseflow.assignment import IntArray, assign, give_ids
from tracking.poseflow.memory import Memory, predict, remember
from tracking.poseflow.parameters import PoseFlowParameters
from tracking.reidentification import weigh_appearance
from tracking.similarity import People, select_people, similarity_matrix


class Linker:
    """Gives identities to the people of one frame after another.

    It keeps the latest appearance of every identity within ``link_frames`` updates and nothing
    else, so its size does not depend on how long the clip is.
    """

    def __init__(self, parameters: PoseFlowParameters) -> None:
        """Start with nobody seen; identities begin at 1."""
        self.parameters = parameters
        self.memory: Memory | None = None
        self.highest_id = 0

    def link(
        self,
        people: People,
        correspondences: ArrayLike,
        size: tuple[int, int],
        appearance_of: Callable[[People], Appearance] | None = None,
        frames: int = 1,
    ) -> IntArray:
        """Return the identities of the people of the next frame, (M,).

        Args:
            people: from :func:`tracking.similarity.describe_people`, M.
            correspondences: matches x1 y1 x2 y2 from the frame before, in pixels, (R, 4).
            size: (width, height) of the picture in pixels.
            appearance_of: gives the colours of the people, M, from those who are leaving the
                picture and may stand before them; None where it is not measured.
            frames: frames of the clip since the latest call; above 1 when some were left out.

        Raises:
            ValueError: the people have another number of joints than those before.
        """
        # predict: N known people where the camera's motion and their own bring them
        memory = self._memory_for(people)
        camera = self._camera(memory, correspondences)
        expected = self._expected(memory, camera, frames, size)
        # similarity: of the N with the M people of the frame, (N, M)
        similarities = self._similarities(memory, expected, people, correspondences, frames)
        appearance = unknown_appearance(*people.joint_counts.shape)
        if appearance_of is not None:
            appearance = appearance_of(self._leaving(memory, expected, similarities, frames, size))
        if self.parameters.reid is not None:
            moved = replace(memory, keypoints_xy=move_points(memory.keypoints_xy, camera))
            similarities = weigh_appearance(
                similarities, moved, people, appearance, frames, size, self.parameters
            )
        # assign, and spawn: whom nobody known matches gets the next identity, (M,)
        ids = give_ids(similarities, memory.ids, self.parameters.match_threshold, self.highest_id)
        self.highest_id = max(self.highest_id, int(ids.max(initial=0)))
        # update, and forget: those out of sight for longer than the window
        self.memory = remember(memory, ids, people, appearance, camera, frames, self.parameters)
        return ids

    def forget(self) -> None:
        """Make everybody new from here on, as after a cut; identities go on counting."""
        self.memory = None

    def _memory_for(self, people: People) -> Memory:
        joint_count = people.keypoints_xy.shape[1]
        if self.memory is None:
            return Memory.empty(joint_count)
        known = self.memory.keypoints_xy.shape[1]
        if known != joint_count:
            raise ValueError(f"poses have {joint_count} joints, those before had {known}")
        return self.memory

    def _camera(self, memory: Memory, correspondences: ArrayLike) -> FloatArray:
        if not self.parameters.predict_motion:
            return still_camera()
        return camera_motion(correspondences, memory.boxes_xyxy[memory.unseen_updates == 0])

    def _expected(
        self, memory: Memory, camera: FloatArray, frames: int, size: tuple[int, int]
    ) -> People:
        """Return everybody known where they should be in the new frame."""
        if not self.parameters.predict_motion:
            return memory.people()
        return predict(memory, camera, frames, size, self.parameters)

    def _similarities(
        self,
        memory: Memory,
        expected: People,
        people: People,
        correspondences: ArrayLike,
        frames: int,
    ) -> FloatArray:
        parameters = self.parameters
        recent = memory.unseen_updates == 0
        fading = 0.5 ** ((memory.unseen_frames + frames - 1) / parameters.older_half_life)
        fading = np.where(recent, 1.0, fading)
        # whose similarity has faded below the limit cannot be matched by place: not compared
        reachable = recent | (fading * sum(parameters.older_weights) > parameters.match_threshold)
        similarities = np.zeros((len(memory), len(people)))
        similarities[reachable] = similarity_matrix(
            memory.select(reachable).people(),
            people,
            recent[reachable],
            correspondences,
            parameters,
            select_people(expected, reachable) if parameters.predict_motion else None,
        )
        return similarities * fading[:, None]

    def _leaving(
        self,
        memory: Memory,
        expected: People,
        similarities: FloatArray,
        frames: int,
        size: tuple[int, int],
    ) -> People:
        """Return whoever should be half out of the picture and is nobody of the new frame."""
        parameters = self.parameters
        points = expected.keypoints_xy
        outside = ((points < 0) | (points >= np.array(size))).any(-1) & expected.joint_counts
        gone = outside.any(1) & (memory.unseen_frames + frames <= parameters.longest_prediction)
        found, _ = assign(similarities, parameters.match_threshold)
        gone[found] = False
        return select_people(expected, gone)
