"""Files that OpenSim and other biomechanics programs read: TRC, MOT and C3D, one person a file.

TRC and C3D hold places in metres (C3D: millimetres), X along the floor, Y upwards, Z 0. MOT holds
the angles in degrees. All three have a constant frame rate; clips without are brought to one.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmpe._door import extra_module
from rmpe.kinematics.filters import known_runs
from rmpe.kinematics.measuring import PersonMeasures, Series
from rmpe.kinematics.trajectories import frame_rate, is_constant_rate

FloatArray = NDArray[np.float64]


def constant_times(time_s: FloatArray) -> FloatArray:
    """Return times equally far apart over the same span, (G,); those given if they are."""
    if is_constant_rate(time_s):
        return time_s
    count = max(round((time_s[-1] - time_s[0]) * frame_rate(time_s)) + 1, 2)
    return np.linspace(time_s[0], time_s[-1], count)


def _rate(grid: FloatArray) -> float:
    """Return frames a second; of a single frame 1, a file must name some rate."""
    return frame_rate(grid) or 1.0


def at_times(series: FloatArray, time_s: FloatArray, grid: FloatArray) -> FloatArray:
    """Return series (F, C) at other times (G,), by straight lines; gaps stay unknown."""
    if len(grid) == len(time_s) and np.array_equal(grid, time_s):
        return series
    result = np.full((len(grid), series.shape[1]), np.nan)
    for column, out in zip(series.T, result.T):
        for start, stop in known_runs(column):
            inside = (grid >= time_s[start]) & (grid <= time_s[stop - 1])
            out[inside] = np.interp(grid[inside], time_s[start:stop], column[start:stop])
    return result


def write_trc(path: Path, person: PersonMeasures) -> None:
    """Write a person's joints as markers; a joint that is not known in a frame is left blank.

    Every line ends in a tab, so that readers count a last blank too.
    """
    names = person.person.joints
    grid = constant_times(person.time_s)
    places = at_times(person.places.reshape(len(person.time_s), -1), person.time_s, grid)
    xyz = np.zeros((len(grid), len(names), 3))
    xyz[..., :2] = places.reshape(len(grid), len(names), 2)
    xyz[np.isnan(xyz[..., 0])] = np.nan
    rate = f"{_rate(grid):g}"
    axes = [f"{axis}{place}" for place in range(1, len(names) + 1) for axis in "XYZ"]
    heading = (
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\t"
        "OrigNumFrames",
        f"{rate}\t{rate}\t{len(grid)}\t{len(names)}\tm\t{rate}\t1\t{len(grid)}",
        "Frame#\tTime\t" + "\t".join(f"{name}\t\t" for name in names),
        "\t\t" + "\t".join(axes) + "\t",
        "",
    )
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(heading) + "\n")
        for number, (time_s, row) in enumerate(zip(grid.tolist(), xyz.reshape(len(grid), -1)), 1):
            cells = ("" if np.isnan(value) else f"{value:.6f}" for value in row.tolist())
            file.write("\t".join([str(number), f"{time_s:.6f}", *cells, ""]) + "\n")


def mot_series(person: PersonMeasures) -> list[Series]:
    """Return the angles that are known in some frame, joints first, then segments."""
    angles = person.of_kind("joint_angle", "segment_angle")
    return [one for one in angles if np.isfinite(one.values).any()]


def mot_gaps(person: PersonMeasures) -> int:
    """Return how many values of a person's MOT file are made up, see :func:`write_mot`."""
    return sum(int((~np.isfinite(one.values)).sum()) for one in mot_series(person))


def write_mot(path: Path, person: PersonMeasures) -> None:
    """Write a person's angles without gaps, as OpenSim needs them.

    Its Storage ends at the first value that is no number, and takes the row for 0. So what is
    unknown is filled by straight lines, or by the nearest value at the ends; the heading counts
    such values. The tables leave gaps open.
    """
    series = mot_series(person)
    names = [one.name if one.kind == "joint_angle" else f"{one.name}_segment" for one in series]
    grid = constant_times(person.time_s)
    columns = []
    for one in series:
        known = np.isfinite(one.values)
        columns.append(np.interp(grid, person.time_s[known], one.values[known]))
    values = np.stack(columns, 1) if columns else np.zeros((len(grid), 0))
    heading = (
        path.stem,
        "version=1",
        f"nRows={len(grid)}",
        f"nColumns={len(names) + 1}",
        "inDegrees=yes",
        f"filledValues={mot_gaps(person)}",
        "endheader",
        "\t".join(["time", *names]),
    )
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(heading) + "\n")
        for time_s, row in zip(grid.tolist(), values.tolist()):
            cells = (f"{value:.6f}" for value in row)
            file.write("\t".join([f"{time_s:.6f}", *cells]) + "\n")


def write_c3d(path: Path, person: PersonMeasures) -> None:
    """Write a person's joints as points in millimetres; extra ``c3d``.

    Raises:
        ValueError: ezc3d is not installed.
    """
    ezc3d = extra_module("ezc3d", "c3d", "C3D")
    names = person.person.joints
    grid = constant_times(person.time_s)
    places = at_times(person.places.reshape(len(person.time_s), -1), person.time_s, grid)
    points = np.zeros((4, len(names), len(grid)))
    points[:2] = places.reshape(len(grid), len(names), 2).transpose(2, 1, 0) * 1000.0
    points[3] = 1.0
    unknown = np.isnan(points[0])
    points[:3, unknown] = np.nan
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["RATE"]["value"] = [_rate(grid)]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(names)
    file.add_parameter("POINT", "X_SCREEN", "+X")
    file.add_parameter("POINT", "Y_SCREEN", "+Y")
    file["data"]["points"] = points
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.write(str(path))
