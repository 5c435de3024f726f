"""OpenSim's own readers find in TRC and MOT what the tables hold."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rmpe import read_records
from rmpe.kinematics import MeasureOptions, measure_clip, write_measures
from tests.helpers.stick_walker import write_walker

TIMES = np.arange(60) / 30.0

# OpenSim logs into the folder it runs in and writes to the process' own streams: it gets its own.
_READ = """
import sys
import numpy as np
import opensim

opensim.Logger.removeFileSink()
markers = opensim.TimeSeriesTableVec3(sys.argv[1])
flat = markers.flatten()  # three columns a marker
places = np.stack([flat.getDependentColumn(name).to_numpy() for name in flat.getColumnLabels()], 1)
motion = opensim.Storage(sys.argv[2])
labels = motion.getColumnLabels()
names = [labels.get(place) for place in range(1, labels.getSize())]
angles = []
for name in names:
    column = opensim.ArrayDouble()
    motion.getDataColumn(name, column)
    angles.append([column.get(row) for row in range(column.getSize())])
times = opensim.ArrayDouble()
motion.getTimeColumn(times)
np.savez(
    sys.argv[3],
    marker_names=list(markers.getColumnLabels()),
    marker_times=np.array(markers.getIndependentColumn()),
    unit=markers.getTableMetaDataString("Units"),
    rate=float(markers.getTableMetaDataString("DataRate")),
    places=places.reshape(len(places), -1, 3),
    angle_names=names,
    angle_times=[times.get(row) for row in range(times.getSize())],
    angles=np.array(angles).T,
    in_degrees=motion.isInDegrees(),
)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measures of a walker whose left knee is unknown in some frames, with OpenSim's view."""
    pytest.importorskip("opensim", reason="OpenSim is not installed: pip install opensim")
    folder = tmp_path_factory.mktemp("opensim")
    path = write_walker(folder / "poses.ndjson", TIMES, unknown=("left_knee", slice(20, 40)))
    measures = measure_clip(read_records(path), MeasureOptions(px_per_m=200.0))
    write_measures(folder, measures, ["csv", "trc", "mot"])
    subprocess.run(
        [sys.executable, "-c", _READ, "person1.trc", "person1.mot", "seen.npz"],
        cwd=folder,
        check=True,
        timeout=100,
    )
    return folder


def _columns(folder: Path) -> dict[str, np.ndarray]:
    with open(folder / "measures.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != "faces"]
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def test_opensim_finds_the_places_of_the_table_in_trc(folder: Path) -> None:
    table, seen = _columns(folder), np.load(folder / "seen.npz")
    assert (str(seen["unit"]), float(seen["rate"])) == ("m", 30.0)
    np.testing.assert_allclose(seen["marker_times"], table["time_s"], atol=1e-6)
    assert "left_knee" in seen["marker_names"] and "pelvis" in seen["marker_names"]
    for place, name in enumerate(seen["marker_names"].tolist()):
        expected = np.stack([table[f"{name}_x_m"], table[f"{name}_y_m"]], -1)
        np.testing.assert_allclose(seen["places"][:, place, :2], expected, atol=1e-6)
    gap = np.isnan(table["left_knee_x_m"])
    assert gap.sum() == 20 and not seen["places"][~gap][..., 2].any()


def test_opensim_finds_the_angles_of_the_table_in_mot(folder: Path) -> None:
    table, seen = _columns(folder), np.load(folder / "seen.npz")
    assert bool(seen["in_degrees"]) and len(seen["angle_names"]) > 20
    np.testing.assert_allclose(seen["angle_times"], table["time_s"], atol=1e-6)
    for place, name in enumerate(seen["angle_names"].tolist()):
        expected = table[f"{name}_deg"]
        known = np.isfinite(expected)
        np.testing.assert_allclose(seen["angles"][known, place], expected[known], atol=1e-6)
    assert np.isfinite(seen["angles"]).all() and np.isnan(table["left_knee_deg"]).sum() == 20


def test_reading_leaves_no_log(folder: Path) -> None:
    assert not list(folder.glob("*.log"))
