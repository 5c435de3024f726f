"""How people are shown on pictures and in films."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from rmpe_cli.options.fields import option
from rmpe_cli.options.names import BACKGROUNDS, LIMB_STYLES, PALETTES
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.drawing import Look


@dataclass(frozen=True)
class ShowingChoices:
    """What is drawn, and how. None of it decides what the poses are."""

    background: Literal["original", "black", "white", "blur", "transparent"] = option(
        "--background",
        default="original",
        type=click.Choice(BACKGROUNDS),
        help="What is behind people; transparent needs a container that holds it.",
    )
    palette: Literal["parts", "ids", "openpose"] = option(
        "--palette",
        default="parts",
        type=click.Choice(PALETTES),
        help="Colours of limbs: left orange and right blue, each person's own, or OpenPose's.",
    )
    limb_style: Literal["outlined", "flat", "ellipses"] = option(
        "--style",
        default="outlined",
        type=click.Choice(LIMB_STYLES),
        help="Lines with a dark edge, plain lines, or OpenPose's ellipses.",
    )
    line_width: int | None = option(
        "--line-width",
        default=None,
        type=click.IntRange(0, 200),
        help="Width of limbs in pixels; by the person's size if not given.",
    )
    joint_size: int | None = option(
        "--joint-size",
        default=None,
        type=click.IntRange(0, 200),
        help="Width of joints in pixels; 0 draws none.",
    )
    min_joint_score: float = option(
        "--min-joint-score", default=0.3, help="Leave out joints that score less."
    )
    no_limbs: bool = option(
        "--no-limbs", default=False, is_flag=True, help="Draw no limbs and joints."
    )
    no_boxes: bool = option("--no-boxes", default=False, is_flag=True, help="Draw no boxes.")
    ids: bool = option("--ids/--no-ids", default=True, help="Write ids at the boxes.")
    trails: int = option(
        "--trails", default=0, help="Draw where everybody was in so many frames before."
    )
    only: tuple[int, ...] = option(
        "--only",
        default=(),
        multiple=True,
        type=int,
        metavar="ID",
        help="Draw this person alone; may be given several times.",
    )
    size: str | None = option(
        "--size",
        default=None,
        metavar="WIDTHxHEIGHT",
        help="Size of the result, such as 1280x720; 1280x or x720 keeps the shape.",
    )

    def look(self) -> Look:
        """Return the same for the library; exit code 2 if it makes no sense."""
        from rmpe.drawing import DrawingStyle, Look

        with wrong_use():
            width, height = _size(self.size)
            style = DrawingStyle(
                min_joint_score=self.min_joint_score,
                limbs=not self.no_limbs,
                boxes=not self.no_boxes,
                ids=self.ids,
                thickness=self.line_width,
                joint_size=self.joint_size,
                palette=self.palette,
                limb_style=self.limb_style,
            )
            return Look(style, self.background, self.trails, self.only, width, height)


def _size(text: str | None) -> tuple[int, int]:
    if text is None:
        return 0, 0
    found = re.fullmatch(r"([1-9]\d*)?[xX]([1-9]\d*)?", text)
    if found is None or text.lower() == "x":
        raise ValueError(f"size is {text!r}, needed is WIDTHxHEIGHT, WIDTHx or xHEIGHT")
    return int(found[1] or 0), int(found[2] or 0)
