"""Open stored poses together with the clip or the pictures that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.readers import ImageReader, VideoReader
from pipeline.readers.address import is_address
from pipeline.readers.base import Reader
from pipeline.readers.finding import find_images
from rmpe.formats import ClipHeader, PoseReader, ReadHints, read_records
from rmpe.report import find_clip_file

_NO_CLIPS = frozenset({".json", ".ndjson", ".txt", ".csv", ".parquet"})


def open_stored(
    records: Path,
    *,
    video: str | None = None,
    images: Sequence[str] = (),
    format_name: str | None = None,
    hints: ReadHints | None = None,
    threads: int = 1,
    called: str = "",
) -> tuple[Reader, PoseReader]:
    """Return the frames of stored poses, and the poses by the frames' indices.

    Args:
        records: file or folder of poses in any format.
        video: the clip; by default the one that the records name, if it is here.
        images: pictures or their folders, in place of a clip.
        format_name: the records' format; None recognises it.
        hints: what the records may not say themselves.
        threads: threads that decode a clip.
        called: what ``video`` or ``images`` are called where they are copies.

    Raises:
        OSError: the clip or a picture cannot be opened.
        ValueError: the records cannot be read, name no clip, or are about other pictures.
    """
    if video and images:
        raise ValueError("give --video or --images, not both")
    hints = hints or ReadHints()
    fps = hints.fps
    if not video and not images:
        header = read_records(records, format_name, hints).header
        fps = fps or header.fps
        source = _source_of(header, records)
        if header.image_names:
            named = [source / name for name in header.image_names]
            images = list(map(str, named if all(one.is_file() for one in named) else [source]))
        else:
            video = str(source)
    reader: ImageReader | VideoReader
    if images:
        pictures = find_images(images)
        if not pictures:
            raise FileNotFoundError(f"{images[0]} holds no pictures")
        reader = ImageReader(pictures, fps=fps, source=str(pictures[0].parent))
        hints = replace(hints, image_names=reader.info.image_names)
    else:
        reader = VideoReader(str(video), threads=threads)
        hints = replace(hints, clip_frames=reader.info.frames_expected)
    if called:
        reader.info = replace(reader.info, source=called)
    try:
        return reader, read_records(records, format_name, hints)
    except BaseException:
        reader.close()
        raise


def _source_of(header: ClipHeader, records: Path) -> Path:
    """Return the clip or folder that records name, looked for beside them too.

    An address in a file of somebody else is not asked; the user names it.
    """
    source = header.source
    if is_address(source):
        raise ValueError(f"{records} names the address {source}: give it with --video to open it")
    if not source or Path(source).suffix.lower() in _NO_CLIPS:
        raise ValueError(f"{records} names no clip: give --video CLIP, or --images FOLDER")
    found = find_clip_file(source, records, bool(header.image_names))
    if found is None:
        raise FileNotFoundError(
            f"{source}, which {records} names, is not here: give --video CLIP, or --images FOLDER"
        )
    return found
