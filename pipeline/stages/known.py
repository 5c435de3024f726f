"""What is remembered of the people who are looked for when the detector misses them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rmpe.records import FloatArray, IntArray, Poses

_MOST_DOUBLINGS = 6


@dataclass(frozen=True, eq=False)
class Known:
    """What is remembered of everybody in view or looked for, one row an identity, ascending."""

    ids: IntArray
    """Identities, (N,)."""
    detections: IntArray
    """Frames in which the detector found them, (N,)."""
    frames: IntArray
    """Index of the frame in which it did last, (N,)."""
    joint_scores: FloatArray
    """Joints' scores when last found, (N, K)."""
    usual_scores: FloatArray
    """Mean joint score when last detected, (N,)."""
    box_scores: FloatArray
    """Box score when last detected, (N,)."""
    boxes_xyxy: FloatArray
    """Box when last found, (N, 4)."""
    failures: IntArray
    """Looks since then that found nothing, (N,)."""
    waits: IntArray
    """Frames to come in which nobody looks for them, (N,)."""

    @classmethod
    def nobody(cls, joint_count: int) -> Known:
        """Return the memory of a clip's start."""
        none, floats = np.zeros(0, np.int64), np.zeros(0, np.float32)
        joints, boxes = np.zeros((0, joint_count), np.float32), np.zeros((0, 4), np.float32)
        return cls(none, none, none, joints, floats, floats, boxes, none, none)

    def select(self, index: IntArray) -> Known:
        """Return some rows."""
        return Known(**{name: array[index] for name, array in vars(self).items()})

    def with_detected(self, index: int, poses: Poses) -> Known:
        """Return the memory with everybody whom the detector found and who has an identity.

        Args:
            index: of the frame.
            poses: its people.
        """
        order = np.argsort(poses.ids, kind="stable")
        poses = poses.select(order[poses.ids[order] > 0])
        detections = np.ones(len(poses), np.int64)
        if len(self.ids):
            rows = np.minimum(np.searchsorted(self.ids, poses.ids), len(self.ids) - 1)
            same = self.ids[rows] == poses.ids
            detections[same] += self.detections[rows[same]]
        none = np.zeros(len(poses), np.int64)
        return self._with(
            Known(
                ids=poses.ids,
                detections=detections,
                frames=np.full(len(poses), index, np.int64),
                joint_scores=poses.keypoint_scores,
                usual_scores=poses.keypoint_scores.mean(1),
                box_scores=poses.box_scores,
                boxes_xyxy=poses.boxes_xyxy,
                failures=none,
                waits=none,
            )
        )

    def with_looks(self, ids: IntArray, found: Poses) -> Known:
        """Return the memory after the looks of a frame.

        Who was looked for in vain is left alone for no frame, then 1, 3, 7, ...

        Args:
            ids: who was looked for.
            found: who was found there.
        """
        failed = np.isin(self.ids, ids) & ~np.isin(self.ids, found.ids)
        pauses = 2 ** np.minimum(self.failures, _MOST_DOUBLINGS) - 1
        waits = np.where(failed, pauses, np.maximum(self.waits - 1, 0))
        now = replace(self, failures=self.failures + failed, waits=waits)
        if len(found) == 0:
            return now
        seen = now.select(np.searchsorted(now.ids, found.ids))
        none = np.zeros(len(found), np.int64)
        return now._with(
            replace(
                seen,
                joint_scores=found.keypoint_scores,
                boxes_xyxy=found.boxes_xyxy,
                failures=none,
                waits=none,
            )
        )

    def of_frames_since(self, index: int) -> Known:
        """Return those whom the detector found in that frame or a later one."""
        return self.select(np.flatnonzero(self.frames >= index))

    def _with(self, now: Known) -> Known:
        """Return the memory with these rows in place of those of their identities."""
        before = vars(self.select(np.flatnonzero(~np.isin(self.ids, now.ids))))
        both = Known(
            **{name: np.concatenate([before[name], its]) for name, its in vars(now).items()}
        )
        return both.select(np.argsort(both.ids, kind="stable"))
