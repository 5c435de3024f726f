"""Reads pictures: files and folders, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline.readers.base import ClipInfo, ReadReport
from rmpe.records import Frame, ImageArray


class ImageReader:
    """One frame for each picture file; ``Frame.index`` is its place in the list.

    A file that cannot be read as a picture is counted in ``report`` and skipped.

    Args:
        paths: picture files, for instance from :func:`pipeline.readers.finding.find_images`;
            none is allowed.
        fps: pretended frames a second, for the times; 0 gives every picture time 0.
        source: what to call the whole.
    """

    def __init__(self, paths: Sequence[str | Path], fps: float = 0.0, source: str = "") -> None:
        self.paths = [Path(path) for path in paths]
        self._fps = fps
        self.report = ReadReport()
        self.info = ClipInfo(
            source=source or (str(self.paths[0].parent) if self.paths else ""),
            width=0,
            height=0,
            fps=fps,
            frames_expected=len(self.paths),
            image_names=_short_names(self.paths),
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yield the pictures that can be read."""
        for index, path in enumerate(self.paths):
            image = read_image(path)
            if image is None:
                self.report.add_error(f"{path} cannot be read as a picture")
                continue
            self.report.frames += 1
            yield Frame(index, index / self._fps if self._fps > 0 else 0.0, image)

    def close(self) -> None:
        """Nothing is held open between pictures."""


def read_image(path: str | Path) -> ImageArray | None:
    """Return a picture file as BGR (H, W, 3), turned as its EXIF says; None if it is none."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        return None
    if not data.size:
        return None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, np.uint8)


def _short_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return file names, with as much of the folders as keeps them apart."""
    names = tuple(path.name for path in paths)
    return names if len(set(names)) == len(names) else tuple(path.as_posix() for path in paths)
