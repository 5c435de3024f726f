"""JSON documents as people bring them, read with one sentence for everything that can be wrong."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def load_json(path: str | Path) -> Any:
    """Return a JSON document in UTF-8, 16 or 32; a byte order mark is passed over.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no JSON; the message names the file and, where it can, line and column.
    """
    data = Path(path).read_bytes()
    try:
        return parse_json(data.decode(json.detect_encoding(data)))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8, needed is JSON") from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error


def load_numbers(path: str | Path) -> NDArray[np.float64]:
    """Return the nested lists of numbers that a JSON document is.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no JSON, or something else.
    """
    try:
        return np.asarray(load_json(path), np.float64)
    except TypeError as error:
        raise ValueError(f"{path} is something else than lists of numbers") from error


def packed_json(schema: str, values: Mapping[str, Any]) -> bytes:
    """Return values under a schema as compressed JSON, the same bytes every time."""
    text = json.dumps({"schema": schema, **values}, sort_keys=True)
    return gzip.compress(text.encode(), mtime=0)


def unpacked_json(content: bytes, schema: str) -> dict[str, Any]:
    """Return the values that :func:`packed_json` was given.

    Raises:
        ValueError: the content is something else.
    """
    try:
        item = json.loads(gzip.decompress(content))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ValueError("no compressed JSON") from error
    if not isinstance(item, dict) or item.pop("schema", None) != schema:
        raise ValueError(f"its schema is not {schema}")
    return item


def files_in(folder: Path, pattern: str, *, deep: bool = False) -> list[Path]:
    """Return a folder's files of a pattern, without the ``._x.json`` of macOS beside ``x.json``."""
    found = set(folder.rglob(pattern) if deep else folder.glob(pattern))
    return sorted(path for path in found if not _is_beside(path, found))


def _is_beside(path: Path, files: Container[Path]) -> bool:
    return path.name.startswith("._") and path.with_name(path.name[2:]) in files


def parse_json(text: str | bytes) -> Any:
    """Return what JSON text says; every fault of it is a ``ValueError`` of one sentence."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise ValueError("lists or objects are nested too deeply") from error
