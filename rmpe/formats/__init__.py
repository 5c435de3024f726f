"""Files of poses: the native record and the formats of the field, in and out.

Every writer is made as ``Writer(path, header)`` and fed ``write(frame_index, timestamp_s, poses)``;
every reader yields :class:`PoseRecord`. Joints are mapped by name.
"""

from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord, PoseWriter
from rmpe.formats.native import NativeReader, NativeWriter


def read_records(path: str) -> NativeReader:
    """Return an iterable over the frames of a native file, with its ``header``."""
    return NativeReader(path)


__all__ = [
    "ClipHeader",
    "NativeReader",
    "NativeWriter",
    "PoseReader",
    "PoseRecord",
    "PoseWriter",
    "read_records",
]
