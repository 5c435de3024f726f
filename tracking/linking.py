"""Identities from poses and feature matches, frame after frame; pictures are not needed here."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tracking.appearance import colour_likeness
from tracking.assignment import IntArray, give_ids
from tracking.memory import Memory, predict, remember
from tracking.motion import camera_motion, move_points, still_camera
from tracking.parameters import FloatArray, PoseFlowParameters
from tracking.similarity import People, grade_matrix


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
        colours: FloatArray | None = None,
        frames: int = 1,
    ) -> IntArray:
        """Return the identities of the people of the next frame, (M,).

        Args:
            people: from :func:`tracking.similarity.describe_people`, M.
            correspondences: matches x1 y1 x2 y2 from the frame before, in pixels, (R, 4).
            size: (width, height) of the picture in pixels.
            colours: colour histograms of the people, (M, C); None where they are not looked at.
            frames: frames of the clip since the latest call; above 1 when some were left out.

        Raises:
            ValueError: the people have another number of joints than those before.
        """
        shades = np.zeros((len(people), 0)) if colours is None else colours
        memory = self._memory_for(people, shades)
        camera = self._camera(memory, correspondences)
        grades = self._grades(memory, people, correspondences, shades, camera, frames, size)
        ids = give_ids(grades, memory.ids, self.parameters.match_grade, self.highest_id)
        self.highest_id = max(self.highest_id, int(ids.max(initial=0)))
        self.memory = remember(memory, ids, people, shades, camera, frames, self.parameters)
        return ids

    def forget(self) -> None:
        """Make everybody new from here on, as after a cut; identities go on counting."""
        self.memory = None

    def _memory_for(self, people: People, colours: FloatArray) -> Memory:
        joint_count = people.keypoints_xy.shape[1]
        if self.memory is None:
            return Memory.empty(joint_count, colours.shape[1])
        known = self.memory.keypoints_xy.shape[1]
        if known != joint_count:
            raise ValueError(f"poses have {joint_count} joints, those before had {known}")
        return self.memory

    def _camera(self, memory: Memory, correspondences: ArrayLike) -> FloatArray:
        if not self.parameters.predict_motion:
            return still_camera()
        return camera_motion(correspondences, memory.boxes_xyxy[memory.unseen_updates == 0])

    def _grades(
        self,
        memory: Memory,
        people: People,
        correspondences: ArrayLike,
        colours: FloatArray,
        camera: FloatArray,
        frames: int,
        size: tuple[int, int],
    ) -> FloatArray:
        rules = self.parameters
        expected = None
        if rules.predict_motion:
            expected = predict(memory, camera, frames, size, rules)
        recent = memory.unseen_updates == 0
        grades = grade_matrix(memory.people(), people, recent, correspondences, rules, expected)
        fading = 0.5 ** ((memory.unseen_frames + frames - 1) / rules.older_half_life)
        grades *= np.where(recent, 1.0, fading)[:, None]
        if rules.reappearance_weight > 0 and colours.shape[1]:
            likeness = colour_likeness(memory.colours, colours)
            floor = rules.reappearance_floor
            again = rules.reappearance_weight * np.maximum((likeness - floor) / (1 - floor), 0.0)
            again *= self._within_reach(memory, people, camera, frames) * (1 - fading)[:, None]
            grades[~recent] = np.maximum(grades, again)[~recent]
        return grades

    def _within_reach(
        self, memory: Memory, people: People, camera: FloatArray, frames: int
    ) -> FloatArray:
        """Return how near people are to where candidates were last seen, 1 there to 0, (N, M)."""
        at_once, per_frame = self.parameters.reappearance_reach
        sizes = np.maximum((memory.boxes_xyxy[:, 2:] - memory.boxes_xyxy[:, :2]).max(1), 1.0)
        reach = sizes * (at_once + per_frame * (memory.unseen_frames + frames))
        places = move_points(_middles(memory.people()), camera)
        middles = _middles(people)
        distance = np.linalg.norm(places[:, None] - middles[None], axis=-1)
        return np.asarray(np.maximum(1 - (distance / reach[:, None]) ** 2, 0.0), np.float64)


def _middles(people: People) -> FloatArray:
    """Return the mean place of the joints that count, (N, 2)."""
    counts = np.maximum(people.joint_counts.sum(1), 1)[:, None]
    return np.asarray(
        np.einsum("nk,nkc->nc", people.joint_counts, people.keypoints_xy) / counts, np.float64
    )
