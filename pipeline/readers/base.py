"""What every reader gives beside its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from rmpe.records import Frame

_MESSAGES_KEPT = 20
"""A clip that is damaged all through would fill the summary; all of them are counted."""


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before its first frame."""

    source: str
    """Path or address."""
    width: int
    """Columns of the upright picture; 0 if pictures differ."""
    height: int
    """Rows of the upright picture; 0 if pictures differ."""
    fps: float
    """Frames a second by the container; 0 if unknown. The timestamps are the truth."""
    frames_expected: int
    """Frames that the header promises, for the progress bar only; 0 if unknown."""
    codec: str = ""
    """Name of the decoder."""
    pixel_aspect: tuple[int, int] = (1, 1)
    """Width and height of a pixel as it is shown, upright."""
    image_names: tuple[str, ...] = ()
    """File name of every picture of a folder, by frame index."""


@dataclass
class ReadReport:
    """What happened while reading; complete when reading is over."""

    frames: int = 0
    """Frames given out."""
    error_count: int = 0
    """Damaged places that the decoder reported."""
    errors: list[str] = field(default_factory=list)
    """The first of them in words."""
    warnings: list[str] = field(default_factory=list)
    """What was odd but lost nothing."""

    def add_warning(self, message: str) -> None:
        """Note what was odd; only the first of them are kept."""
        if len(self.warnings) < _MESSAGES_KEPT:
            self.warnings.append(message)

    def add_error(self, message: str) -> None:
        """Count a damaged place; only the first ones are kept in words."""
        self.error_count += 1
        if len(self.errors) < _MESSAGES_KEPT:
            self.errors.append(message)


class Reader(Protocol):
    """An iterable over frames in order, opened when made, read once."""

    @property
    def info(self) -> ClipInfo:
        """What is known before the first frame."""

    @property
    def report(self) -> ReadReport:
        """What happened so far."""

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; the end is what the decoder says."""

    def close(self) -> None:
        """Let go of the files; allowed twice."""
