"""Files of poses: the native record and the formats of the field, in and out.

``read_records(path)`` opens any of them, with a ``header``, and yields a :class:`PoseRecord` a
frame; ``convert_records`` writes one as another. Every writer is made as ``Writer(path, header)``
and fed ``write(frame_index, timestamp_s, poses)``. Joints are mapped by name. What each form cannot
hold is said at the top of its file.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmpe.formats.catalogue import FORMATS, convert_records, get_format, read_records
    from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord, PoseWriter, ReadHints
    from rmpe.formats.native import NativeWriter

_HOMES = {
    "FORMATS": "rmpe.formats.catalogue",
    "read_records": "rmpe.formats.catalogue",
    "convert_records": "rmpe.formats.catalogue",
    "get_format": "rmpe.formats.catalogue",
    "ClipHeader": "rmpe.formats.clip",
    "PoseReader": "rmpe.formats.clip",
    "PoseRecord": "rmpe.formats.clip",
    "PoseWriter": "rmpe.formats.clip",
    "ReadHints": "rmpe.formats.clip",
    "NativeWriter": "rmpe.formats.native",
}

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


def __getattr__(name: str) -> Any:
    """Load a name the first time it is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rmpe.formats' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
