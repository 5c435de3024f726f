"""What every person detector is: pictures in, person boxes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rmpe.records import Boxes, ImageArray


class Detector(Protocol):
    """Finds the people of pictures. Not to be shared by several threads at a time."""

    def __call__(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people of every picture.

        Args:
            images_bgr: pictures uint8 (H, W, 3), of any sizes.

        Returns:
            For each picture its boxes in its own pixels, best score first; empty where nobody is.
        """
