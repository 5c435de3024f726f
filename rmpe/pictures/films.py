"""Which of a file's video streams is its film."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

_DEFAULT_PIXELS = 5_000_000
"""What FFmpeg's program counts a stream for being marked as the default."""


def film_of(container: InputContainer) -> av.VideoStream | None:
    """Return the stream that FFmpeg's program would take, or None if there is no film.

    Cover pictures of sound files are none. Of several the largest is taken, the marked one if it is
    not smaller by far, the first of equal ones (``map_auto_video`` in ``ffmpeg_mux_init.c``).
    """
    return max(_films(container), key=_rank, default=None)


def several_films_note(film: av.VideoStream) -> str:
    """Return what is to be said of a film that is not its file's only one; else nothing."""
    count = len(_films(cast("InputContainer", film.container)))
    if count < 2:
        return ""
    size = f"{film.width}x{film.height}"
    return f"it holds {count} video streams: number {film.index}, {size}, is read"


def _films(container: InputContainer) -> list[av.VideoStream]:
    from av.stream import Disposition

    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    return [stream for stream in container.streams.video if not stream.disposition & covers]


def _rank(stream: av.VideoStream) -> int:
    from av.stream import Disposition

    marked = bool(stream.disposition & Disposition.default)
    return stream.width * stream.height + _DEFAULT_PIXELS * marked
