"""Writes annotated pictures, one file for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from rmpe.drawing import DrawingStyle, draw_poses
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton


class ImagesWriter:
    """Pictures with the poses drawn on them, in one folder, under the names of the originals.

    Args:
        folder: where to; it is made if missing.
        names: file name of each picture by frame index; folders in a name are kept.
        skeleton: of the poses.
        style: what is drawn.
    """

    def __init__(
        self,
        folder: str | Path,
        names: Sequence[str],
        skeleton: Skeleton,
        style: DrawingStyle | None = None,
    ) -> None:
        self._folder = Path(folder)
        self._names = names
        self._skeleton = skeleton
        self._style = style
        self._folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: Frame, poses: Poses) -> None:
        """Draw and write one picture; ``OSError`` if that cannot be."""
        name = Path(self._names[frame.index])
        path = self._folder / (Path(*name.parts[1:]) if name.is_absolute() else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = draw_poses(frame.image_bgr, poses, self._skeleton, self._style)
        if not cv2.imwrite(str(path), drawn):
            raise OSError(f"{path} cannot be written")

    def close(self, complete: bool) -> None:
        """Nothing is held open between pictures."""
