"""What may be asked of a measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rmpe.kinematics.angles import Facing
from rmpe.kinematics.filters import Filter


@dataclass(frozen=True)
class KnownLength:
    """A line in the picture whose length is known."""

    start_xy: tuple[float, float]
    """One end, pixels."""
    end_xy: tuple[float, float]
    """The other end, pixels."""
    metres: float
    """Its length."""

    @classmethod
    def from_text(cls, text: str) -> KnownLength:
        """Return the length that ``x1,y1,x2,y2=METRES`` describes; ``ValueError`` if it is none."""
        ends, _, metres = text.partition("=")
        try:
            x1, y1, x2, y2 = (float(part) for part in ends.split(","))
            known = cls((x1, y1), (x2, y2), float(metres))
        except ValueError:
            raise ValueError(
                f"known length is {text!r}, needed are two points in pixels and their distance in "
                "metres: 120,700,520,700=2.5"
            ) from None
        if not (known.metres > 0 and math.isfinite(known.metres) and known.pixels > 0):
            raise ValueError(f"known length {text!r}: pixels and metres must be more than 0")
        return known

    @property
    def pixels(self) -> float:
        """Its length in the picture."""
        return math.dist(self.start_xy, self.end_xy)


@dataclass(frozen=True)
class MeasureOptions:
    """What is cleaned, filtered, measured, and of whom.

    Raises:
        ValueError: a number is out of its range, or several scales are given.
    """

    person: str | int = "all"
    """``all``, ``largest``, ``longest``, an id, or ids as ``1,3``."""
    fps: float = 0.0
    """Frames a second of records that hold no times; 0 takes what they say."""
    min_score: float = 0.3
    """Joints below it are unknown."""
    repair_swaps: bool = True
    """Give legs and arms back to their sides that changed them for one frame."""
    outliers: bool = True
    """Replace single wild positions by the median around them (Hampel, 7 frames, 2 sigmas)."""
    max_gap: int = 10
    """Fill gaps of at most so many frames by straight lines; 0 fills none."""
    filter: Filter | str | None = None
    """How the joints are smoothed before angles and speeds are taken from them; None takes
    ``butterworth:6Hz:4``, or none where a clip has too few frames a second for it."""
    facing: Facing = "auto"
    """Where people look; angles are taken as if they looked to the right."""
    distances: tuple[tuple[str, str], ...] = ()
    """Pairs of joints whose distance is measured."""
    person_height_m: float = 0.0
    """Height of the first person measured, from which metres are told; 0: not known."""
    px_per_m: float = 0.0
    """Pixels of a metre; 0: not known."""
    known_length: KnownLength | None = None
    """A line in the picture whose length is known."""
    floor_deg: float | None = 0.0
    """Angle of the floor, counterclockwise from the horizontal; None tells it from the feet."""

    def __post_init__(self) -> None:
        self.chosen_filter()
        if not 0 <= self.min_score <= 1:
            raise ValueError(f"min_score is {self.min_score}, allowed is 0..1")
        if self.max_gap < 0:
            raise ValueError(f"max_gap is {self.max_gap}, allowed is 0 (none) or more frames")
        for name in ("fps", "person_height_m", "px_per_m"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}, allowed is more than 0")
        if bool(self.person_height_m) + bool(self.px_per_m) + (self.known_length is not None) > 1:
            raise ValueError("give one of person height, scale and known length")
        if self.floor_deg is not None and not abs(self.floor_deg) < 90:
            raise ValueError(f"floor angle is {self.floor_deg}, allowed is between -90 and 90")

    def chosen_filter(self) -> Filter | None:
        """Return the filter; ``ValueError`` if its words are those of none."""
        return Filter.from_text(self.filter) if isinstance(self.filter, str) else self.filter

    @property
    def metric(self) -> bool:
        """Whether lengths are asked for in metres."""
        return bool(self.person_height_m or self.px_per_m or self.known_length)
