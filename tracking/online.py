"""The online tracker: identities for the people of each frame as it comes, in bounded memory."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rmpe.records import Frame, Poses
from tracking.appearance import Looks, look_at, unknown_looks
from tracking.linking import Linker
from tracking.matching import Features, find_features, match_features
from tracking.memory import Memory, add_sightings, predict
from tracking.motion import still_camera
from tracking.parameters import DEFAULT, FloatArray, PoseFlowParameters
from tracking.similarity import People, describe_people

_FEWEST_FEATURES_FOR_CUT = 100


@dataclass(frozen=True, eq=False)
class Missing:
    """People who are known and were not found in the latest frame."""

    ids: NDArray[np.int64]
    """Identities, (N,)."""
    keypoints_xy: FloatArray
    """Where the camera's motion and their own should have brought their joints, (N, K, 2)."""
    unseen_frames: NDArray[np.int64]
    """Frames of the clip since they were seen, (N,), 1 or more."""


class OnlineTracker:
    """PoseFlow without learning: ORB matches, poses and boxes say who is who.

    Every instance counts its own identities from 1 and shares nothing with others.

    Example:
        >>> tracker = OnlineTracker()
        >>> for frame, poses in run:
        ...     poses = tracker.update(frame, poses)
        ...     poses.ids
    """

    def __init__(self, parameters: PoseFlowParameters = DEFAULT) -> None:
        """Start with nobody seen.

        Args:
            parameters: the rules; ``POSEFLOW_REFERENCE`` for the public implementation's own.
        """
        self.parameters = parameters
        self._linker = Linker(parameters)
        self._features = Features.empty()
        self._last_index: int | None = None

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with their identities, in the same order.

        Args:
            frame: the picture, and its place in the clip; frames may be left out, not go back.
            poses: people of that frame, any number of them, also none.

        Raises:
            ValueError: the frame does not come after the latest one, or the number of joints
                is not that of the poses before.
        """
        if self._last_index is not None and frame.index <= self._last_index:
            raise ValueError(f"frame {frame.index} came after frame {self._last_index}")
        frames = 1 if self._last_index is None else frame.index - self._last_index
        size = (frame.width, frame.height)
        people = describe_people(
            poses.keypoints_xy, *size, self.parameters, poses.keypoint_scores, poses.boxes_xyxy
        )
        correspondences = self._match(frame, people)

        def look(leaving: People) -> Looks:
            return look_at(frame.image_bgr, people, poses.keypoint_scores, leaving)

        looks_matter = self.parameters.returns is not None
        ids = self._linker.link(
            people, correspondences, size, look if looks_matter else None, frames
        )
        self._last_index = frame.index
        return poses.with_ids(ids)

    def missing(self, frame: Frame) -> Missing:
        """Return who is known but was not among the poses of the latest frame, latest first.

        Args:
            frame: the one that :meth:`update` got last.
        """
        memory = self._linker.memory
        if memory is None:
            return Missing(np.zeros(0, np.int64), np.zeros((0, 0, 2)), np.zeros(0, np.int64))
        memory = memory.select(memory.unseen_updates > 0)
        size = (frame.width, frame.height)
        expected = predict(memory, still_camera(), 0, size, self.parameters)
        return Missing(memory.ids, expected.keypoints_xy, memory.unseen_frames)

    def add_found(self, frame: Frame, found: Poses) -> None:
        """Take people of the latest frame who were found after :meth:`update`.

        Their colours are not learned: it may be somebody else who stands there.

        Args:
            frame: the one that :meth:`update` got last.
            found: poses whose identities are those of :meth:`missing`.
        """
        memory = self._linker.memory
        if memory is None or len(found) == 0:
            return
        people = describe_people(
            found.keypoints_xy,
            frame.width,
            frame.height,
            self.parameters,
            found.keypoint_scores,
            found.boxes_xyxy,
        )
        looks = unknown_looks(*people.joint_counts.shape)
        self._linker.memory = add_sightings(memory, found.ids, people, looks, self.parameters)

    def _match(self, frame: Frame, people: People) -> FloatArray:
        """Return the matches with the frame before; forget everybody when there was a cut."""
        settings = self.parameters.features
        features = find_features(frame.image_bgr, people.boxes_xyxy, settings)
        correspondences = match_features(self._features, features, settings)
        fewest = min(len(self._features), len(features))
        self._features = features
        is_cut = len(correspondences) < self.parameters.cut_share * fewest
        if is_cut and fewest >= _FEWEST_FEATURES_FOR_CUT:
            self._linker.forget()
        return correspondences

    def state(self) -> bytes:
        """Return everything the tracker knows, as the bytes of an ``.npz`` file."""
        arrays = {
            "parameters": np.array(repr(self.parameters)),
            "highest_id": np.array(self._linker.highest_id),
            "last_index": np.array(-1 if self._last_index is None else self._last_index),
            "feature_points": self._features.points_xy,
            "feature_descriptors": self._features.descriptors,
        }
        memory = self._linker.memory
        if memory is not None:
            arrays |= {f"memory_{f.name}": getattr(memory, f.name) for f in fields(memory)}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    def restore(self, state: bytes) -> None:
        """Go on from a saved state, as if there had been no interruption.

        Raises:
            ValueError: the bytes are no tracker state, or one of a tracker with other parameters.
        """
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            saved = str(arrays["parameters"])
        except (OSError, KeyError, EOFError, ValueError) as error:
            raise ValueError(f"got {len(state)} bytes that are no tracker state") from error
        if saved != repr(self.parameters):
            raise ValueError(
                f"the state was saved with other parameters: {saved}; "
                f"this tracker has {self.parameters!r}; build it with those of the state"
            )
        last_index = int(arrays["last_index"])
        self._last_index = None if last_index < 0 else last_index
        self._features = Features(arrays["feature_points"], arrays["feature_descriptors"])
        self._linker.highest_id = int(arrays["highest_id"])
        self._linker.memory = None
        if "memory_ids" in arrays:
            self._linker.memory = Memory(
                **{f.name: arrays[f"memory_{f.name}"] for f in fields(Memory)}
            )
