"""Whatever names, gaps and identities people have, files of measurements come back as measured."""

from __future__ import annotations

import csv
import tempfile
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpe.formats import ClipHeader, NativeWriter, read_records
from rmpe.kinematics import ClipMeasures, Filter, MeasureOptions, measure_clip, write_measures
from rmpe.kinematics.measuring import PersonMeasures
from rmpe.records import Poses
from rmpe.skeletons import COCO_17, skeleton_from_names

openpyxl = pytest.importorskip("openpyxl", reason="the extra [xlsx] is not installed")
ezc3d = pytest.importorskip("ezc3d", reason="the extra [c3d] is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="the extra [table] is not installed")

FRAMES = 8
PLAIN = MeasureOptions(
    filter=Filter("none"), outliers=False, repair_swaps=False, max_gap=0, px_per_m=100.0
)
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@st.composite
def motions(draw: st.DrawFn) -> tuple[tuple[str, ...], dict[int, np.ndarray]]:
    """Draw joint names and, by identity, joints with gaps, (F, K, 2)."""
    own = draw(st.lists(words, min_size=1, max_size=3, unique=True))
    names = (*COCO_17.joints, *(name for name in own if name not in COCO_17.joints))
    people = {}
    for identity in draw(st.lists(st.integers(1, 2**40), min_size=1, max_size=2, unique=True)):
        numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        xy = numbers.uniform(1, 900, (FRAMES, len(names), 2))
        xy[numbers.random(xy.shape[:2]) < draw(st.sampled_from([0, 0.3, 1.0]))] = np.nan
        people[identity] = xy
    return names, people


def measured(folder: Path, names: tuple[str, ...], people: dict[int, np.ndarray]) -> ClipMeasures:
    """Write the people's records and measure them."""
    skeleton = skeleton_from_names("own", names)
    writer = NativeWriter(folder / "poses.ndjson", ClipHeader(skeleton, "clip.mp4", fps=10.0))
    for frame in range(FRAMES):
        xy = np.stack([person[frame] for person in people.values()])  # (N, K, 2)
        known = np.isfinite(xy[..., 0])
        ones = np.ones(len(people))
        boxes = np.tile([0.0, 0.0, 900.0, 900.0], (len(people), 1))
        joints = np.nan_to_num(xy)
        writer.write(frame, frame / 10, Poses(boxes, ones, joints, known, ones, [*people]))
    writer.close()
    return measure_clip(read_records(folder / "poses.ndjson"), PLAIN)


def columns_of_trc(path: Path) -> tuple[list[str], np.ndarray]:
    """Return a TRC file's marker names and places (F, K, 3), blank as NaN."""
    lines = path.read_text("utf-8").split("\n")
    names = lines[3].split("\t")[2::3]
    rows = [line.split("\t")[2:-1] for line in lines[6:] if line]
    places = np.array([[float(cell or "nan") for cell in row] for row in rows])
    return [name for name in names if name], places.reshape(len(rows), -1, 3)


@settings(max_examples=15, deadline=None)
@given(motion=motions())
def test_measurements_come_back_from_every_kind_of_file(
    motion: tuple[tuple[str, ...], dict[int, np.ndarray]],
) -> None:
    names, people = motion
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        found = measured(folder, names, people)
        write_measures(folder, found, ["csv", "xlsx", "parquet", "trc", "mot", "c3d"])
        with open(folder / "measures.csv", newline="", encoding="utf-8") as file:
            heading, *rows = csv.reader(file)
        book = openpyxl.load_workbook(folder / "measures.xlsx", read_only=True)
        sheet = list(book["measures"].iter_rows(values_only=True))
        book.close()
        table = parquet.read_table(folder / "measures.parquet").to_pydict()
        assert [person.person.identity for person in found.people] == sorted(people)
        assert list(sheet[0]) == heading
        assert {name.removeprefix("'") for name in heading} >= {n.removeprefix("'") for n in table}
        for row, cells in zip(rows, sheet[1:], strict=True):
            for mine, theirs in zip_longest(row, cells):
                assert mine == ("" if theirs is None else str(theirs)) or float(mine) == theirs
        for person in found.people:
            compare_with_files_of_one(folder, person, people[person.person.identity])


def compare_with_files_of_one(folder: Path, person: PersonMeasures, truth: np.ndarray) -> None:
    """Compare TRC, C3D and MOT of a person with where the joints were, 100 pixels a metre."""
    path = folder / f"person{person.person.identity}"
    names, places = columns_of_trc(path.with_suffix(".trc"))
    assert names == list(person.person.joints)
    own = [names.index(name) for name in person.person.joints[: truth.shape[1]]]
    moved = places[:, own, :2] * (100, -100) - truth
    c3d = ezc3d.c3d(str(path.with_suffix(".c3d")))
    assert c3d["parameters"]["POINT"]["LABELS"]["value"] == names
    points = c3d["data"]["points"][:2].transpose(2, 1, 0) / 1000
    np.testing.assert_allclose(points, places[..., :2], atol=2e-6)
    # One shift, the origin, brings all joints to where they were; gaps stay gaps.
    assert (np.isnan(moved) == np.isnan(truth)).all()
    if np.isfinite(moved).any():
        assert np.nanmax(moved, (0, 1)) == pytest.approx(np.nanmin(moved, (0, 1)), abs=1e-3)
    lines = path.with_suffix(".mot").read_text("utf-8").split("\n")
    end = lines.index("endheader")
    angles = np.array([[float(cell) for cell in line.split("\t")] for line in lines[end + 2 : -1]])
    for place, name in enumerate(lines[end + 1].split("\t")[1:], 1):
        kind = "segment_angle" if name.endswith("_segment") else "joint_angle"
        values = person.named(name.removesuffix("_segment"), kind).values
        known = np.isfinite(values)
        np.testing.assert_allclose(angles[known, place], values[known], atol=1e-6)
