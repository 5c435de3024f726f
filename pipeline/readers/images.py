"""Reads pictures: files and folders, in a fixed order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.readers.address import shown_source
from pipeline.readers.base import ClipInfo, ReadReport
from rmpe.pictures.files import read_picture
from rmpe.records import Frame


class ImageReader:
    """One frame for each picture file; ``Frame.index`` is its place in the list.

    A file that cannot be read as a picture is counted in ``report`` and skipped.

    Args:
        paths: picture files, for instance from :func:`pipeline.readers.finding.find_images`;
            none is allowed.
        fps: pretended frames a second, for the times; 0 gives every picture time 0.
        source: what to call the whole.
        left_out: what was found and is not read, in words, for the report.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        fps: float = 0.0,
        source: str = "",
        left_out: Sequence[str] = (),
    ) -> None:
        self.paths = [Path(path) for path in paths]
        self._fps = fps
        self.report = ReadReport(warnings=list(left_out))
        self.info = ClipInfo(
            source=shown_source(source or (str(self.paths[0].parent) if self.paths else "")),
            width=0,
            height=0,
            fps=fps,
            frames_expected=len(self.paths),
            image_names=_short_names(self.paths),
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yield the pictures that can be read."""
        for index, path in enumerate(self.paths):
            read = read_picture(path)
            if read.image_bgr is None:
                self.report.add_error(f"{shown_source(str(path))} {read.note}")
                continue
            if read.note:
                self.report.add_warning(f"{path.name}: {read.note}")
            self.report.frames += 1
            yield Frame(index, index / self._fps if self._fps > 0 else 0.0, read.image_bgr)

    def close(self) -> None:
        """Nothing is held open between pictures."""


def _short_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return file names, with as much of the folders as keeps them apart and no way out of any."""
    names = tuple(path.name for path in paths)
    if len(set(names)) == len(names):
        return names
    whole = [Path(os.path.abspath(path)) for path in paths]
    common = os.path.commonpath([path.parent for path in whole])
    return tuple(path.relative_to(common).as_posix() for path in whole)
