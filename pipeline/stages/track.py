"""Gives every person an identity that lasts for the clip."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pipeline.flow import PosedFrame
from pipeline.stage import Stage
from rmpe.records import Frame, Poses


class Tracker(Protocol):
    """What a tracker does; :class:`tracking.OnlineTracker` is one."""

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities."""


class TrackStage(Stage):
    """Poses in, the same poses with identities out."""

    name = "track"

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        """Link one frame to those before."""
        return [PosedFrame(item.frame, self._tracker.update(item.frame, item.poses))]
