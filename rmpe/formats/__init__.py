"""Files of poses: the native record and the formats of the field, in and out.

``read_records(path)`` opens any of them, with a ``header``, and yields a :class:`PoseRecord` a
frame; ``convert_records`` writes one as another. Every writer is made as ``Writer(path, header)``
and fed ``write(frame_index, timestamp_s, poses)``. Joints are mapped by name. What each form cannot
hold is said at the top of its file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.formats.catalogue import FORMATS, convert_records, get_format, read_records
    from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord, PoseWriter, ReadHints
    from rmpe.formats.native import NativeWriter

__all__ = [
    "FORMATS",
    "ClipHeader",
    "NativeWriter",
    "PoseReader",
    "PoseRecord",
    "PoseWriter",
    "ReadHints",
    "convert_records",
    "get_format",
    "read_records",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "ClipHeader": "rmpe.formats.clip",
        "FORMATS": "rmpe.formats.catalogue",
        "NativeWriter": "rmpe.formats.native",
        "PoseReader": "rmpe.formats.clip",
        "PoseRecord": "rmpe.formats.clip",
        "PoseWriter": "rmpe.formats.clip",
        "ReadHints": "rmpe.formats.clip",
        "convert_records": "rmpe.formats.catalogue",
        "get_format": "rmpe.formats.catalogue",
        "read_records": "rmpe.formats.catalogue",
    },
)
