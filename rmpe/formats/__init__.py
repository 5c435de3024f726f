"""Files of poses: the native record and the formats of the field, in and out.

Every writer is made as ``Writer(path, header)`` and fed ``write(frame_index, timestamp_s, poses)``;
every reader yields :class:`PoseRecord`. Joints are mapped by name. What each form cannot hold is
said at the top of its file.
"""

from rmpe.formats.catalogue import (
    FORMATS,
    PoseFormat,
    convert_records,
    detect_format,
    get_format,
    open_writer,
    read_records,
)
from rmpe.formats.clip import ClipHeader, PoseReader, PoseRecord, PoseWriter
from rmpe.formats.loaded import LoadedClip, ReadHints
from rmpe.formats.native import NativeReader, NativeWriter

__all__ = [
    "FORMATS",
    "ClipHeader",
    "LoadedClip",
    "NativeReader",
    "NativeWriter",
    "PoseFormat",
    "PoseReader",
    "PoseRecord",
    "PoseWriter",
    "ReadHints",
    "convert_records",
    "detect_format",
    "get_format",
    "open_writer",
    "read_records",
]
