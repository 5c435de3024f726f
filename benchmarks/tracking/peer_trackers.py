"""The trackers that ours is compared with, each behind one door; those not installed say why.

SORT, ByteTrack, OC-SORT and BoT-SORT come from the packages ``trackers`` (roboflow) and ``boxmot``,
at their defaults and without learned appearance. They see the same boxes as ours, whole numbers of
frames, and the pictures where they want them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from pipeline.stored.plain_trackers import PlainTracker
from rmpe.records import Frame, Poses
from tracking import OnlineTracker

_THEIR_FRAME_RATE = 30.0  # their default


class ClipTracker(Protocol):
    """Gives the people of one frame after another identities; 0 where it gives none."""

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses with identities."""


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
    "SORT": lambda: PlainTracker("sort", _THEIR_FRAME_RATE),
    "ByteTrack": lambda: PlainTracker("bytetrack", _THEIR_FRAME_RATE),
    "OC-SORT": lambda: BoxmotTracker("OcSort"),
    "BoT-SORT": lambda: BoxmotTracker("BotSort", use_embeddings=False),
}


def make_tracker(name: str) -> ClipTracker | str:
    """Return a fresh tracker, or a sentence that says why there is none."""
    try:
        return TRACKERS[name]()
    except (ImportError, ValueError) as error:
        return f"{name} is left out: {error}"
