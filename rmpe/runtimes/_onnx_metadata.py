"""What an ONNX file says of itself: its ``metadata_props``, read without the onnx package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

METADATA_FIELD = 14
"""Field number of ``metadata_props`` in ``ModelProto`` (onnx.proto)."""
_LONGEST_ENTRY = 1 << 20


def read_metadata(path: Path) -> dict[str, str]:
    """Return the names and values that the writer of the file put beside the graph.

    The graph itself is stepped over, so this takes no memory to speak of.

    Raises:
        ValueError: the file is no protobuf message.
    """
    found = {}
    with path.open("rb") as file:
        for number, content in _fields(file, path.stat().st_size, wanted=METADATA_FIELD):
            if number == METADATA_FIELD:
                pair = dict(_strings(content))
                found[pair.get(1, "")] = pair.get(2, "")
    return found


def _fields(file: BinaryIO, size: int, wanted: int) -> Iterator[tuple[int, bytes]]:
    """Yield the fields of the message that fills the file, empty where they are not wanted."""
    while file.tell() < size:
        key = _varint(file)
        number, kind = key >> 3, key & 7
        if kind == 0:
            _varint(file)
        elif kind in (1, 5):
            file.seek(8 if kind == 1 else 4, 1)
        elif kind == 2:
            length = _varint(file)
            if length > size - file.tell():
                raise ValueError("it is cut short or no ONNX file")
            if number == wanted and length <= _LONGEST_ENTRY:
                yield number, file.read(length)
            else:
                file.seek(length, 1)
        else:
            raise ValueError("it is no ONNX file")


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("it is cut short or no ONNX file")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("it is no ONNX file")


def _strings(entry: bytes) -> Iterator[tuple[int, str]]:
    """Yield number and text of the strings of a ``StringStringEntryProto``."""
    place = 0
    while place < len(entry):
        number, place = entry[place] >> 3, place + 1
        length, shift = 0, 0
        while True:
            byte = entry[place]
            place += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield number, entry[place : place + length].decode("utf-8", "replace")
        place += length
