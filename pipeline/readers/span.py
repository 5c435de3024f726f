"""Which part of a clip is wanted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Which part of a clip is wanted."""

    start_s: float = 0.0
    """First second."""
    end_s: float | None = None
    """Frames at or after this second are left out; None reads to the end."""
    stride: int = 1
    """Every n-th frame from the first on."""

    def __post_init__(self) -> None:
        if self.start_s < 0:
            raise ValueError(f"start is {self.start_s} s, allowed is 0 or more")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end is {self.end_s} s, needed is more than start, {self.start_s} s")
        if self.stride < 1:
            raise ValueError(f"stride is {self.stride}, allowed is 1 or more")

    @property
    def is_whole(self) -> bool:
        """Whether every frame to the end is wanted."""
        return self.start_s <= 0 and self.end_s is None
