"""Writes annotated pictures, one file for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from rmpe.drawing import FramePainter
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton


class ImagesWriter:
    """Pictures with the poses drawn on them, in one folder, under the names of the originals.

    Args:
        folder: where to; it is made if missing.
        names: file name of each picture by frame index; folders in a name are kept, ways out not.
        skeleton: of the poses.
        painter: paints the pictures; None draws everything on them. What it makes transparent is
            written as PNG.
    """

    def __init__(
        self,
        folder: str | Path,
        names: Sequence[str],
        skeleton: Skeleton,
        painter: FramePainter | None = None,
    ) -> None:
        self._folder = Path(folder)
        self._names = names
        self._painter = painter or FramePainter(skeleton)
        self._folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: Frame, poses: Poses) -> None:
        """Draw and write one picture; ``OSError`` if that cannot be."""
        path = drawn_path(self._folder, self._names[frame.index])
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = self._painter.paint(frame.image_bgr, poses)
        if self._painter.has_alpha:
            path = path.with_suffix(".png")
        if not cv2.imwrite(str(path), drawn):
            raise OSError(f"{path} cannot be written")

    def close(self, complete: bool) -> None:
        """Nothing is held open between pictures."""


def drawn_path(folder: Path, name: str) -> Path:
    """Return where the drawn picture of that name goes: inside the folder, of a kind we write.

    What is read but not written, such as HEIC, becomes PNG.
    """
    given = Path(name)
    path = folder.joinpath(*(part for part in given.parts if part not in ("..", given.anchor)))
    return path if cv2.haveImageWriter(path.name) else path.with_name(f"{path.name}.png")


class NumberedImagesWriter:
    """The frames of a clip as ``000000.png``, … by frame index, with transparency where there is.

    Args:
        folder: where to; it is made if missing.
        painter: paints the frames.
    """

    def __init__(self, folder: Path, painter: FramePainter) -> None:
        self._folder = folder
        self._painter = painter
        self._folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: Frame, poses: Poses) -> None:
        """Draw and write one frame; ``OSError`` if that cannot be."""
        path = self._folder / f"{frame.index:06d}.png"
        if not cv2.imwrite(str(path), self._painter.paint(frame.image_bgr, poses)):
            raise OSError(f"{path} cannot be written")

    def close(self, complete: bool) -> None:
        """Nothing is held open between pictures."""
