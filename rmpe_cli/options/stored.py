"""How stored poses are read, and where their pictures are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmpe_cli._wrong_use import wrong_use
from rmpe_cli.options.fields import option
from rmpe_cli.options.names import RECORD_FORMAT

if TYPE_CHECKING:
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

    def joints(self) -> Skeleton | None:
        """Return the skeleton of that name, None where none was given."""
        from rmpe.skeletons import get_skeleton

        with wrong_use():
            return get_skeleton(self.skeleton) if self.skeleton else None


@dataclass(frozen=True)
class FrameChoices:
    """Where the pictures of stored poses are."""

    video: str | None = option(
        "--video", default=None, help="The clip; by default the one that RECORDS name."
    )
    images: tuple[str, ...] = option(
        "--images", default=(), multiple=True, help="Pictures, or their folder, in place of a clip."
    )
