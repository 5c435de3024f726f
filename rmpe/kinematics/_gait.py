"""Steps of a walk: when a foot meets the floor and when it leaves it.

Coordinate method of Zeni, Richards and Higginson (Gait & Posture 2008): a foot meets the floor when
the heel is farthest before the pelvis, and leaves it when the toes are farthest behind it. Before
is where somebody goes; of who goes nowhere, on a treadmill or followed by the camera, where they
look.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from rmpe.kinematics.filters import known_runs
from rmpe.kinematics.trajectories import Trajectory, frame_rate

FloatArray = NDArray[np.float64]

# No foot meets the floor twice within this time; slower than any runner, faster than any walker.
_SHORTEST_STRIDE_S = 0.4
# Peaks lower than this share of the whole swing are sway, no steps.
_LEAST_SWING = 0.3
# Who travels less than this, in lengths of a swing, goes nowhere …
_LEAST_TRAVEL = 1.0
# … and walks on the spot only if feet swing by this share of the legs' length: half a short step.
_LEAST_STEP_OF_LEG = 0.35
# The way of somebody is told over so many seconds, about a stride.
_WAY_S = 1.0
# A stride that took longer than this share of the median holds a pause, or a contact unseen.
_LONGEST_STRIDE = 1.5


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
    stride_s: float = float("nan")
    """Since the same event before; NaN if the foot was unseen or its owner turned meanwhile."""
    stride_length: float = float("nan")
    """Way of the heel since then, in the unit of the measurement."""


def foot_events(
    trajectory: Trajectory, places: FloatArray, faces_left: NDArray[np.bool_]
) -> list[FootEvent]:
    """Return when each foot meets and leaves the floor, by rising time; none where nobody walks.

    Args:
        trajectory: the person, cleaned.
        places: the joints in pixels or metres, first along the floor, (F, K, 2).
        faces_left: frames in which the person faces left, (F,).
    """
    if not trajectory.has("pelvis", "left_ankle", "right_ankle"):
        return []
    pelvis, *ankles = (
        places[:, trajectory.place(name)] for name in ("pelvis", "left_ankle", "right_ankle")
    )
    legs = np.linalg.norm(np.concatenate(ankles) - np.concatenate([pelvis, pelvis]), axis=-1)
    if not np.isfinite(legs).any():
        return []
    least_swing = _LEAST_STEP_OF_LEG * float(np.nanmedian(legs))
    events: list[FootEvent] = []
    for start, stop, ahead in _ways(pelvis[:, 0], trajectory.time_s, least_swing, faces_left):
        for side in ("left", "right"):
            heel, toes = (
                places[:, trajectory.place(name if trajectory.has(name) else f"{side}_ankle")]
                for name in (f"{side}_heel", f"{side}_big_toe")
            )
            kinds: tuple[tuple[Literal["contact", "lift"], FloatArray], ...] = (
                ("contact", ahead * (heel - pelvis)[start:stop, 0]),
                ("lift", -ahead * (toes - pelvis)[start:stop, 0]),
            )
            for kind, reach in kinds:
                travel = abs(pelvis[stop - 1, 0] - pelvis[start, 0])
                for run in _runs_of_steps(reach, travel, least_swing, trajectory.time_s):
                    frames = start + run
                    events += _events(trajectory, heel[:, 0], frames, side, kind)  # type: ignore[arg-type]
    return sorted(events, key=lambda event: (event.time_s, event.side))


def _ways(
    pelvis: FloatArray, time_s: FloatArray, least_swing: float, faces_left: NDArray[np.bool_]
) -> Iterator[tuple[int, int, float]]:
    """Yield start, end (exclusive) and direction, 1 or -1, of every walk without turn or gap."""
    for start, stop in known_runs(pelvis):
        times, places = time_s[start:stop], pelvis[start:stop]
        earlier = np.clip(times - _WAY_S / 2, times[0], times[-1])
        later = np.clip(times + _WAY_S / 2, times[0], times[-1])
        way = np.interp(later, times, places) - np.interp(earlier, times, places)
        goes = np.abs(way) * _WAY_S > least_swing * (later - earlier)
        ahead = np.where(goes, np.sign(way), np.where(faces_left[start:stop], -1.0, 1.0))
        turns = np.flatnonzero(np.diff(ahead)) + 1
        for first, last in itertools.pairwise([0, *turns.tolist(), len(ahead)]):
            yield start + first, start + last, float(ahead[first])


def _runs_of_steps(
    reach: FloatArray, travel: float, least_swing: float, time_s: FloatArray
) -> Iterator[NDArray[np.int64]]:
    """Yield the places of the peaks of every run in which a foot is known, (P,) each."""
    if not np.isfinite(reach).any():
        return
    swing = float(np.nanmax(reach) - np.nanmin(reach))
    if not swing or (travel < _LEAST_TRAVEL * swing and swing < least_swing):
        return
    least_apart = max(int(_SHORTEST_STRIDE_S * frame_rate(time_s)), 1)
    for start, stop in known_runs(reach):
        peaks, _ = find_peaks(
            reach[start:stop], distance=least_apart, prominence=_LEAST_SWING * swing
        )
        yield start + peaks


def _events(
    trajectory: Trajectory,
    heel_x: FloatArray,
    frames: NDArray[np.int64],
    side: Literal["left", "right"],
    kind: Literal["contact", "lift"],
) -> list[FootEvent]:
    """Return the events of one run; the heel may be unknown where the toes leave."""
    times, places = trajectory.time_s[frames], heel_x[frames]
    stride_s = np.diff(times, prepend=np.nan)
    lengths = np.abs(np.diff(places, prepend=np.nan))
    indices = trajectory.frames[frames]
    rows = zip(times, indices, places, stride_s, lengths)
    return [
        FootEvent(float(at), int(index), side, kind, float(x), float(time), float(way))
        for at, index, x, time, way in rows
        if np.isfinite(x)
    ]


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


def strides(events: Sequence[FootEvent]) -> list[FootEvent]:
    """Return the contacts that end a stride, without those that hold a pause."""
    ends = [one for one in events if one.kind == "contact" and np.isfinite(one.stride_s)]
    if not ends:
        return []
    longest = _LONGEST_STRIDE * float(np.median([one.stride_s for one in ends]))
    return [one for one in ends if one.stride_s <= longest]


def gait_facts(events: Sequence[FootEvent]) -> GaitFacts:
    """Return what the contacts of a walk say."""
    contacts = [event for event in events if event.kind == "contact"]
    whole = strides(events)
    stride_s = float(np.mean([one.stride_s for one in whole])) if whole else float("nan")
    steps = [
        later.time_s - first.time_s
        for first, later in itertools.pairwise(contacts)
        if first.side != later.side and later.time_s > first.time_s  # both at once: a landing
    ]
    if whole:  # what takes longer than a stride holds a pause, a turn or contacts unseen
        steps = [step for step in steps if step < stride_s]
    step_s = float(np.mean(steps)) if steps else float("nan")
    return GaitFacts(
        contacts=len(contacts),
        stride_s=stride_s,
        step_s=step_s,
        stride_length=float(np.mean([one.stride_length for one in whole]))
        if whole
        else float("nan"),
        cadence_per_min=60.0 / step_s,
    )
