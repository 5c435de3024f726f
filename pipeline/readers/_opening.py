"""Opens a clip with PyAV: any file name, addresses with a time limit, and errors in words."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import av
from av.container import InputContainer

from pipeline.readers._cut import why_unreadable
from pipeline.readers._timing import guessed_rate_note
from pipeline.readers.address import ffmpeg_name, is_address, shown_source, without_secrets
from rmpe.pictures import film_of, several_films_note

OPEN_WITHIN_S = 15.0
"""Of an address; a server that is there answers sooner."""
READ_WITHIN_S = 30.0
"""Of a packet of it: on a bad line a segment may be fetched anew."""

# FFmpeg "plays" text files by their name as terminal art.
_TEXT_ART = frozenset({"tty", "bin", "xbin", "adf", "idf"})
_LOOK_EVERY_S = 0.1
"""Python sees Ctrl-C between waits, not in one."""

T = TypeVar("T")


def open_video(source: str) -> tuple[InputContainer, av.VideoStream]:
    """Open a clip and return it with the stream of its film.

    Raises:
        OSError: it is missing, no video, has no picture stream, or answers too late.
    """
    shown = shown_source(source)
    if not is_address(source):
        _check_file(source)
    try:
        container = _open(source)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = why_unreadable(source) or without_secrets(reason_of(error), source)
        raise OSError(f"{shown} cannot be opened as a video: {reason}") from None
    try:
        if container.format.name in _TEXT_ART:
            raise OSError(f"{shown} cannot be opened as a video: it is a text file")
        stream = film_of(container)
        if stream is None:
            covers = ", only a cover picture" if container.streams.video else ""
            raise OSError(f"{shown} has no video stream{covers}")
        if stream.codec_context is None:
            raise OSError(f"{shown} cannot be decoded: its codec is not known here")
        return container, stream
    except OSError:
        container.close()
        raise


def first_picture(source: str) -> av.VideoFrame | None:
    """Return the first picture of a file that can be decoded, or None."""
    with av.open(ffmpeg_name(source), metadata_errors="replace") as container:
        stream = film_of(container)
        if stream is None:
            return None
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    return frame
            except av.error.FFmpegError:
                continue
    return None


def notes_on(stream: av.VideoStream) -> list[str]:
    """Return what was guessed in choosing a stream and its rate: one line each."""
    return [note for note in (guessed_rate_note(stream), several_films_note(stream)) if note]


def _open(source: str) -> InputContainer:
    if not is_address(source):
        return av.open(ffmpeg_name(source), metadata_errors="replace")
    timeouts = (OPEN_WITHIN_S, READ_WITHIN_S)
    return in_thread(lambda: av.open(source, timeout=timeouts, metadata_errors="replace"))


def in_thread(work: Callable[[], T]) -> T:
    """Return what ``work`` gives, done on a thread of its own so that Ctrl-C ends the wait.

    Raises:
        BaseException: what ``work`` raised.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again where it is waited for
            errors.append(error)

    thread = threading.Thread(target=run, name="open-0", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK_EVERY_S)
    if errors:
        raise errors[0]
    return results[0]


def reason_of(error: BaseException) -> str:
    """Return why FFmpeg failed, in words without numbers and names."""
    if isinstance(error, av.error.ExitError):
        return "it does not answer in time"
    if isinstance(error, UnicodeError):
        return "its name is no text; give it another one"
    return str(getattr(error, "strerror", None) or error)


def _check_file(source: str) -> None:
    path, shown = Path(source), shown_source(source)
    try:
        if path.is_dir():
            raise IsADirectoryError(f"{shown} is a folder, needed is a video file")
        if not path.exists():
            raise FileNotFoundError(f"{shown} does not exist")
        if not path.is_file():
            raise OSError(f"{shown} is no file: pipes and devices are read by webcam")
        if path.stat().st_size == 0:
            raise OSError(f"{shown} is empty")
    except ValueError as error:  # a name that no file system knows, with a zero byte
        raise FileNotFoundError(f"{shown!r} does not exist: {error}") from None
