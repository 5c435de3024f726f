"""Gives every person an identity that lasts for the clip."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pipeline.flow import PosedFrame
from pipeline.stage import Stage
from rmpe.records import Frame, Poses
from tracking import OneEuroSmoother, OnlineTracker


class Tracker(Protocol):
    """What a tracker does; :class:`tracking.OnlineTracker` is one."""

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities."""


class SmoothingTracker:
    """A tracker whose people's joints are smoothed over time, apart for every identity."""

    def __init__(self, tracker: Tracker, smoother: OneEuroSmoother | None = None) -> None:
        self._tracker = tracker
        self._smoother = smoother or OneEuroSmoother()

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities, smoothed."""
        return self._smoother.update(frame.timestamp_s, self._tracker.update(frame, poses))


class TrackStage(Stage):
    """Poses in, the same poses with identities out."""

    name = "track"

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        """Link one frame to those before."""
        return [PosedFrame(item.frame, self._tracker.update(item.frame, item.poses))]


def build_tracker(track: bool = True, smooth: bool = False) -> Tracker | None:
    """Return a fresh tracker for one clip, None if identities are not wanted.

    Raises:
        ValueError: smoothing is wanted without identities.
    """
    if smooth and not track:
        raise ValueError("joints are smoothed for every identity: --smooth needs tracking")
    if not track:
        return None
    return SmoothingTracker(OnlineTracker()) if smooth else OnlineTracker()
