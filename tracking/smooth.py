"""One-Euro smoothing of joints, apart for every identity: steady at rest, quick in motion.

Source: Casiez, Roussel, Vogel, "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems", CHI 2012.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rmpe.records import Poses
from tracking.parameters import FloatArray


@dataclass(frozen=True)
class OneEuroParameters:
    """Settings of the filter."""

    cutoff_hz: float = 1.5
    """Cut-off frequency of a joint at rest; lower is steadier."""
    speed_factor: float = 0.02
    """Hertz added to the cut-off for every pixel per second; higher lags less in motion."""
    derivative_cutoff_hz: float = 1.0
    """Cut-off frequency of the speed itself."""
    forget_after_s: float = 1.0
    """An identity unseen for longer starts afresh."""

    def __post_init__(self) -> None:
        if self.cutoff_hz <= 0 or self.derivative_cutoff_hz <= 0 or self.forget_after_s <= 0:
            raise ValueError(
                f"cut-offs {self.cutoff_hz} and {self.derivative_cutoff_hz} Hz and forget_after_s "
                f"{self.forget_after_s} must be positive"
            )
        if self.speed_factor < 0:
            raise ValueError(f"speed_factor is {self.speed_factor}, needed is 0 or more")


@dataclass(frozen=True, eq=False)
class _Track:
    time_s: float
    points: FloatArray
    speeds: FloatArray
    known: NDArray[np.bool_]


class OneEuroSmoother:
    """Smooths the joints of identities over time; people without an identity stay as they are."""

    def __init__(self, parameters: OneEuroParameters | None = None) -> None:
        """Start with no identity known."""
        self.parameters = parameters or OneEuroParameters()
        self._tracks: dict[int, _Track] = {}

    def update(self, timestamp_s: float, poses: Poses) -> Poses:
        """Return the poses of the next frame with smoothed joints.

        Args:
            timestamp_s: time of the frame in seconds, after that of the frame before.
            poses: people with identities; joints of score 0 are neither smoothed nor remembered.
        """
        joints = poses.keypoints_xy.copy()
        for row, identity in enumerate(poses.ids.tolist()):
            if identity > 0:
                known = poses.keypoint_scores[row] > 0
                joints[row] = self._smooth(identity, timestamp_s, joints[row], known)
        limit = timestamp_s - self.parameters.forget_after_s
        self._tracks = {i: track for i, track in self._tracks.items() if track.time_s >= limit}
        return replace(poses, keypoints_xy=joints)

    def state(self) -> bytes:
        """Return everything that is remembered, as the bytes of an ``.npz`` file."""
        tracks = list(self._tracks.values())
        arrays = {
            "ids": np.array(list(self._tracks), np.int64),
            "times_s": np.array([track.time_s for track in tracks], np.float64),
            "points": np.array([track.points for track in tracks], np.float64),
            "speeds": np.array([track.speeds for track in tracks], np.float64),
            "known": np.array([track.known for track in tracks], np.bool_),
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    def restore(self, state: bytes) -> None:
        """Go on from a saved state, as if there had been no interruption.

        Raises:
            ValueError: the bytes are no state of a smoother.
        """
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            columns = [arrays[name] for name in ("ids", "times_s", "points", "speeds", "known")]
        except (OSError, KeyError, EOFError, ValueError) as error:
            raise ValueError(f"got {len(state)} bytes that are no smoother state") from error
        self._tracks = {
            int(identity): _Track(float(time_s), points, speeds, known)
            for identity, time_s, points, speeds, known in zip(*columns)
        }

    def _smooth(
        self, identity: int, time_s: float, joints: NDArray[np.float32], known: NDArray[np.bool_]
    ) -> FloatArray:
        points = joints.astype(np.float64)
        before = self._tracks.get(identity)
        gap = 0.0 if before is None else time_s - before.time_s
        if before is None or gap <= 0 or gap > self.parameters.forget_after_s:
            self._tracks[identity] = _Track(time_s, points, np.zeros_like(points), known)
            return points
        parameters = self.parameters
        share = _smoothing_share(parameters.derivative_cutoff_hz, gap)
        speeds = before.speeds + share * ((points - before.points) / gap - before.speeds)
        cutoff = parameters.cutoff_hz + parameters.speed_factor * np.linalg.norm(speeds, axis=1)
        smooth = before.points + _smoothing_share(cutoff, gap)[:, None] * (points - before.points)
        both = (known & before.known)[:, None]
        smooth = np.where(both, smooth, points)
        speeds = np.where(both, speeds, 0.0)
        self._tracks[identity] = _Track(time_s, smooth, speeds, known)
        return smooth


def _smoothing_share(cutoff_hz: float | FloatArray, gap_s: float) -> FloatArray:
    """Return the share of the new value in an exponential filter, ``1 / (1 + τ / T)``."""
    time_constant = 1 / (2 * np.pi * np.asarray(cutoff_hz, np.float64))
    return np.asarray(1 / (1 + time_constant / gap_s), np.float64)
