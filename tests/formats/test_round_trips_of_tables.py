"""Any names, gaps, identities and joints come back from tables as they went in, or are refused."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpe.formats import ClipHeader, read_records
from rmpe.formats.table import write_table
from rmpe.records import Poses
from rmpe.skeletons import skeleton_from_names
from tests.formats.test_round_trips import clips, written

pd = pytest.importorskip("pandas", reason="the extra [table] is not installed")

FRAMES = 10
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
Row = dict[str, object]


def expected_rows(people: dict[int, Poses], header: ClipHeader, rows: str) -> list[Row]:
    """Return what the table has to say, worked out person by person and joint by joint."""
    found: list[Row] = []
    for frame in sorted(people):
        poses = people[frame]
        for person in range(len(poses)):
            base: Row = {"frame": frame, "person": person, "id": int(poses.ids[person]) or None}
            if header.image_names:
                base["picture"] = header.image_names[frame]
            joints = [
                (name, *poses.keypoints_xy[person, place], poses.keypoint_scores[person, place])
                for place, name in enumerate(header.skeleton.joints)
            ]
            if rows == "joints":
                found += [base | {"joint": n, "x": x, "y": y, "score": s} for n, x, y, s in joints]
                continue
            base |= dict(zip(("x1", "y1", "x2", "y2"), poses.boxes_xyxy[person]))
            base |= {"score": poses.scores[person], "box_score": poses.box_scores[person]}
            for name, x, y, score in joints:
                base |= {f"{name}_x": x, f"{name}_y": y, f"{name}_score": score}
            found.append(base)
    return found


def rows_of_csv(path: Path) -> list[Row]:
    """Read a CSV, text that begins with ``'`` before a sign of a formula without it."""

    def plain(text: str) -> str:
        return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@\t\r") else text

    with open(path, newline="", encoding="utf-8") as file:
        heading, *rows = csv.reader(file)
    return [dict(zip(map(plain, heading), map(plain, row))) for row in rows]


def rows_of_parquet(path: Path) -> list[Row]:
    table = pd.read_parquet(path)
    return [
        {name: None if value is pd.NA else value for name, value in row.items()}
        for row in table.astype(object).to_dict("records")
    ]


@pytest.mark.parametrize("rows", ["people", "joints"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_tables_say_what_the_records_say(suffix: str, rows: str, data: st.DataObject) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    names = tuple(
        data.draw(
            st.lists(words.filter(lambda name: name != "box"), min_size=1, max_size=4, unique=True)
        )
    )
    skeleton = skeleton_from_names("own", names)
    pictures = data.draw(st.lists(words, min_size=FRAMES, max_size=FRAMES, unique=True))
    header = ClipHeader(
        skeleton, "clip.mp4", image_names=tuple(pictures) if data.draw(st.booleans()) else ()
    )
    people = data.draw(clips(len(names)))
    with tempfile.TemporaryDirectory() as folder:
        records = written(Path(folder), "native", header, people, FRAMES)
        table = Path(folder) / f"table{suffix}"
        write_table(table, read_records(records, "native"), rows)
        back = rows_of_csv(table) if suffix == ".csv" else rows_of_parquet(table)
    expected = expected_rows(people, header, rows)
    assert len(back) == len(expected)
    for mine, theirs in zip(back, expected):
        assert mine.keys() == {*theirs, "time_s"}
        for name, value in theirs.items():
            if value is None:
                assert mine[name] in (None, "")
            elif isinstance(value, (int, str)):
                assert str(mine[name]) == str(value)
            else:
                assert np.float32(mine[name]) == value


def test_a_joint_named_as_a_column_of_the_people_is_refused(tmp_path: Path) -> None:
    header = ClipHeader(skeleton_from_names("own", ("box",)), "clip.mp4")
    records = written(tmp_path, "native", header, {}, 1)
    with pytest.raises(ValueError, match="'box' would have the people's column box_score"):
        write_table(tmp_path / "t.csv", read_records(records))
    assert write_table(tmp_path / "t.csv", read_records(records), "joints") == 0
