"""Steps of a walk: when a foot meets the floor and when it leaves it.

Coordinate method of Zeni, Richards and Higginson (Gait & Posture 2008): a foot meets the floor when
the heel is farthest before the pelvis, and leaves it when the toes are farthest behind it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from rmpe.kinematics.trajectories import Trajectory, frame_rate

FloatArray = NDArray[np.float64]

# No foot meets the floor twice within this time; slower than any runner, faster than any walker.
_SHORTEST_STRIDE_S = 0.4
# Peaks lower than this share of the whole swing are sway, no steps.
_LEAST_SWING = 0.3
# Less than this travelled, in lengths of a swing, is standing or marching on the spot.
_LEAST_TRAVEL = 1.0


@dataclass(frozen=True)
class FootEvent:
    """A foot meets or leaves the floor."""

    time_s: float
    """When, seconds of the clip."""
    frame: int
    """Frame index."""
    side: Literal["left", "right"]
    """The person's own."""
    kind: Literal["contact", "lift"]
    """Whether the foot meets or leaves the floor."""
    x: float
    """Where the heel (else the ankle) is, in the unit of the measurement."""


def foot_events(trajectory: Trajectory, points_x: FloatArray) -> list[FootEvent]:
    """Return when each foot meets and leaves the floor, by rising time; none where nobody walks.

    Args:
        trajectory: the person, cleaned.
        points_x: the joints' place along the floor, in pixels or metres, (F, K).
    """
    if not trajectory.has("pelvis", "left_ankle", "right_ankle") or len(trajectory) < 3:
        return []
    pelvis = points_x[:, trajectory.joints.index("pelvis")]
    known = np.flatnonzero(np.isfinite(pelvis))
    if len(known) < 2:
        return []
    travel = pelvis[known[-1]] - pelvis[known[0]]
    ahead = 1.0 if travel >= 0 else -1.0
    least_apart = max(int(_SHORTEST_STRIDE_S * frame_rate(trajectory.time_s)), 1)
    events: list[FootEvent] = []
    for side in ("left", "right"):
        heel = f"{side}_heel" if trajectory.has(f"{side}_heel") else f"{side}_ankle"
        toes = f"{side}_big_toe" if trajectory.has(f"{side}_big_toe") else f"{side}_ankle"
        heel_x = points_x[:, trajectory.joints.index(heel)]
        toes_x = points_x[:, trajectory.joints.index(toes)]
        kinds: tuple[tuple[Literal["contact", "lift"], FloatArray], ...] = (
            ("contact", ahead * (heel_x - pelvis)),
            ("lift", -ahead * (toes_x - pelvis)),
        )
        for kind, reach in kinds:
            swing = np.nanmax(reach) - np.nanmin(reach) if np.isfinite(reach).any() else 0.0
            if not swing or abs(travel) < _LEAST_TRAVEL * swing:
                continue
            curve = np.where(np.isfinite(reach), reach, np.nanmin(reach))
            peaks, _ = find_peaks(curve, distance=least_apart, prominence=_LEAST_SWING * swing)
            events += [
                FootEvent(
                    float(trajectory.time_s[place]),
                    int(trajectory.frames[place]),
                    side,  # type: ignore[arg-type]
                    kind,
                    float(heel_x[place]),
                )
                for place in peaks.tolist()
                if np.isfinite(heel_x[place]) and np.isfinite(reach[place])
            ]
    return sorted(events, key=lambda event: (event.time_s, event.side))


@dataclass(frozen=True)
class GaitFacts:
    """Means of the strides of one person; NaN where there are too few."""

    contacts: int
    """How often a foot met the floor."""
    stride_s: float
    """From one contact to the next of the same foot."""
    step_s: float
    """From one contact to the next of the other foot."""
    stride_length: float
    """Way of a foot from contact to contact, in the unit of the measurement."""
    cadence_per_min: float
    """Steps a minute."""


def gait_facts(events: Sequence[FootEvent]) -> GaitFacts:
    """Return what the contacts of a walk say."""
    contacts = [event for event in events if event.kind == "contact"]
    strides = [
        (later.time_s - first.time_s, abs(later.x - first.x))
        for side in ("left", "right")
        for first, later in _neighbours([event for event in contacts if event.side == side])
    ]
    steps = [
        later.time_s - first.time_s
        for first, later in _neighbours(contacts)
        if first.side != later.side and later.time_s > first.time_s  # both at once: a landing
    ]
    step_s = float(np.mean(steps)) if steps else float("nan")
    return GaitFacts(
        contacts=len(contacts),
        stride_s=float(np.mean([time for time, _ in strides])) if strides else float("nan"),
        step_s=step_s,
        stride_length=float(np.mean([way for _, way in strides])) if strides else float("nan"),
        cadence_per_min=60.0 / step_s if steps else float("nan"),
    )


def _neighbours(events: Sequence[FootEvent]) -> list[tuple[FootEvent, FootEvent]]:
    return list(itertools.pairwise(events))
