"""Pictures of a measurement: every angle over time, a strip of stick figures, gait cycles.

Extra ``plot``. No window is opened and nothing of matplotlib's global state is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rmpe.kinematics._gait import strides
from rmpe.kinematics.measuring import PersonMeasures, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

_COLOURS = {"left": "#d9730d", "right": "#1f6fb5", "": "#2f7d4f"}
_RAW = "#b0b0b0"
_COLUMNS = 3
_FIGURES = 12
"""Stick figures of a page, spread evenly over the clip."""
_SAME_TIME_S = 1e-6
_FIGURE_WIDTH = 0.6
"""Room of a stick figure, as a share of its height."""
_CYCLE_PARTS = 101
"""0 to 100 per cent of a gait cycle."""
_CYCLE_ANGLES = ("hip", "knee", "ankle")
_STICK = (
    *(("neck", "pelvis"), ("neck", "head_top"), ("neck", "nose")),
    *(
        (f"{side}_{first}", f"{side}_{second}")
        for side in ("left", "right")
        for first, second in (
            *(("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")),
            *(("ankle", "heel"), ("heel", "big_toe")),
        )
    ),
    *(("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")),
)


def write_plots(
    folder: Path, person: PersonMeasures, unit: str, formats: Sequence[str]
) -> list[Path]:
    """Draw one person's pictures and return the files; gait cycles only where there are two.

    Args:
        folder: where to.
        person: what was measured.
        unit: of lengths, for the axes.
        formats: ``png``, ``svg`` or both.
    """
    pictures = {
        "angles": angles_figure(person),
        "stick_figures": stick_figure(person, unit),
        "gait_cycles": cycles_figure(person),
    }
    written = []
    for name, figure in pictures.items():
        if figure is None:
            continue
        for suffix in formats:
            written.append(folder / f"person{person.person.identity}_{name}.{suffix}")
            figure.savefig(written[-1], dpi=120)
    return written


def _new_figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def angles_figure(person: PersonMeasures) -> Figure | None:
    """Return every angle over time, as found (grey) and filtered; lines mark foot contacts.

    Left and right of an angle share a picture. None where nothing could be measured.
    """
    groups: dict[str, list[Series]] = {}
    for series in person.of_kind("joint_angle", "segment_angle"):
        if np.isfinite(series.values).any():
            kind = "" if series.kind == "joint_angle" else " (segment)"
            groups.setdefault(_base(series.name) + kind, []).append(series)
    if not groups:
        return None
    rows = -(-len(groups) // _COLUMNS)
    figure = _new_figure(13, 2.3 * rows + 0.6)
    figure.suptitle(f"Person {person.person.identity}: angles, degrees")
    for place, (title, members) in enumerate(groups.items()):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        for series in members:
            side = _side(series.name)
            axes.plot(person.time_s, series.raw, color=_RAW, linewidth=0.8)
            axes.plot(person.time_s, series.values, color=_COLOURS[side], label=side or None)
        for event in person.events:
            if event.kind == "contact":
                axes.axvline(event.time_s, color=_COLOURS[event.side], linewidth=0.5, linestyle=":")
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
        if len(members) > 1:
            axes.legend(fontsize=7, loc="upper right")
        if place >= len(groups) - _COLUMNS:
            axes.set_xlabel("time, s")
    return figure


def stick_figure(person: PersonMeasures, unit: str) -> Figure | None:
    """Return the person at twelve moments, each in its place; None where no limb is known.

    Who goes nowhere is drawn at each moment a little farther to the right instead.
    """
    trajectory = person.person
    sticks = [
        (first, second, [trajectory.place(first), trajectory.place(second)])
        for first, second in _STICK
        if trajectory.has(first, second)
    ]
    seen = np.flatnonzero(np.isfinite(person.places[..., 0]).sum(1) >= 4)
    if not len(seen) or not sticks:
        return None
    chosen = seen[np.unique(np.linspace(0, len(seen) - 1, _FIGURES).astype(int))]
    figure = _new_figure(13, 4.5)
    axes = figure.add_subplot()
    shifts = _shifts(person.places[chosen])
    for frame, shift in zip(chosen.tolist(), shifts.tolist()):
        for first, second, pair in sticks:
            ends = person.places[frame, pair]
            side = _side(first) if _side(first) == _side(second) else ""
            axes.plot(ends[:, 0] + shift, ends[:, 1], color=_COLOURS[side], linewidth=1.6)
        middle = np.nanmean(person.places[frame, :, 0]) + shift
        axes.annotate(
            f"{person.time_s[frame]:.2f} s",
            (float(middle), 0.0),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=7,
        )
    axes.set_aspect("equal", adjustable="datalim")
    if unit == "px":
        axes.invert_yaxis()
    if shifts.any():
        axes.set_xticks([])
    axes.set_xlabel("one moment beside the other" if shifts.any() else f"x, {unit}")
    axes.set_ylabel(f"y, {unit}")
    axes.set_title(f"Person {person.person.identity}: left orange, right blue")
    return figure


def _shifts(places: FloatArray) -> FloatArray:
    """Return how far figures (N, K, 2) are moved so that they do not hide one another, (N,)."""
    middles = np.nanmean(places[..., 0], axis=1)
    heights = np.nanmax(places[..., 1], axis=1) - np.nanmin(places[..., 1], axis=1)
    apart = _FIGURE_WIDTH * float(np.median(heights))
    if np.ptp(middles) > apart * (len(places) - 1) / 2:
        return np.zeros(len(places))
    return np.asarray(middles[0] + apart * np.arange(len(places)) - middles, np.float64)


def cycles_figure(person: PersonMeasures) -> Figure | None:
    """Return hip, knee and ankle over the gait cycle, strides thin and their mean bold.

    A cycle goes from one contact of a foot to its next; None where no foot has two whole ones.
    """
    cycles: dict[str, dict[str, FloatArray]] = {}
    for side in ("left", "right"):
        for joint in _CYCLE_ANGLES:
            found = _cycles(person, side, joint)
            if len(found) >= 2:
                cycles.setdefault(joint, {})[side] = found
    if not cycles:
        return None
    figure = _new_figure(4.3 * len(cycles), 3.4)
    share = np.linspace(0, 100, _CYCLE_PARTS)
    for place, (joint, sides) in enumerate(cycles.items()):
        axes = figure.add_subplot(1, len(cycles), place + 1)
        for side, found in sides.items():
            axes.plot(share, found.T, color=_COLOURS[side], linewidth=0.6, alpha=0.4)
            axes.plot(share, found.mean(0), color=_COLOURS[side], linewidth=2, label=side)
        _label_cycle(axes, joint)
    return figure


def _label_cycle(axes: Axes, joint: str) -> None:
    axes.set_title(joint)
    axes.set_xlabel("gait cycle, %")
    axes.set_ylabel("degrees")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _cycles(person: PersonMeasures, side: str, joint: str) -> FloatArray:
    """Return one angle over every whole stride of a foot, (S, 101)."""
    name = f"{side}_{joint}"
    series: list[Any] = [one for one in person.of_kind("joint_angle") if one.name == name]
    found = []
    for stride in strides(person.events):
        if not series or stride.side != side:
            continue
        start, end = stride.time_s - stride.stride_s, stride.time_s
        inside = (person.time_s > start - _SAME_TIME_S) & (person.time_s <= end)
        values = series[0].values[inside]
        if np.isfinite(values).all():
            grid = np.linspace(start, end, _CYCLE_PARTS)
            found.append(np.interp(grid, person.time_s[inside], values))
    return np.array(found).reshape(-1, _CYCLE_PARTS)


def _side(name: str) -> str:
    side = name.partition("_")[0]
    return side if side in ("left", "right") else ""


def _base(name: str) -> str:
    return name.removeprefix("left_").removeprefix("right_")
