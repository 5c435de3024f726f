"""The online tracker: identities for the people of each frame as it comes, in bounded memory."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rmpe.records import Frame, Poses
from tracking.appearance import Appearance, measure_appearance, unknown_appearance
from tracking.following import Explanation, Follower, Naming
from tracking.kalman import predict_bodies
from tracking.matching import Features, find_features, match_features
from tracking.motion import glance_at, looks_cut, still_camera
from tracking.parameters import DEFAULT, FloatArray, TrackerParameters
from tracking.poseflow.linking import Linker
from tracking.poseflow.memory import Memory, add_sightings, predict
from tracking.poseflow.parameters import PoseFlowParameters
from tracking.similarity import People, describe_people
from tracking.tracks import Tracks

_FEWEST_FEATURES_FOR_CUT = 100
"""With fewer in either frame, few matches mean an even picture."""
_USUAL_FRAMES_A_SECOND = 25.0
"""Where times are no guide."""
_LONGEST_FRAME_S = 10.0
"""Times further apart than this for each frame are no guide."""


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
    """ORB matches, poses, boxes and colours say who is who; nothing is learned from data.

    Every instance counts its own identities from 1 and shares nothing with others.

    Example:
        >>> tracker = OnlineTracker()
        >>> for frame, poses in run:
        ...     poses = tracker.update(frame, poses)
        ...     poses.ids
    """

    def __init__(self, parameters: TrackerParameters | PoseFlowParameters = DEFAULT) -> None:
        """Start with nobody seen.

        Args:
            parameters: the rules; ``POSEFLOW_REFERENCE`` for the public implementation's own.
        """
        self.parameters = parameters
        self._follower = Follower(parameters) if isinstance(parameters, TrackerParameters) else None
        self._linker = Linker(parameters) if isinstance(parameters, PoseFlowParameters) else None
        self._last_s = 0.0
        self._features = Features.empty()
        self._glance = np.zeros((0, 0))
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

        def appearance_of(leaving: People) -> Appearance:
            return measure_appearance(frame.image_bgr, people, poses.keypoint_scores, leaving)

        measured = appearance_of if self.parameters.reid is not None else None
        if self._linker is not None:
            ids = self._linker.link(people, correspondences, size, measured, frames)
        else:
            ids = self._following.update(
                people,
                poses.boxes_xyxy,
                poses.box_scores,
                poses.keypoint_scores,
                correspondences,
                size,
                measured,
                self._gap_s(frame, frames),
                frames,
            )
        self._last_index, self._last_s = frame.index, frame.timestamp_s
        return poses.with_ids(ids)

    @property
    def _following(self) -> Follower:
        assert self._follower is not None
        return self._follower

    @property
    def explanation(self) -> Explanation | None:
        """Why the people of the latest frame got their identities; None for PoseFlow's rules."""
        return None if self._follower is None else self._follower.explanation

    @property
    def naming(self) -> Naming:
        """Who of the latest frame waits for an identity, and who of those before has got one."""
        return Naming.of_nobody() if self._follower is None else self._follower.naming

    def _gap_s(self, frame: Frame, frames: int) -> float:
        """Return the seconds since the latest frame; as at 25 a second where times are no guide."""
        gap = frame.timestamp_s - self._last_s
        if self._last_index is not None and 0 < gap <= _LONGEST_FRAME_S * frames:
            return gap
        return frames / _USUAL_FRAMES_A_SECOND

    def missing(self, frame: Frame) -> Missing:
        """Return who is known but was not among the poses of the latest frame, latest first.

        Args:
            frame: the one that :meth:`update` got last.
        """
        nobody = Missing(np.zeros(0, np.int64), np.zeros((0, 0, 2)), np.zeros(0, np.int64))
        if self._linker is not None:
            memory = self._linker.memory
            if memory is None:
                return nobody
            memory = memory.select(memory.unseen_updates > 0)
            size = (frame.width, frame.height)
            expected = predict(memory, still_camera(), 0, size, self._linker.parameters)
            return Missing(memory.ids, expected.keypoints_xy, memory.unseen_frames)
        tracks = self._following.tracks
        if tracks is None:
            return nobody
        tracks = tracks.select((tracks.unseen_frames > 0) & (tracks.ids > 0))
        motion = self._following.parameters.motion
        shift = predict_bodies(tracks.bodies, tracks.unseen_s, motion).places_xy
        shift = shift - tracks.bodies.places_xy  # (N, 2)
        return Missing(tracks.ids, tracks.keypoints_xy + shift[:, None], tracks.unseen_frames)

    def add_found(self, frame: Frame, found: Poses) -> None:
        """Take people of the latest frame who were found after :meth:`update`.

        Their colours are not learned: it may be somebody else who stands there.

        Args:
            frame: the one that :meth:`update` got last.
            found: poses whose identities are those of :meth:`missing`.
        """
        if len(found) == 0:
            return
        people = describe_people(
            found.keypoints_xy,
            frame.width,
            frame.height,
            self.parameters,
            found.keypoint_scores,
            found.boxes_xyxy,
        )
        appearance = unknown_appearance(*people.joint_counts.shape)
        if self._linker is None:
            self._following.add_found(people, found.ids)
        elif self._linker.memory is not None:
            parameters = self._linker.parameters
            self._linker.memory = add_sightings(
                self._linker.memory, found.ids, people, appearance, parameters
            )

    def _match(self, frame: Frame, people: People) -> FloatArray:
        """Return the matches with the frame before; forget everybody when there was a cut."""
        settings = self.parameters.features
        features = find_features(frame.image_bgr, people.boxes_xyxy, settings)
        correspondences = match_features(self._features, features, settings)
        fewest = min(len(self._features), len(features))
        self._features = features
        few = len(correspondences) < self.parameters.cut_share * fewest
        before, self._glance = self._glance, glance_at(frame.image_bgr)
        if few and fewest >= _FEWEST_FEATURES_FOR_CUT and looks_cut(before, self._glance):
            (self._linker or self._following).forget()
        return correspondences

    def state(self) -> bytes:
        """Return everything the tracker knows, as the bytes of an ``.npz`` file."""
        arrays = {
            "parameters": np.array(repr(self.parameters)),
            "highest_id": np.array((self._linker or self._following).highest_id),
            "last_s": np.array(self._last_s),
            "last_index": np.array(-1 if self._last_index is None else self._last_index),
            "feature_points": self._features.points_xy,
            "feature_descriptors": self._features.descriptors,
            "glance": self._glance,
        }
        memory = None if self._linker is None else self._linker.memory
        if memory is not None:
            arrays |= {f"memory_{f.name}": getattr(memory, f.name) for f in fields(memory)}
        tracks = None if self._follower is None else self._follower.tracks
        if tracks is not None:
            arrays |= {f"tracks_{name}": array for name, array in tracks.to_arrays().items()}
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
        self._glance = arrays["glance"]
        self._last_s = float(arrays["last_s"])
        highest_id = int(arrays["highest_id"])
        if self._linker is not None:
            self._linker.highest_id = highest_id
            self._linker.memory = None
            if "memory_ids" in arrays:
                self._linker.memory = Memory(
                    **{f.name: arrays[f"memory_{f.name}"] for f in fields(Memory)}
                )
            return
        self._following.highest_id = highest_id
        known = {name[7:]: array for name, array in arrays.items() if name.startswith("tracks_")}
        self._following.tracks = Tracks.from_arrays(known) if known else None
