"""Stored poses as a table: a pandas DataFrame, or a Parquet or CSV file. Extra ``table``.

Two shapes. ``people``, one row for every person in a frame:

    picture          object    file name of the picture; only where the poses are of pictures
    frame            int64     frame index in the clip
    time_s           float64   time in seconds
    person           int64     place of the person in the frame, from 0
    id               Int64     identity, missing where none was given
    score            float32   confidence of the pose
    box_score        float32   confidence of the box
    x1 y1 x2 y2      float32   corners of the box, pixels
    <joint>_x, <joint>_y, <joint>_score    float32, for every joint of the skeleton

``joints``, one row for every joint of every person in a frame:

    picture, frame, time_s, person, id    as above
    joint            category  name of the joint
    x y              float32   pixels
    score            float32   confidence of the joint

Frames without people have no row; ``DataFrame.attrs`` has the number of frames (``frame_count``)
and the header's ``source``, ``width``, ``height``, ``fps`` and ``skeleton``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rmpe._door import extra_module
from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord

if TYPE_CHECKING:
    import pandas

TableRows = Literal["people", "joints"]
TABLE_SUFFIXES = (".parquet", ".csv")


def to_table(records: PoseReader, rows: TableRows = "people") -> pandas.DataFrame:
    """Return stored poses as a pandas DataFrame; the columns are described above.

    Args:
        records: what :func:`rmpe.read_records` returns.
        rows: one row for every person, or for every joint, in a frame.

    Raises:
        ValueError: pandas is not installed, ``rows`` is neither of the two, or a joint is called
            as people's columns are.

    Example:
        >>> people = to_table(rmpe.read_records("poses.ndjson"))             # doctest: +SKIP
        >>> people.groupby("id")["score"].mean()                             # doctest: +SKIP
    """
    if rows not in get_args(TableRows):
        raise ValueError(f"rows is {rows!r}, there are {', '.join(get_args(TableRows))}")
    pd = extra_module("pandas", "table", "a table")
    header = records.header
    base, joints, frame_count = _gathered(records, header)
    ids = base.pop("id")
    identity = pd.arrays.IntegerArray(np.maximum(ids, 0), ids <= 0)
    names = header.skeleton.joints
    first: tuple[str, ...] = ("frame", "time_s", "person")
    if header.image_names:
        base["picture"] = np.array([header.image_name(int(n)) for n in base["frame"]], object)
        first = ("picture", *first)
    columns: dict[str, Any]
    if rows == "people":
        columns = {**{name: base[name] for name in first}, "id": identity}
        columns |= {name: base[name] for name in ("score", "box_score", "x1", "y1", "x2", "y2")}
        for place, name in enumerate(names):
            for part, column in enumerate(("x", "y", "score")):
                title = f"{name}_{column}"
                if title in columns:
                    raise ValueError(f"the joint {name!r} would have the people's column {title}")
                columns[title] = joints[:, place, part]
    else:
        repeats = np.repeat(np.arange(len(ids)), len(names))
        columns = {name: base[name][repeats] for name in first}
        columns["id"] = identity[repeats]
        columns["joint"] = pd.Categorical.from_codes(
            np.tile(np.arange(len(names)), len(ids)), categories=list(names)
        )
        for part, column in enumerate(("x", "y", "score")):
            columns[column] = joints[:, :, part].reshape(-1)
    table: pandas.DataFrame = pd.DataFrame(columns)
    table.attrs = {
        "frame_count": frame_count,
        "source": header.source,
        "width": header.width,
        "height": header.height,
        "fps": header.fps,
        "skeleton": header.skeleton.name,
    }
    return table


def write_table(path: str | Path, records: PoseReader, rows: TableRows = "people") -> int:
    """Write stored poses as ``.parquet`` or ``.csv`` and return the number of rows.

    Raises:
        OSError: the file cannot be written.
        ValueError: as :func:`to_table`; the file's ending is another.
    """
    path = Path(path)
    if path.suffix not in TABLE_SUFFIXES:
        raise ValueError(f"{path} ends in {path.suffix!r}, there are {', '.join(TABLE_SUFFIXES)}")
    if path.suffix == ".parquet":
        extra_module("pyarrow", "table", "a table")
    table = to_table(records, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        table.to_parquet(path, engine="pyarrow", index=False)
    else:
        write_csv_table(path, table)
    return len(table)


def write_csv_table(path: str | Path, table: pandas.DataFrame) -> None:
    """Write a table as CSV whose text no spreadsheet takes for a formula."""
    is_number = extra_module("pandas", "table", "a table").api.types.is_numeric_dtype
    harmless = table.rename(columns=harmless_text)
    texts = list(harmless.columns)
    for name in harmless.columns:
        if not is_number(harmless[name]):
            harmless[name] = harmless[name].map(harmless_text)
            texts += harmless[name].tolist()
    harmless.to_csv(path, index=False, quoting=csv_quoting(texts))


def csv_quoting(texts: Iterable[object]) -> Literal[0, 2]:
    """Return how cells of a CSV are quoted: all text where one holds a carriage return.

    Python's writer leaves such a cell bare, and readers take it for the end of a row.
    """
    has_return = any("\r" in text for text in texts if isinstance(text, str))
    return csv.QUOTE_NONNUMERIC if has_return else csv.QUOTE_MINIMAL


def harmless_text(cell: object) -> object:
    """Return a cell as it is, or text that a spreadsheet would run as a formula behind a ``'``.

    Names of pictures and joints come from files of other people.
    """
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell


def _gathered(
    records: Iterable[PoseRecord], header: ClipHeader
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32], int]:
    """Return the columns of people (R,), their joints x y score (R, K, 3), and the frame count."""
    kept, frame_count = [], 0
    for record in records:
        frame_count += 1
        if len(record.poses):
            kept.append(record)
    counts = [len(record.poses) for record in kept]

    def joined(name: str, empty: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([empty, *(getattr(record.poses, name) for record in kept)])

    joint_count = header.skeleton.joint_count
    corners = joined("boxes_xyxy", np.zeros((0, 4), np.float32))
    base: dict[str, NDArray[Any]] = {
        "frame": np.repeat(np.array([record.frame_index for record in kept], np.int64), counts),
        "time_s": np.repeat(np.array([record.timestamp_s for record in kept], float), counts),
        "person": np.concatenate([np.zeros(0, np.int64), *(np.arange(n) for n in counts)]),
        "id": joined("ids", np.zeros(0, np.int64)),
        "score": joined("scores", np.zeros(0, np.float32)),
        "box_score": joined("box_scores", np.zeros(0, np.float32)),
        **dict(zip(("x1", "y1", "x2", "y2"), corners.T)),
    }
    xy = joined("keypoints_xy", np.zeros((0, joint_count, 2), np.float32))
    scores = joined("keypoint_scores", np.zeros((0, joint_count), np.float32))
    return base, np.concatenate([xy, scores[..., None]], -1), frame_count
