"""Filters and derivatives over time, for one series or many; gaps (NaN) stay, each run is alone.

The parameters mean what they mean in Pose2Sim, with whose functions the results agree: a
Butterworth filter of order 4 is a second-order one run forwards and backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from rmpe.kinematics.trajectories import frame_rate, is_constant_rate

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Filter:
    """A filter and its parameters; :meth:`from_text` reads ``butterworth:6Hz:4``."""

    name: str
    """One of :data:`FILTERS`."""
    values: tuple[float, ...] = ()
    """Its parameters, in the order of :data:`FILTERS`."""

    @classmethod
    def from_text(cls, text: str) -> Filter:
        """Return the filter that a word describes, such as ``median:5`` or ``butterworth:6Hz``.

        Raises:
            ValueError: there is no such filter, or a parameter is wrong.
        """
        name, *given = text.strip().lower().split(":")
        if name not in FILTERS:
            raise ValueError(f"got filter {name!r}, there are {', '.join(FILTERS)}")
        kind = FILTERS[name]
        if len(given) > len(kind.parameters):
            named = ", ".join(kind.parameters) or "no parameters"
            raise ValueError(f"filter {text!r} has too many parameters; {name} takes {named}")
        values = list(kind.defaults)
        for place, part in enumerate(given):
            try:
                values[place] = float(part.removesuffix("hz"))
            except ValueError:
                raise ValueError(f"filter {text!r}: {part!r} is no number") from None
        chosen = cls(name, tuple(values))
        kind.check(*chosen.values)
        return chosen

    def __str__(self) -> str:
        return ":".join([self.name, *(f"{value:g}" for value in self.values)])

    def apply(self, series: FloatArray, time_s: FloatArray) -> FloatArray:
        """Return series over time, filtered.

        Where frames are not equally far apart, series are brought to a constant rate for the filter
        and back to the frames' own times.

        Args:
            series: values by frame along the first axis, (F, …); NaN where unknown.
            time_s: time of each frame, rising, (F,).

        Raises:
            ValueError: the cut-off frequency is not below half the frame rate.
        """
        kind = FILTERS[self.name]
        if kind.run is None or len(time_s) < 2:
            return np.array(series, np.float64)
        rate = frame_rate(time_s)
        run = partial(kind.run, rate, *self.values)
        flat = np.array(series, np.float64).reshape(len(time_s), -1)
        constant = is_constant_rate(time_s)
        for column in flat.T:
            for start, stop in known_runs(column):
                part = slice(start, stop)
                if constant:
                    column[part] = run(column[part])
                else:
                    column[part] = _at_constant_rate(run, column[part], time_s[part], rate)
        return flat.reshape(np.shape(series))


@dataclass(frozen=True)
class FilterKind:
    """How a filter is written and run."""

    run: Callable[..., FloatArray] | None
    """From the frame rate, the parameters and one run without gaps to the filtered run."""
    parameters: tuple[str, ...]
    """What its numbers are."""
    defaults: tuple[float, ...]
    """Their values if none are given."""

    def check(self, *values: float) -> None:
        """Raise ``ValueError`` for a parameter that is not above 0, or not whole as frames are."""
        for name, value in zip(self.parameters, values):
            if not (np.isfinite(value) and (value > 0 or (name == "beta" and value == 0))):
                raise ValueError(f"{name} is {value:g}, allowed is more than 0")
            if name in ("frames", "order", "degree") and value != int(value):
                raise ValueError(f"{name} is {value:g}, allowed are whole numbers")
            if name == "order" and value % 2:
                raise ValueError(f"order is {value:g}: it is run twice, allowed are 2, 4, 6, …")


def known_runs(column: FloatArray) -> list[tuple[int, int]]:
    """Return start and end (exclusive) of every run without NaN in a series (F,)."""
    edges = np.diff(np.isfinite(column).astype(np.int8), prepend=0, append=0)
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()))


def derivative(values: FloatArray, time_s: FloatArray) -> FloatArray:
    """Return the change a second of series (F, …) by central differences, one-sided at ends.

    Runs of a single known frame have none; frames need not be equally far apart.
    """
    flat = np.asarray(values, np.float64).reshape(len(time_s), -1)
    result = np.full(flat.shape, np.nan)
    for column, out in zip(flat.T, result.T):
        for start, stop in known_runs(column):
            if stop - start > 1:
                out[start:stop] = np.gradient(column[start:stop], time_s[start:stop])
    return result.reshape(np.shape(values))


def _at_constant_rate(
    run: Callable[[FloatArray], FloatArray], values: FloatArray, time_s: FloatArray, rate: float
) -> FloatArray:
    count = max(round((time_s[-1] - time_s[0]) * rate) + 1, 2)
    grid = np.linspace(time_s[0], time_s[-1], count)
    filtered = run(np.interp(grid, time_s, values))
    return np.interp(time_s, grid, filtered)


def butterworth(rate: float, cutoff_hz: float, order: float, values: FloatArray) -> FloatArray:
    """Return a run low-passed without delay; one too short for the filter stays as it is."""
    if cutoff_hz >= rate / 2:
        raise ValueError(
            f"a cut-off of {cutoff_hz:g} Hz needs more than {2 * cutoff_hz:g} frames a second, "
            f"the clip has {rate:g}: lower it, or take another filter"
        )
    b, a = signal.butter(int(order) // 2, cutoff_hz / (rate / 2))
    if len(values) <= 3 * max(len(a), len(b)):
        return values
    return np.asarray(signal.filtfilt(b, a, values), np.float64)


def savitzky_golay(rate: float, frames: float, degree: float, values: FloatArray) -> FloatArray:
    """Return a run smoothed by polynomials over an odd window; a shorter run stays as it is."""
    window = int(frames) | 1
    if degree >= window:
        raise ValueError(f"degree is {degree:g}, allowed is less than the window's {window} frames")
    if len(values) < window:
        return values
    return np.asarray(signal.savgol_filter(values, window, int(degree)), np.float64)


def median(rate: float, frames: float, values: FloatArray) -> FloatArray:
    """Return the median over an odd window; the ends repeat their last value."""
    return np.asarray(ndimage.median_filter(values, int(frames) | 1, mode="nearest"), np.float64)


def gaussian(rate: float, sigma_frames: float, values: FloatArray) -> FloatArray:
    """Return a run weighed by a Gaussian; the ends are mirrored."""
    return np.asarray(ndimage.gaussian_filter1d(values, sigma_frames), np.float64)


def loess(rate: float, frames: float, values: FloatArray) -> FloatArray:
    """Return a run of local lines through its nearest frames, weights tricube (Cleveland 1979)."""
    count, window = len(values), int(frames)
    if count <= window:
        return values
    if window < 2:
        return values
    places = np.arange(count)
    first = np.clip(places - window // 2, 0, count - window)
    if window % 2 == 0:  # of two windows the one whose farthest frame is nearer; a tie goes left
        later = np.clip(first + 1, 0, count - window)
        far = np.maximum(places - first, first + window - 1 - places)
        far_later = np.maximum(places - later, later + window - 1 - places)
        first = np.where(far_later < far, later, first)
    x = first[:, None] + np.arange(window) - places[:, None]  # (F, W), frames from the own place
    y = values[first[:, None] + np.arange(window)]  # (F, W)
    reach = np.abs(x).max(1, keepdims=True)
    weights = np.clip(1 - (np.abs(x) / reach) ** 3, 0, None) ** 3
    total = weights.sum(1)
    mean_x, mean_y = (weights * x).sum(1) / total, (weights * y).sum(1) / total
    spread = (weights * (x - mean_x[:, None]) ** 2).sum(1)
    covariance = (weights * (x - mean_x[:, None]) * (y - mean_y[:, None])).sum(1)
    slope = np.where(spread > 0, covariance / np.where(spread > 0, spread, 1), 0)
    return np.asarray(mean_y - slope * mean_x, np.float64)


def one_euro(
    rate: float, cutoff_hz: float, beta: float, slope_hz: float, values: FloatArray
) -> FloatArray:
    """Return a run by the One-Euro filter (Casiez et al. 2012), forwards and then backwards."""
    forwards = _one_euro_pass(rate, cutoff_hz, beta, slope_hz, values)
    return _one_euro_pass(rate, cutoff_hz, beta, slope_hz, forwards[::-1])[::-1]


def _one_euro_pass(
    rate: float, cutoff_hz: float, beta: float, slope_hz: float, values: FloatArray
) -> FloatArray:
    def share(cutoff: float) -> float:
        turn = 2 * np.pi * cutoff / rate
        return turn / (turn + 1)

    result = np.array(values, np.float64)
    slope = 0.0
    for place in range(1, len(result)):
        before = result[place - 1]
        raw = (result[place] - before) * rate
        slope += share(slope_hz) * (raw - slope)
        result[place] = before + share(cutoff_hz + beta * abs(slope)) * (result[place] - before)
    return result


FILTERS: dict[str, FilterKind] = {
    "butterworth": FilterKind(butterworth, ("cutoff", "order"), (6.0, 4.0)),
    "savgol": FilterKind(savitzky_golay, ("frames", "degree"), (9.0, 3.0)),
    "median": FilterKind(median, ("frames",), (5.0,)),
    "gaussian": FilterKind(gaussian, ("sigma",), (2.0,)),
    "loess": FilterKind(loess, ("frames",), (9.0,)),
    "one-euro": FilterKind(one_euro, ("cutoff", "beta", "slope"), (2.5, 0.9, 1.0)),
    "none": FilterKind(None, (), ()),
}
"""Every filter by its word."""
