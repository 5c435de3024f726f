"""How people and the picture behind them are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from rmpe.drawing.colours import PALETTES, Palette

Background = Literal["original", "black", "white", "blur", "transparent"]
BACKGROUNDS: tuple[str, ...] = get_args(Background)
LimbStyle = Literal["outlined", "flat", "ellipses"]
LIMB_STYLES: tuple[str, ...] = get_args(LimbStyle)


@dataclass(frozen=True)
class DrawingStyle:
    """What is drawn of a person, and how.

    Raises:
        ValueError: a width is negative, or a name is unknown.
    """

    min_joint_score: float = 0.3
    """Joints below it are left out, and the limbs that end in them."""
    sure_joint_score: float = 0.5
    """Joints below it are told from the others: hollow, with dashed limbs."""
    limbs: bool = True
    """Draw limbs and joints."""
    boxes: bool = True
    """Draw each person's box in the colour of their id."""
    ids: bool = True
    """Write the id at the box; people without identity (id 0) get none."""
    id_size: float = 1.0
    """Size of the id, times the usual: more for pictures that are looked at small."""
    thickness: int | None = None
    """Width of a limb in pixels; None takes it from the person's size."""
    joint_size: int | None = None
    """Width of a joint in pixels; 0 draws none; None takes it from the limb's."""
    palette: Palette = "parts"
    """Colours: the person's left orange and right blue, each person's own, or OpenPose's."""
    limb_style: LimbStyle = "outlined"
    """Lines with a dark edge, plain lines, or OpenPose's ellipses."""

    def __post_init__(self) -> None:
        for name in ("thickness", "joint_size"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 200:
                raise ValueError(f"{name} is {value}, allowed is 0 to 200 pixels")
        for name in ("min_joint_score", "sure_joint_score"):
            value = getattr(self, name)
            if not value <= 1:
                raise ValueError(f"{name} is {value}, allowed is up to 1")
        if not 0 < self.id_size <= 20:
            raise ValueError(f"id_size is {self.id_size}, allowed is more than 0, up to 20")
        for name, allowed in (("palette", PALETTES), ("limb_style", LIMB_STYLES)):
            if getattr(self, name) not in allowed:
                given = getattr(self, name)
                raise ValueError(f"{name} is {given!r}, allowed are {', '.join(allowed)}")


@dataclass(frozen=True)
class Look:
    """How a whole clip is shown.

    Raises:
        ValueError: a number is out of its range, or a name is unknown.
    """

    style: DrawingStyle = field(default_factory=DrawingStyle)
    """What is drawn of each person."""
    background: Background = "original"
    """What is behind people."""
    trails: int = 0
    """Draw where everybody was in so many frames before; 0 draws none."""
    only: tuple[int, ...] = ()
    """Ids that are drawn; none draws everybody."""
    width: int = 0
    """Columns of the result; 0 keeps the picture's, or its shape if the height is given."""
    height: int = 0
    """Rows of the result; 0 as for the width."""

    def __post_init__(self) -> None:
        if self.background not in BACKGROUNDS:
            raise ValueError(
                f"background is {self.background!r}, allowed are {', '.join(BACKGROUNDS)}"
            )
        if self.trails < 0:
            raise ValueError(f"trails is {self.trails}, allowed is 0 (none) or more frames")
        if any(identity < 1 for identity in self.only):
            raise ValueError(f"only is {min(self.only)}, ids count from 1")
        if min(self.width, self.height) < 0 or max(self.width, self.height) > 16_384:
            raise ValueError(f"size is {self.width}x{self.height}, allowed is up to 16384 a side")

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the result for a picture of this size."""
        if not (self.width or self.height):
            return width, height
        columns = self.width or max(round(width * self.height / height), 1)
        rows = self.height or max(round(height * self.width / width), 1)
        return columns, rows
