"""Repairs before anything is measured: swapped sides, outliers, short gaps."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from rmpe.kinematics.filters import known_runs
from rmpe.kinematics.trajectories import Trajectory

FloatArray = NDArray[np.float64]

HAMPEL_FRAMES = 7
HAMPEL_SIGMAS = 2.0
# Median absolute deviation of a normal distribution, in standard deviations.
_MAD_OF_SIGMA = 0.6745
_SIDES = ("left_", "right_")
_LIMBS = (
    ("hip", "knee", "ankle", "heel", "big_toe", "small_toe"),
    ("shoulder", "elbow", "wrist", "hand_0", "hand_5"),
)
# A swap must explain the frame more than twice as well as what was found.
_SWAP_GAIN = 0.5


def repair_swaps(trajectory: Trajectory) -> tuple[Trajectory, int]:
    """Return a person whose legs or arms no longer change sides for a single frame, and how often.

    A frame is repaired when the left and right joints of the limbs, exchanged, lie less than half
    as far from the middle between the frames before and after as they do unexchanged.
    """
    points = trajectory.points_xy.copy()
    repaired = 0
    for limb in _LIMBS:
        pairs = [
            [trajectory.place(side + joint) for side in _SIDES]
            for joint in limb
            if trajectory.has(*(side + joint for side in _SIDES))
        ]
        if not pairs:
            continue
        left, right = np.array(pairs).T
        for frame in range(1, len(points) - 1):
            middle = (points[frame - 1] + points[frame + 1]) / 2
            kept = _distance(points[frame], middle, left, left, right, right)
            swapped = _distance(points[frame], middle, left, right, right, left)
            if swapped < _SWAP_GAIN * kept:
                points[frame, left], points[frame, right] = (
                    points[frame, right].copy(),
                    points[frame, left].copy(),
                )
                repaired += 1
    return trajectory.with_points(points), repaired


def _distance(
    found: FloatArray,
    middle: FloatArray,
    first: NDArray[np.int64],
    first_as: NDArray[np.int64],
    second: NDArray[np.int64],
    second_as: NDArray[np.int64],
) -> float:
    """Return the summed distance of joints to the places of others, over pairs known in full."""
    parts = [
        np.linalg.norm(found[place] - middle[other], axis=-1)
        for place, other in ((first, first_as), (second, second_as))
    ]
    total = parts[0] + parts[1]
    return float(total[np.isfinite(total)].sum())


def hampel(
    series: FloatArray, frames: int = HAMPEL_FRAMES, sigmas: float = HAMPEL_SIGMAS
) -> tuple[FloatArray, int]:
    """Return series (F, …) whose outliers are replaced by their window's median, and how many.

    An outlier differs from the median of its window by more than ``sigmas`` standard deviations,
    told from the median absolute deviation (Hampel 1974). Windows that are cut by an end or a gap
    are left alone.
    """
    flat = np.array(series, np.float64).reshape(len(series), -1)
    if len(flat) < frames:
        return flat.reshape(np.shape(series)), 0
    windows = np.lib.stride_tricks.sliding_window_view(flat, frames, axis=0)  # (F-w+1, C, w)
    half = frames // 2
    centre = flat[half : len(flat) - half]
    whole = np.asarray(np.isfinite(windows).all(-1), np.bool_)
    medians = np.median(np.where(whole[..., None], windows, 0), axis=-1)
    spread = np.median(np.abs(np.where(whole[..., None], windows, 0) - medians[..., None]), axis=-1)
    with np.errstate(invalid="ignore"):
        apart = _MAD_OF_SIGMA * np.abs(centre - medians)
        wild = np.asarray(whole & (spread > 0) & (apart > sigmas * spread), np.bool_)
    flat[half : len(flat) - half] = np.where(wild, medians, centre)
    return flat.reshape(np.shape(series)), int(wild.sum())


def fill_gaps(series: FloatArray, time_s: FloatArray, max_gap: int) -> tuple[FloatArray, int]:
    """Return series (F, …) with gaps of at most ``max_gap`` frames filled, and how many values.

    Gaps are filled by straight lines over time; what lies before the first and after the last known
    value stays unknown.
    """
    flat = np.array(series, np.float64).reshape(len(series), -1)
    filled = 0
    for column in flat.T:
        runs = known_runs(column)
        for (_, end), (start, _) in itertools.pairwise(runs):
            if start - end > max_gap:
                continue
            ends = [end - 1, start]
            column[end:start] = np.interp(time_s[end:start], time_s[ends], column[ends])
            filled += start - end
    return flat.reshape(np.shape(series)), filled
