"""What is written says the same in every kind of file, to readers that are not our own."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rmpe import read_records
from rmpe.kinematics import ClipMeasures, MeasureOptions, measure_clip, write_measures
from rmpe.kinematics.outputs import long_table, wide_table
from rmpe.kinematics.outputs.tables import Table, write_csv, write_xlsx
from tests.helpers.stick_walker import true_angles, write_walker

TIMES = np.arange(150) / 30.0


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> ClipMeasures:
    path = tmp_path_factory.mktemp("walk") / "poses.ndjson"
    write_walker(path, TIMES, unknown=("left_knee", slice(30, 50)))
    return measure_clip(read_records(path), MeasureOptions(px_per_m=200.0))


def _csv(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_holds_what_was_measured(measures: ClipMeasures, tmp_path: Path) -> None:
    write_measures(tmp_path, measures)
    rows = _csv(tmp_path / "measures.csv")
    assert len(rows) == len(TIMES) and rows[0]["id"] == "1" and rows[3]["time_s"] == "0.1"
    truth = true_angles(TIMES)["right_hip"]
    found = np.array([float(row["right_hip_deg"]) for row in rows])
    np.testing.assert_allclose(found[5:-5], truth[5:-5], atol=1.5)
    assert rows[40]["left_knee_deg"] == "" and rows[10]["left_knee_deg"] != ""
    long = _csv(tmp_path / "measures_long.csv")
    chosen = [row for row in long if (row["kind"], row["name"]) == ("joint_angle", "right_hip")]
    assert [row["value"] for row in chosen] == [row["right_hip_deg"] for row in rows]
    assert [row["velocity"] for row in chosen] == [row["right_hip_deg_per_s"] for row in rows]
    facts = json.loads((tmp_path / "measures.json").read_text("utf-8"))
    assert facts["unit"] == "m" and facts["people"][0]["steps"]["contacts"] >= 4
    steps = _csv(tmp_path / "steps.csv")
    assert {row["event"] for row in steps} == {"contact", "lift"}


def test_trc_is_read_back_by_its_columns(measures: ClipMeasures, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    write_measures(tmp_path, measures, ["trc"])
    path = tmp_path / "person1.trc"
    lines = path.read_text().splitlines()
    keys, values = lines[1].split("\t"), lines[2].split("\t")
    facts = dict(zip(keys, values))
    assert (facts["Units"], facts["DataRate"], facts["NumFrames"]) == ("m", "30", "150")
    assert len({line.count("\t") for line in lines[4:] if line}) == 1
    names = [name for name in lines[3].split("\t")[2:] if name]
    assert len(names) == int(facts["NumMarkers"]) == len(measures.people[0].person.joints)
    table = pandas.read_csv(path, sep="\t", skiprows=4, skip_blank_lines=True)
    person = measures.people[0]
    for place, name in enumerate(names):
        axes = table[[f"X{place + 1}", f"Y{place + 1}"]].to_numpy()
        joint = person.places[:, person.person.joints.index(name)]
        np.testing.assert_allclose(axes, joint, atol=1e-6)
    assert np.isnan(table[f"X{names.index('left_knee') + 1}"][40])


def test_mot_is_read_back_by_its_columns(measures: ClipMeasures, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    write_measures(tmp_path, measures, ["mot"])
    lines = (tmp_path / "person1.mot").read_text().splitlines()
    end = lines.index("endheader")
    facts = dict(line.split("=") for line in lines[1:end])
    table = pandas.read_csv(tmp_path / "person1.mot", sep="\t", skiprows=end + 1)
    assert facts["inDegrees"] == "yes"
    assert (int(facts["nRows"]), int(facts["nColumns"])) == table.shape
    np.testing.assert_allclose(table["time"], TIMES, atol=1e-6)
    knee = measures.people[0].named("left_knee").values
    known = np.isfinite(knee)
    np.testing.assert_allclose(table["left_knee"][known], knee[known], atol=1e-6)
    # OpenSim's Storage ends at the first NaN: none may be in the file, and what is made up is told.
    gap = table["left_knee"][29:51].to_numpy()
    np.testing.assert_allclose(np.diff(gap, 2), 0, atol=1e-4)
    assert int(facts["filledValues"]) == sum(
        int((~np.isfinite(series.values)).sum())
        for series in measures.people[0].of_kind("joint_angle", "segment_angle")
        if np.isfinite(series.values).any()
    )


def test_c3d_is_read_back_by_its_library(measures: ClipMeasures, tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    write_measures(tmp_path, measures, ["c3d"])
    file = ezc3d.c3d(str(tmp_path / "person1.c3d"))
    person = measures.people[0]
    names = list(person.person.joints)
    assert file["parameters"]["POINT"]["LABELS"]["value"] == names
    assert file["parameters"]["POINT"]["RATE"]["value"][0] == 30
    places = file["data"]["points"][:2].transpose(2, 1, 0) / 1000.0
    np.testing.assert_allclose(places, person.places, atol=1e-6)


def test_who_is_found_in_a_single_frame_has_every_file(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    path = write_walker(tmp_path / "w.ndjson", TIMES[:1])
    write_measures(
        tmp_path,
        measure_clip(read_records(path), MeasureOptions(px_per_m=100)),
        ["trc", "mot", "c3d"],
    )
    assert ezc3d.c3d(str(tmp_path / "person1.c3d"))["data"]["points"].shape[2] == 1
    assert (tmp_path / "person1.trc").read_text("utf-8").splitlines()[2].startswith("1\t1\t1\t")


def test_a_workbook_holds_what_the_csv_holds(measures: ClipMeasures, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    write_measures(tmp_path, measures, ["csv", "xlsx"])
    book = openpyxl.load_workbook(tmp_path / "measures.xlsx", read_only=True)
    for name in ("measures", "steps"):
        rows = list(book[name].iter_rows(values_only=True))
        with open(tmp_path / f"{name}.csv", newline="", encoding="utf-8") as file:
            expected = list(csv.reader(file))
        assert [len(row) for row in rows] == [len(row) for row in expected]
        for cell, text in zip(itertools.chain(*rows), itertools.chain(*expected)):
            same = text == ("" if cell is None else str(cell))
            assert same or float(text) == cell  # a sheet holds 0.0 as 0
    book.close()


@pytest.mark.slow
def test_libreoffice_shows_what_the_csv_shows(measures: ClipMeasures, tmp_path: Path) -> None:
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not on this machine")
    pytest.importorskip("openpyxl")
    write_measures(tmp_path, measures, ["csv", "xlsx"])
    out = tmp_path / "office"
    subprocess.run(
        [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to"]
        + ["csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false"]
        + ["--outdir", str(out), str(tmp_path / "measures.xlsx")],
        check=True,
        capture_output=True,
        timeout=100,
    )
    ours = _csv(tmp_path / "measures.csv")
    shown = _csv(next(out.glob("*.csv")))
    assert shown[0].keys() == ours[0].keys() and len(shown) == len(ours)
    for mine, theirs in zip(ours, shown):
        for name in mine:
            if mine[name] in ("", "left", "right"):
                assert theirs[name] == mine[name]
            else:
                assert float(theirs[name]) == pytest.approx(float(mine[name]), rel=1e-6)


def test_parquet_holds_the_long_table(measures: ClipMeasures, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    write_measures(tmp_path, measures, ["parquet"])
    table = pandas.read_parquet(tmp_path / "measures_long.parquet")
    expected = long_table(measures)
    assert tuple(table.columns) == expected.columns and len(table) == len(expected.rows)
    assert table["value"][7] == expected.rows[7][6]


def test_plots_are_drawn_as_png_and_svg(measures: ClipMeasures, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files = write_measures(tmp_path, measures, [], ["png", "svg"])
    names = {file.name for file in files}
    for name in ("angles", "stick_figures", "gait_cycles"):
        assert {f"person1_{name}.png", f"person1_{name}.svg"} <= names
    assert (tmp_path / "person1_angles.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "person1_angles.svg").read_text("utf-8")


def test_trc_without_metres_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "poses.ndjson", TIMES)
    clip = measure_clip(read_records(path))
    with pytest.raises(ValueError, match="trc holds metres"):
        write_measures(tmp_path / "out", clip, ["csv", "trc"])
    assert not (tmp_path / "out").exists()


def test_an_angle_known_in_single_frames_alone_has_no_speed(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "p.ndjson", TIMES, unknown=("left_knee", slice(0, None, 2)))
    write_measures(tmp_path, measure_clip(read_records(path), MeasureOptions(max_gap=0)))
    angles = json.loads((tmp_path / "measures.json").read_text("utf-8"))["people"][0]["angles"]
    assert angles["left_knee_deg"]["fastest_per_s"] is None
    assert angles["left_knee_deg"]["most"] > 40 and angles["right_knee_deg"]["fastest_per_s"] > 0
    rows = _csv(tmp_path / "measures.csv")
    assert rows[51]["left_knee_deg"] != "" and rows[51]["left_knee_deg_per_s"] == ""


def test_a_clip_without_people_gives_empty_tables(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "poses.ndjson", TIMES[:0])
    clip = measure_clip(read_records(path), MeasureOptions(person_height_m=1.7))
    write_measures(tmp_path / "out", clip, ["csv"])
    assert clip.people == () and wide_table(clip).rows == []
    assert _csv(tmp_path / "out" / "measures_long.csv") == []


def test_measuring_again_leaves_no_files_of_the_first_time(
    measures: ClipMeasures, tmp_path: Path
) -> None:
    write_measures(tmp_path, measures, ["trc", "mot", "csv"])
    (tmp_path / "notes.txt").write_text("mine")
    write_measures(tmp_path, measures, ["mot"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "measures.json",
        "person1.mot",
        "notes.txt",
    }


def test_names_of_others_are_no_formulas_in_csv_and_xlsx(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    table = Table("measures", ("id", "=joint_deg"), [(1, "@SUM(1)"), (2, -2.5), (3, None)])
    write_csv(tmp_path / "t.csv", table)
    assert (tmp_path / "t.csv").read_text() == "id,'=joint_deg\n1,'@SUM(1)\n2,-2.5\n3,\n"
    write_xlsx(tmp_path / "t.xlsx", [table])
    cells = [c for row in openpyxl.load_workbook(tmp_path / "t.xlsx").active for c in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert [cell.value for cell in cells][1::2] == ["'=joint_deg", "'@SUM(1)", -2.5, None]
