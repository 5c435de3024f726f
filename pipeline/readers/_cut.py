"""Whether a file ends before it should, by what its container says of its own length.

A decoder reads a cut file to its end without a word. Containers know better: a box, segment or
chunk that is longer than the file, a page that is not the last, a packet that is not whole.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.readers.address import is_address

_TS_PACKETS = (188, 192, 204)
"""Bytes of a packet of MPEG-TS: plain, with a time before it (M2TS), with a check behind it."""
MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
"""A file of this family lists every coded picture, so a shorter reading means a cut file."""
_MP4_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"styp", b"free", b"skip", b"wide"}
    | {b"uuid", b"meta", b"udta", b"emsg", b"pdin"}
)
"""Names of what a file consists of; other bytes at its end are none of it."""
_EBML_HEADER, _MATROSKA_SEGMENT = 0x1A45DFA3, 0x18538067
"""Identities of the two elements that a Matroska or WebM file begins with."""
_HEADLESS = frozenset({".yuv", ".nv12", ".rgb", ".raw", ".i420"})
"""Endings of raw pictures."""
_OGG_PAGE_MOST = 65_307
"""Bytes of the longest page: a header of 27, 255 lengths and as many segments of 255."""
_OGG_LAST = 0x04
"""Flag of the last page of a stream."""
_LONGEST_JPEG = 32 * 2**20
"""Bytes from the end in which the last picture of an MJPEG stream begins."""


def why_cut(path: str, format_name: str) -> str:
    """Return why a file is known to be cut, in words; empty where it is whole or nobody can tell.

    Args:
        path: a file.
        format_name: FFmpeg's name of its container.
    """
    check = _CHECKS.get(format_name)
    if check is None or is_address(path):
        return ""
    size = Path(path).stat().st_size
    with open(path, "rb") as file:
        return check(file, size)


def films_behind(path: str, format_name: str) -> str:
    """Return in words that an MP4 file holds further films, of which FFmpeg reads none."""
    if format_name != MP4 or is_address(path):
        return ""
    with open(path, "rb") as file:
        names = [name for name, _, _ in _boxes(file, Path(path).stat().st_size)]
    count = names.count(b"moov")
    if count < 2 or b"moof" in names:  # fragments may bring their index again
        return ""
    return f"{count} films were written one after another, the first is read"


def why_unreadable(path: str) -> str:
    """Return why FFmpeg finds no clip in a file, where that can be told; else empty."""
    try:
        if is_address(path):
            return ""
        size = Path(path).stat().st_size
        with open(path, "rb") as file:
            names = [name for name, _, _ in _boxes(file, size)]
    except (OSError, ValueError):
        return ""
    if Path(path).suffix.lower() in _HEADLESS:
        return "pictures without a header say neither size nor rate: make a film of them"
    if names[:1] == [b"ftyp"] and b"moov" not in names:
        return "it has no index (moov): its recording was not ended, or it was cut"
    return ""


def _boxes(file: BinaryIO, size: int) -> list[tuple[bytes, int, int]]:
    """Return name, start and end of the boxes of an MP4 file, as they say themselves."""
    found: list[tuple[bytes, int, int]] = []
    start = 0
    while start + 8 <= size and len(found) < 100_000:
        file.seek(start)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - start  # to the end of the file, wherever that is
        if length < 8:
            break
        found.append((head[4:8], start, start + length))
        start += length
    return found


def _cut_mp4(file: BinaryIO, size: int) -> str:
    boxes = _boxes(file, size)
    if boxes and boxes[-1][2] > size and boxes[-1][0] in _MP4_BOXES:
        name, _, end = boxes[-1]
        return _missing(f"its last box ({name.decode('latin-1')})", end - size)
    return ""


def _cut_matroska(file: BinaryIO, size: int) -> str:
    file.seek(0)
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(16)
        identity, used = _ebml_number(head, keep_marker=True)
        length, more = _ebml_number(head[used:], keep_marker=False)
        if not used or not more or identity not in (_EBML_HEADER, _MATROSKA_SEGMENT):
            return ""
        end = position + used + more + length
        unknown = length == (1 << (7 * more)) - 1
        if identity == _MATROSKA_SEGMENT:
            return "" if unknown or end <= size else _missing("its segment", end - size)
        position = end
    return ""


def _ebml_number(data: bytes, keep_marker: bool) -> tuple[int, int]:
    """Return a variable-length number and its bytes; (0, 0) where there is none."""
    if not data or data[0] == 0:
        return 0, 0
    length = 9 - data[0].bit_length()
    value = int.from_bytes(data[:length], "big")
    return (value if keep_marker else value & ((1 << (7 * length)) - 1)), length


def _cut_riff(file: BinaryIO, size: int) -> str:
    head = file.read(12)
    if head[:4] != b"RIFF":
        return ""
    promised = int.from_bytes(head[4:8], "little") + 8
    return _missing("its list of pictures", promised - size) if promised > size else ""


def _cut_ts(file: BinaryIO, size: int) -> str:
    head = file.read(2 * max(_TS_PACKETS) + 8)
    for length in _TS_PACKETS:
        offset = 4 if length == 192 else 0
        if all(head[offset + n * length : offset + n * length + 1] == b"G" for n in (0, 1)):
            left = size % length
            return f"its last packet has {left} of {length} bytes" if left else ""
    return ""


def _cut_ogg(file: BinaryIO, size: int) -> str:
    file.seek(max(size - _OGG_PAGE_MOST, 0))
    tail = file.read()
    last = tail.rfind(b"OggS")
    if last < 0 or len(tail) < last + 6 or not tail[last + 5] & _OGG_LAST:
        return "its last page is missing"
    return ""


def _cut_gif(file: BinaryIO, size: int) -> str:
    file.seek(max(size - 16, 0))
    return "" if file.read().rstrip(b"\0").endswith(b";") else "its end mark is missing"


def _cut_jpegs(file: BinaryIO, size: int) -> str:
    """Look whether the last picture of a row of JPEGs has its end mark."""
    file.seek(max(size - _LONGEST_JPEG, 0))
    tail = file.read()
    begins, ends = tail.rfind(b"\xff\xd8\xff"), tail.rfind(b"\xff\xd9")
    return "its last picture has no end mark" if begins > ends or ends < 0 else ""


def _missing(what: str, nbytes: int) -> str:
    return f"{what} says {nbytes:,} bytes more than are there"


_CHECKS: dict[str, Callable[[BinaryIO, int], str]] = {
    MP4: _cut_mp4,
    "matroska,webm": _cut_matroska,
    "avi": _cut_riff,
    "mpegts": _cut_ts,
    "ogg": _cut_ogg,
    "gif": _cut_gif,
    "mjpeg": _cut_jpegs,
}
