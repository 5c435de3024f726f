"""The trackers that ours is compared with, each behind one door; those not installed say why.

SORT, ByteTrack, OC-SORT and BoT-SORT come from the packages ``trackers`` (roboflow) and ``boxmot``,
at their defaults and without learned appearance. They see the same boxes as ours, whole numbers of
frames, and the pictures where they want them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from rmpe.records import Frame, Poses
from tracking import OnlineTracker


class ClipTracker(Protocol):
    """Gives the people of one frame after another identities; 0 where it gives none."""

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses with identities."""


class RoboflowTracker:
    """A tracker of the package ``trackers``."""

    def __init__(self, name: str) -> None:
        import supervision
        import trackers

        self._detections = supervision.Detections
        self._tracker = getattr(trackers, name)()

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses with identities."""
        count = len(poses)
        found = self._detections(
            xyxy=poses.boxes_xyxy.astype(np.float64).reshape(-1, 4),
            confidence=poses.box_scores.astype(np.float64),
            class_id=np.zeros(count, int),
            data={"row": np.arange(count)},
        )
        tracked = self._tracker.update(found, frame.image_bgr)
        ids = np.zeros(count, np.int64)
        if len(tracked):
            ids[np.asarray(tracked.data["row"], int)] = np.asarray(tracked.tracker_id) + 1
        return poses.with_ids(ids)


class BoxmotTracker:
    """A tracker of the package ``boxmot``."""

    def __init__(self, name: str, **settings: Any) -> None:
        import boxmot

        self._tracker = getattr(boxmot, name)(**settings)

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses with identities."""
        rows = np.concatenate(
            [poses.boxes_xyxy, poses.box_scores[:, None], np.zeros((len(poses), 1))], 1
        )
        tracked = np.asarray(self._tracker.update(rows, frame.image_bgr))
        ids = np.zeros(len(poses), np.int64)
        if tracked.size:
            # columns: x1 y1 x2 y2 id confidence class row
            ids[tracked[:, 7].astype(int)] = tracked[:, 4].astype(np.int64) + 1
        return poses.with_ids(ids)


TRACKERS: dict[str, Callable[[], ClipTracker]] = {
    "ours": OnlineTracker,
    "SORT": lambda: RoboflowTracker("SORTTracker"),
    "ByteTrack": lambda: RoboflowTracker("ByteTrackTracker"),
    "OC-SORT": lambda: BoxmotTracker("OcSort"),
    "BoT-SORT": lambda: BoxmotTracker("BotSort", use_embeddings=False),
}


def make_tracker(name: str) -> ClipTracker | str:
    """Return a fresh tracker, or a sentence that says why there is none."""
    try:
        return TRACKERS[name]()
    except ImportError as error:
        return f"{name} is left out: {error}"
