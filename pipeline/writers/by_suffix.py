"""The writer that a rendered output's name asks for."""

from __future__ import annotations

from pathlib import Path

from pipeline.readers.base import ClipInfo
from pipeline.writers._film import FILM_KINDS, FilmWriter
from pipeline.writers.base import Writer
from pipeline.writers.images import ImagesWriter, NumberedImagesWriter
from pipeline.writers.video import VideoWriter
from rmpe.drawing import FramePainter, Look
from rmpe.skeletons import Skeleton

CLIP_SUFFIXES = (".mp4", *FILM_KINDS, ".gif")
"""Endings that are written; a name without one is a folder of pictures."""


def check_target(output: Path, look: Look) -> None:
    """Raise ``ValueError`` if an output's ending is none that is written, or cannot hold it."""
    suffix = output.suffix.lower()
    if suffix and suffix not in CLIP_SUFFIXES and not output.is_dir():
        raise ValueError(
            f"{output} ends in {suffix}, written are {' '.join(CLIP_SUFFIXES)}, or pictures into a "
            "folder, whose name has no ending"
        )
    if look.background == "transparent" and suffix == ".mp4":
        raise ValueError(
            f"{output}: MP4 holds no transparency; take .webm, .mov, .gif or a folder of pictures"
        )


def open_target(
    output: Path, painter: FramePainter, skeleton: Skeleton, info: ClipInfo, threads: int = 1
) -> Writer:
    """Return the writer of a file or folder, by its ending.

    Pictures of a folder keep their names; frames of a clip become ``000000.png``, ….

    Args:
        output: the file or folder; missing folders are made.
        painter: paints the frames.
        skeleton: of the poses.
        info: the clip's facts.
        threads: threads of the encoder.

    Raises:
        OSError: a folder cannot be made.
        ValueError: see :func:`check_target`.
    """
    check_target(output, painter.look)
    suffix = "" if output.is_dir() else output.suffix.lower()
    (output.parent if suffix else output).mkdir(parents=True, exist_ok=True)
    if suffix == ".mp4":
        return VideoWriter(
            output,
            skeleton,
            info.fps,
            painter=painter,
            threads=threads,
            pixel_aspect=info.pixel_aspect,
        )
    if suffix == ".gif":
        from pipeline.writers._gif import GifWriter  # it needs Pillow, which no other clip does

        return GifWriter(output, painter, info.fps)
    if suffix:
        return FilmWriter(output, painter, info.fps, threads, info.pixel_aspect)
    if info.image_names:
        return ImagesWriter(output, info.image_names, skeleton, painter)
    return NumberedImagesWriter(output, painter)
