"""What a live source is: its text, how it is read, and what an open one gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pipeline.live.policy import Picture
from pipeline.readers.address import is_address, shown_source

SourceKind = Literal["camera", "stream", "stdin", "clip"]

_SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "udp", "tcp", "srt", "rtp")
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,63})=(.+)")


@dataclass(frozen=True)
class LiveAddress:
    """What a source's text means."""

    text: str
    """As it was given."""
    kind: SourceKind
    """How it is opened."""

    @property
    def shown(self) -> str:
        """What may be written and shown of it: no user, no password, no token."""
        return shown_source(self.text)

    @property
    def comes_back(self) -> bool:
        """Whether it may be opened again after it was lost."""
        return self.kind in ("camera", "stream")

    @property
    def may_wait(self) -> bool:
        """Whether it can be slowed down without losing anything."""
        return self.kind in ("stdin", "clip")


def parse_source(text: str) -> LiveAddress:
    """Return what ``text`` names: ``0``, ``/dev/video0``, an address, ``-`` or a video file.

    Raises:
        ValueError: it is none of these.
    """
    if text == "-":
        return LiveAddress(text, "stdin")
    if text.isdecimal() or text.startswith("/dev/"):
        return LiveAddress(text, "camera")
    if is_address(text):
        scheme = text.partition("://")[0].lower()
        if scheme not in _SCHEMES:
            raise ValueError(f"got {scheme}://, supported are {', '.join(_SCHEMES)}")
        return LiveAddress(text, "stream")
    if Path(text).is_file():
        return LiveAddress(text, "clip")
    raise ValueError(
        f"got source {shown_source(text)!r}; needed is a camera number, a device such as "
        "/dev/video0, an address such as rtsp://host/stream, - for standard input, or an existing "
        "video file"
    )


@dataclass(frozen=True)
class NamedSource:
    """One of the sources of a run."""

    name: str
    """What it is called in folders, results and figures; empty where it is the only one."""
    text: str
    """What is read, see :func:`parse_source`."""


def parse_sources(texts: Sequence[str]) -> tuple[NamedSource, ...]:
    """Return the sources of a run: each a source's text, or ``NAME=TEXT``.

    Several without names are called ``camera_0``, ``camera_1``, … by their place; one alone
    without a name has none.

    Raises:
        ValueError: a text means nothing, a name stands twice, or standard input does.
    """
    sources = []
    for place, text in enumerate(texts):
        named = None if Path(text).exists() else _NAMED.fullmatch(text)
        name = f"camera_{place}" if len(texts) > 1 else ""
        name, rest = (named[1], named[2]) if named else (name, text)
        parse_source(rest)
        sources.append(NamedSource(name, rest))
    # A file system may not tell capitals from small letters.
    names = [source.name.lower() for source in sources]
    twice = {source.name for source in sources if names.count(source.name.lower()) > 1}
    if twice:
        raise ValueError(f"the name {min(twice)} is given twice; every camera needs its own")
    if sum(source.text == "-" for source in sources) > 1:
        raise ValueError("standard input (-) is one stream: it can be given once")
    return tuple(sources)


class Capture(Protocol):
    """An open source of pictures."""

    width: int
    """Columns; 0 if not known yet."""
    height: int
    """Rows; 0 if not known yet."""
    fps: float
    """Pictures a second as the source says; 0 if it does not."""
    codec: str
    """Name of the decoder."""

    def __iter__(self) -> Iterator[Picture]:
        """Yield pictures as they come; ends with the stream.

        Raises:
            OSError: the source was lost.
        """

    def close(self) -> None:
        """Let go of the source."""


@dataclass(frozen=True)
class CaptureSettings:
    """How a source is opened and read."""

    stall_s: float = 5.0
    """Nothing for this long means that the source is lost."""
    open_s: float = 10.0
    """Longest wait for a stream to open."""
    threads: int = 1
    """Threads of the decoder."""
    stopped: Callable[[], bool] = lambda: False
    """Says that reading shall end; looked at in every wait that is ours."""
    on_error: Callable[[str], None] = lambda message: None
    """Told of every damaged place."""

    def __post_init__(self) -> None:
        if not (self.stall_s > 0 and self.open_s > 0):
            raise ValueError(f"allowed is more than 0, got {self.stall_s=}, {self.open_s=}")
