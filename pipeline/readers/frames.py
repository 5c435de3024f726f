"""A folder or pattern of pictures read as one clip, at a frame rate that the user gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.readers._upright import fit_picture
from pipeline.readers.address import shown_source
from pipeline.readers.base import ClipInfo, Reader, ReadReport
from pipeline.readers.finding import is_pattern, pictures_of
from pipeline.readers.span import Span
from pipeline.readers.video import VideoReader
from rmpe.pictures.files import read_picture
from rmpe.records import Frame, ImageArray

_LAST_NUMBER = re.compile(r"([0-9]+)(?!.*[0-9])")


class FrameFolderReader:
    """Frames of one clip that lies in pictures; ``Frame.index`` is the place among all of them.

    Pictures come in natural order of their names, ``1 / fps`` seconds apart; where a number is
    missing in the names that is said, and no time is left out for it. One that cannot be read is
    counted as a damaged place. Pictures of another size are fitted into the first one's.

    Args:
        source: folder or pattern.
        fps: frames a second.
        span, first, skip, end: as of :class:`~pipeline.readers.video.VideoReader`.

    Raises:
        OSError: there is no picture, none can be read, or the span begins behind the last.
        ValueError: the frame rate is not above 0.
    """

    def __init__(
        self,
        source: str | Path,
        fps: float,
        span: Span | None = None,
        *,
        first: int = 0,
        skip: int = 0,
        end: int | None = None,
    ) -> None:
        if not fps > 0:
            raise ValueError(f"fps is {fps}, allowed is more than 0")
        self.paths = pictures_of(source)
        self._span = span or Span()
        self._fps = fps
        self._skip = first + skip
        self._end = end
        self.report = ReadReport()
        self._has_others = False
        shown = shown_source(str(source))
        sizes = (read_picture(path).image_bgr for path in self.paths)
        picture = next((image for image in sizes if image is not None), None)
        if picture is None:
            raise OSError(f"none of the pictures of {shown} can be read")
        self._wanted = self._in_span()
        if not self._wanted:
            raise OSError(
                f"{shown} ends at {len(self.paths) / fps:.2f} s, before the start that was asked "
                f"for, {self._span.start_s:g} s"
            )
        self.info = ClipInfo(
            source=shown,
            width=picture.shape[1],
            height=picture.shape[0],
            fps=fps,
            frames_expected=len(self._wanted),
            codec="pictures",
            image_names=tuple(path.name for path in self.paths),
        )
        missing = _missing_numbers(self.paths)
        if missing:
            self.report.add_warning(f"{missing} numbers are missing among the names of the frames")

    def __iter__(self) -> Iterator[Frame]:
        """Yield the wanted frames."""
        for place, index in enumerate(self._wanted[: self._end]):
            if place < self._skip:
                self.report.frames += 1
                continue
            read = read_picture(self.paths[index])
            if read.image_bgr is None:
                self.report.add_error(f"{self.paths[index].name} {read.note}")
                continue
            if read.note:
                self.report.add_warning(f"{self.paths[index].name}: {read.note}")
            self.report.frames += 1
            self._note_size(read.image_bgr, self.paths[index].name)
            image = fit_picture(read.image_bgr, self.info.width, self.info.height)
            yield Frame(index, index / self._fps, image)

    def close(self) -> None:
        """Nothing is held open between pictures."""

    def _note_size(self, image_bgr: ImageArray, name: str) -> None:
        """Say once that there are pictures of another size."""
        height, width = image_bgr.shape[:2]
        own = (self.info.width, self.info.height)
        if (width, height) != own and not self._has_others:
            self._has_others = True
            self.report.add_warning(
                f"{name} is {width}x{height}; pictures of another size are fitted into "
                f"{own[0]}x{own[1]}, and all coordinates are in that"
            )

    def _in_span(self) -> list[int]:
        """Return the indices of the frames that are wanted."""
        span, fps = self._span, self._fps
        end_s = float("inf") if span.end_s is None else span.end_s
        inside = [n for n in range(len(self.paths)) if span.start_s <= n / fps < end_s]
        return inside[:: span.stride]


def open_clip(
    source: str,
    span: Span | None = None,
    threads: int = 1,
    *,
    fps: float = 0.0,
    first: int = 0,
    skip: int = 0,
    end: int | None = None,
    called: str = "",
) -> Reader:
    """Open a video, or with a frame rate a folder or pattern of pictures, as one clip.

    Args:
        source: file, folder, pattern or address.
        span, threads, first, skip, end: as of :class:`~pipeline.readers.video.VideoReader`.
        fps: frames a second, for pictures.
        called: what the clip is called where ``source`` is a copy of it.

    Raises:
        OSError: it cannot be opened.
    """
    name = shown_source(called or source)
    try:
        reader: FrameFolderReader | VideoReader
        if fps > 0 and (Path(source).is_dir() or is_pattern(source)):
            reader = FrameFolderReader(source, fps, span, first=first, skip=skip, end=end)
        else:
            reader = VideoReader(source, span, threads, first=first, skip=skip, end=end)
            if fps > 0:
                reader.report.add_warning(
                    "frames a second are for pictures: a video has its own times"
                )
    except OSError as error:
        if shown_source(source) == name or error.strerror:
            raise
        raise OSError(str(error).replace(shown_source(source), name)) from error
    reader.info = replace(reader.info, source=name)
    return reader


def _missing_numbers(paths: list[Path]) -> int:
    """Return how many numbers the names leave out between the first and the last."""
    found = [_LAST_NUMBER.search(path.stem) for path in paths]
    numbers = {int(match[1]) for match in found if match}
    if len(numbers) < len(paths):
        return 0
    return max(numbers) - min(numbers) + 1 - len(numbers)
