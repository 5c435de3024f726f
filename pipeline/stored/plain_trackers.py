"""SORT, ByteTrack and OC-SORT of the package ``trackers``, to compare with; boxes alone decide."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from rmpe.records import Frame, Poses

PlainTracking = Literal["bytetrack", "ocsort", "sort"]
_CLASSES: dict[PlainTracking, str] = {
    "bytetrack": "ByteTrackTracker",
    "ocsort": "OCSORTTracker",
    "sort": "SORTTracker",
}
_USUAL_FRAMES_A_SECOND = 25.0
"""Where neither clip nor records say."""


class PlainTracker:
    """A tracker of the package ``trackers`` at its defaults, for one clip."""

    def __init__(self, name: PlainTracking, frames_a_second: float = 0.0) -> None:
        """Start with nobody seen.

        Args:
            name: which one.
            frames_a_second: of the clip; 25 where it is not known, 0.

        Raises:
            ValueError: there is no such tracker, or the package is not installed.
        """
        if name not in _CLASSES:
            raise ValueError(f"got tracker {name!r}, supported are {get_args(PlainTracking)}")
        try:
            import supervision
            import trackers
        except ImportError as error:
            raise ValueError(
                f"tracker {name} needs the extra: pip install 'rmpe[trackers]'"
            ) from error
        self._detections = supervision.Detections
        rate = frames_a_second or _USUAL_FRAMES_A_SECOND
        self._tracker = getattr(trackers, _CLASSES[name])(frame_rate=rate)

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities from 1, 0 for those who have none.

        Args:
            frame: not looked at.
            poses: people of that frame, any number of them.
        """
        count = len(poses)
        found = self._detections(
            xyxy=poses.boxes_xyxy.astype(np.float64).reshape(-1, 4),
            confidence=poses.box_scores.astype(np.float64),
            class_id=np.zeros(count, int),
            data={"row": np.arange(count)},
        )
        tracked = self._tracker.update(found)
        ids = np.zeros(count, np.int64)
        if len(tracked):
            ids[np.asarray(tracked.data["row"], int)] = np.asarray(tracked.tracker_id) + 1
        return poses.with_ids(ids)
