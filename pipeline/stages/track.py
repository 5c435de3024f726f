"""Gives every person an identity that lasts for the clip."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame
from pipeline.stages.propagate import PropagatingTracker
from rmpe.records import Frame, Poses
from tracking import DEFAULT, OneEuroSmoother, OnlineTracker
from tracking.following import LateNames, Naming

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

FRAMES_HELD_BACK = DEFAULT.wait_sightings - 1
"""Most frames that wait for identities which come late."""


class Tracker(Protocol):
    """What a tracker does; :class:`tracking.OnlineTracker` is one."""

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities."""

    @property
    def naming(self) -> Naming:
        """Who of the latest frame waits for an identity, and who of those before has got one."""

    def state(self) -> bytes:
        """Return everything that the tracker knows."""

    def restore(self, state: bytes) -> None:
        """Go on from a saved state; ``ValueError`` if it is none of this tracker's."""


class SmoothingTracker:
    """A tracker whose people's joints are smoothed over time, apart for every identity."""

    def __init__(self, tracker: Tracker, smoother: OneEuroSmoother | None = None) -> None:
        self._tracker = tracker
        self._smoother = smoother or OneEuroSmoother()

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities, smoothed."""
        return self._smoother.update(frame.timestamp_s, self._tracker.update(frame, poses))

    @property
    def naming(self) -> Naming:
        """Who waits for an identity, and who has got one."""
        return self._tracker.naming

    def state(self) -> bytes:
        """Return what tracker and smoother know."""
        buffer = io.BytesIO()
        parts = {"tracker": self._tracker.state(), "smoother": self._smoother.state()}
        arrays = {name: np.frombuffer(part, np.uint8) for name, part in parts.items()}
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    def restore(self, state: bytes) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: the bytes are no state of a smoothing tracker.
        """
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as archive:
                tracker, smoother = archive["tracker"].tobytes(), archive["smoother"].tobytes()
        except (OSError, KeyError, EOFError, ValueError) as error:
            raise ValueError(f"got {len(state)} bytes that are no tracker state") from error
        self._tracker.restore(tracker)
        self._smoother.restore(smoother)


class TrackStage(Stage):
    """Poses in, the same poses with identities out, those that came late filled in.

    Args:
        tracker: gives identities.
        chunk_frames: no frame is held back over a multiple of this many frames; 0: none ever is.
    """

    name = "track"

    def __init__(self, tracker: Tracker, chunk_frames: int = 0) -> None:
        self._tracker = tracker
        self._chunk_frames = chunk_frames
        self._late: LateNames[Frame] = LateNames(FRAMES_HELD_BACK if chunk_frames else 0)
        self._seen = 0

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        """Link one frame to those before."""
        poses = self._tracker.update(item.frame, item.poses)
        done = self._late.take(item.frame, poses, self._tracker.naming)
        self._seen += 1
        if self._chunk_frames and self._seen % self._chunk_frames == 0:
            done += self._late.flush()
        return [PosedFrame(*posed) for posed in done]

    def finish(self) -> Iterable[PosedFrame]:
        """Return the frames that were held back."""
        return [PosedFrame(*posed) for posed in self._late.flush()]


def build_tracker(
    track: bool = True, smooth: bool = False, look: PoseEstimator | None = None
) -> Tracker | None:
    """Return a fresh tracker for one clip, None if identities are not wanted.

    Args:
        track: give identities.
        smooth: smooth the joints of every identity over time.
        look: its pose network looks for people whom the detector missed; None: nobody looks.

    Raises:
        ValueError: smoothing is wanted without identities.
    """
    if smooth and not track:
        raise ValueError("joints are smoothed for every identity: --smooth needs tracking")
    if not track:
        return None
    tracker: Tracker = OnlineTracker()
    if look is not None and look.options.association is None:
        # Joint candidates of a crowd are shared out over the whole picture, not looked for.
        tracker = PropagatingTracker(OnlineTracker(), look)
    return SmoothingTracker(tracker) if smooth else tracker
