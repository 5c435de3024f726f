"""How stored poses are read, and where their pictures are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmpe_cli.options.fields import option
from rmpe_cli.options.names import RECORD_FORMAT
from rmpe_cli.options.places import InputPlace
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.formats import ReadHints
    from rmpe.skeletons import Skeleton


@dataclass(frozen=True)
class ReadingChoices:
    """What a file of poses does not say itself."""

    from_format: str | None = option(
        "--from",
        default=None,
        type=RECORD_FORMAT,
        help="Format of RECORDS, where it is not recognised.",
    )
    skeleton: str | None = option(
        "--skeleton", default=None, help="Joints of RECORDS, where its format leaves them open."
    )
    first_number: int | None = option(
        "--first-number",
        default=None,
        type=click.IntRange(0),
        help="Number of the clip's first picture, where RECORDS name pictures by numbers.",
    )
    series: str = option(
        "--series",
        default="",
        help="Of a folder with files of several clips, those whose names begin so.",
    )

    def joints(self) -> Skeleton | None:
        """Return the skeleton of that name, None where none was given."""
        from rmpe.skeletons import get_skeleton

        with wrong_use():
            return get_skeleton(self.skeleton) if self.skeleton else None

    def hints(self) -> ReadHints:
        """Return what is known of RECORDS."""
        from rmpe.formats import ReadHints

        return ReadHints(skeleton=self.joints(), first_number=self.first_number, series=self.series)


@dataclass(frozen=True)
class OverwriteChoice:
    """What may be written over."""

    overwrite: bool = option(
        "--overwrite",
        default=False,
        is_flag=True,
        help="Replace an output that is there already; files that are read never are.",
    )


@dataclass(frozen=True)
class FrameChoices:
    """Where the pictures of stored poses are."""

    video: str | None = option(
        "--video",
        default=None,
        type=InputPlace(as_text=True),
        help="The clip; by default the one that RECORDS name.",
    )
    images: tuple[str, ...] = option(
        "--images", default=(), multiple=True, help="Pictures, or their folder, in place of a clip."
    )
