"""Stored poses as a table: every value in its place, whichever the rows are."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import rmpe_command
from rmpe.formats import ClipHeader, NativeWriter, read_records
from rmpe.formats.table import to_table, write_table
from rmpe.records import Poses
from rmpe.skeletons import Skeleton, skeleton_from_names

pd = pytest.importorskip("pandas", reason="the extra [table] is not installed")

STICK = Skeleton("stick", ("top", "foot"), ((0, 1),), (0.1, 0.1))


@pytest.fixture
def stick_records(tmp_path: Path) -> Path:
    """Two people in frame 0, one of them without id; nobody in frame 1; one in frame 2."""
    path = tmp_path / "poses.ndjson"
    writer = NativeWriter(path, ClipHeader(STICK, "clip.mp4", 64, 48, 10.0))
    pair = Poses(
        boxes_xyxy=[[0, 1, 2, 3], [4, 5, 6, 7]],
        box_scores=[0.5, 0.25],
        keypoints_xy=[[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
        keypoint_scores=[[0.1, 0.2], [0.3, 0.4]],
        scores=[0.75, 0.125],
        ids=[7, 0],
    )
    writer.write(0, 0.0, pair)
    writer.write(1, 0.1, Poses.empty(2))
    writer.write(2, 0.2, pair.select([0]))
    writer.close()
    return path


def test_a_row_is_a_person_in_a_frame(stick_records: Path) -> None:
    table = to_table(read_records(stick_records))
    assert table.columns.tolist() == [
        "frame", "time_s", "person", "id", "score", "box_score", "x1", "y1", "x2", "y2",
        "top_x", "top_y", "top_score", "foot_x", "foot_y", "foot_score",
    ]  # fmt: skip
    assert table["frame"].tolist() == [0, 0, 2] and table["person"].tolist() == [0, 1, 0]
    assert table["id"].isna().tolist() == [False, True, False]
    assert table["id"].dropna().tolist() == [7, 7] and str(table["id"].dtype) == "Int64"
    assert table.loc[1, ["x1", "y1", "x2", "y2"]].tolist() == [4, 5, 6, 7]
    assert table.loc[1, ["foot_x", "foot_y"]].tolist() == [7, 8]
    np.testing.assert_allclose(table["foot_score"], [0.2, 0.4, 0.2], rtol=1e-6)
    assert table.attrs["frame_count"] == 3 and table.attrs["skeleton"] == "stick"


def test_a_row_is_a_joint_of_a_person(stick_records: Path) -> None:
    table = to_table(read_records(stick_records), "joints")
    assert table.columns.tolist() == [
        "frame", "time_s", "person", "id", "joint", "x", "y", "score",
    ]  # fmt: skip
    assert table["joint"].tolist() == ["top", "foot"] * 3
    assert table["x"].tolist() == [1, 3, 5, 7, 1, 3]
    assert table["id"].isna().tolist() == [False, False, True, True, False, False]
    assert table.groupby("joint", observed=True)["y"].max().to_dict() == {"top": 6, "foot": 8}


@pytest.mark.parametrize("rows", ["people", "joints"])
def test_nobody_is_an_empty_table_with_its_columns(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "p.ndjson"
    writer = NativeWriter(path, ClipHeader(STICK))
    writer.write(0, 0.0, Poses.empty(2))
    writer.close()
    table = to_table(read_records(path), rows)
    assert len(table) == 0 and table.attrs["frame_count"] == 1
    assert table["time_s"].dtype == float and str(table["id"].dtype) == "Int64"


@pytest.mark.parametrize("rows", ["people", "joints"])
def test_a_parquet_file_gives_the_table_back(
    stick_records: Path, tmp_path: Path, rows: str
) -> None:
    pytest.importorskip("pyarrow", reason="the extra [table] is not installed")
    count = write_table(tmp_path / "out" / "p.parquet", read_records(stick_records), rows)
    table = to_table(read_records(stick_records), rows)
    assert count == len(table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "p.parquet"), table)


def test_the_command_writes_tables(stick_records: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    arguments = ["convert", str(stick_records), "--to", "csv", "-o", str(out), "--rows", "joints"]
    run = CliRunner().invoke(rmpe_command, arguments)
    assert run.exit_code == 0 and "6 rows" in run.output
    assert out.read_text().splitlines()[3] == "0,0.0,1,,top,5.0,6.0,0.3"
    run = CliRunner().invoke(rmpe_command, [*arguments[:3], "parquet", "-o", str(out)])
    assert run.exit_code == 2 and "does not end in .parquet" in run.output


def test_wrong_wishes_are_refused(stick_records: Path, tmp_path: Path) -> None:
    records = read_records(stick_records)
    with pytest.raises(ValueError, match="people, joints"):
        to_table(records, "frames")
    with pytest.raises(ValueError, match=r"\.parquet, \.csv"):
        write_table(tmp_path / "p.xlsx", records)


def test_a_missing_library_names_the_extra(
    stick_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ValueError, match=r"rmpe\[table\]"):
        to_table(read_records(stick_records))


def test_text_of_others_is_no_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    names = ("=cmd|' /C calc'!A0.jpg", "@SUM(1).jpg", "-2.jpg", "plain.jpg")
    skeleton = skeleton_from_names("own", ("=joint", "nose"))
    header = ClipHeader(skeleton, image_names=names)
    writer = NativeWriter(tmp_path / "n.ndjson", header)
    for frame in range(4):
        ones = np.ones(1, np.float32)
        box = np.array([[-1.0, 0, 9, 9]], np.float32)
        xy = np.full((1, 2, 2), -3.5, np.float32)
        writer.write(
            frame, 0.0, Poses(box, ones, xy, np.ones((1, 2), "f4"), ones, np.zeros(1, int))
        )
    writer.close()
    for rows in ("people", "joints"):
        write_table(tmp_path / "t.csv", read_records(tmp_path / "n.ndjson"), rows)
        text = (tmp_path / "t.csv").read_text("utf-8")
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert all(cell[0] not in "=+@\t\r" for cell in cells if cell)
        assert {f"'{name}" for name in names[:3]} | {"plain.jpg"} <= set(cells)
        assert "-3.5" in cells  # a number stays one
        assert not any(cell.startswith("-") and not is_number(cell) for cell in cells)


def is_number(cell: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
