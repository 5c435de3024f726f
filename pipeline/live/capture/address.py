"""What a live source is: its text, how it is read, and what an open one gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pipeline.live.policy import Picture
from pipeline.readers.address import is_address, shown_source

SourceKind = Literal["camera", "stream", "stdin", "clip"]

_SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "udp", "tcp", "srt", "rtp")


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
