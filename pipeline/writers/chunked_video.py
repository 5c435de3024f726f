"""Writes the annotated clip in closed chunks, so that a killed run can go on, and joins them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from pipeline.writers.sound import SoundTrack
from pipeline.writers.video import TICKS, VideoWriter
from rmpe.formats.outputs import unfinished
from rmpe.records import Frame, Poses


@dataclass(frozen=True)
class VideoChunk:
    """One chunk of the clip: a file that plays on its own, named ``FRAME-TICK.mp4``."""

    path: Path
    """The file."""
    first: int
    """Frames of the clip before it."""
    tick: int
    """Time of its first frame from the clip's start, in ticks of a 90,000th second."""

    @classmethod
    def named(cls, folder: Path, first: int, tick: int) -> VideoChunk:
        """Return the chunk that begins there."""
        return cls(folder / f"{first:09d}-{tick:012d}.mp4", first, tick)

    @classmethod
    def all_in(cls, folder: Path) -> list[VideoChunk]:
        """Return the chunks of a folder in order; none if there is no folder."""
        found = []
        for path in folder.glob("*-*.mp4"):
            first, _, tick = path.stem.partition("-")
            if first.isdigit() and tick.isdigit():
                found.append(cls(path, int(first), int(tick)))
        return sorted(found, key=lambda chunk: chunk.first)


class ChunkedVideoWriter:
    """An annotated clip, written as one file for each chunk and joined at the end.

    Where chunks begin depends on the number of frames alone, so a run that was killed and went on
    ends with the same clip. The joined file appears under its name when it is whole, also after a
    run that broke off in an orderly way; the chunks stay until the caller removes them.

    Args:
        path: the joined file.
        folder: of the chunks; it is made if missing.
        chunk_frames: frames of a chunk.
        open_video: makes the writer of one chunk from its path and size (None: the first frame's).
        done: frames already in chunks, a multiple of ``chunk_frames``; later chunks are removed.
        first_time_s: time of the clip's first frame; used when ``done`` is not 0.
        sound: put into the joined file.

    Raises:
        OSError: the folder cannot be used, or the chunks of the frames that are done are gone.
    """

    def __init__(
        self,
        path: Path,
        folder: Path,
        chunk_frames: int,
        open_video: Callable[[Path, tuple[int, int] | None], VideoWriter],
        *,
        done: int = 0,
        first_time_s: float = 0.0,
        sound: SoundTrack | None = None,
    ) -> None:
        self._sound = sound
        self._path = path
        self._folder = folder
        self._chunk_frames = chunk_frames
        self._open_video = open_video
        self._count = done
        self._first_time_s = first_time_s
        self._writer: VideoWriter | None = None
        self._current: VideoChunk | None = None
        self._size: tuple[int, int] | None = None
        self._next_tick = 0
        folder.mkdir(parents=True, exist_ok=True)
        for chunk in VideoChunk.all_in(folder):
            if chunk.first >= done:
                chunk.path.unlink()
        if done:
            self._go_on()

    def write(self, frame: Frame, poses: Poses) -> None:
        """Draw and encode one frame.

        Raises:
            OSError: a file cannot be written.
        """
        if self._count == 0:
            self._first_time_s = frame.timestamp_s
        if self._writer is None:
            tick = round((frame.timestamp_s - self._first_time_s) * TICKS)
            self._current = VideoChunk.named(self._folder, self._count, max(tick, self._next_tick))
            self._writer = self._open_video(self._current.path, self._size)
        self._writer.write(frame, poses)
        self._count += 1
        if self._count % self._chunk_frames == 0:
            self._end_chunk()

    def close(self, complete: bool) -> None:
        """End the last chunk and join all; allowed twice."""
        self._end_chunk()
        chunks = VideoChunk.all_in(self._folder)
        if chunks:
            join_chunks(chunks, self._path, self._sound, self._first_time_s)

    def _end_chunk(self) -> None:
        """Close the current chunk and bring it to the disk."""
        writer, chunk = self._writer, self._current
        if writer is None or chunk is None:
            return
        self._writer = self._current = None
        writer.close(complete=True)
        self._size = writer.size
        self._next_tick = chunk.tick + writer.last_tick + 1
        with open(chunk.path, "rb") as file:
            os.fsync(file.fileno())

    def _go_on(self) -> None:
        """Take the size of the clip and the end of its last chunk from the chunks there are."""
        chunks = VideoChunk.all_in(self._folder)
        if [chunk.first for chunk in chunks] != list(range(0, self._count, self._chunk_frames)):
            raise OSError(f"{self._folder} does not hold the clip's first {self._count} frames")
        with av.open(f"file:{chunks[-1].path}") as container:
            stream = container.streams.video[0]
            self._size = (stream.codec_context.width, stream.codec_context.height)
            last = max(packet.pts or 0 for packet in container.demux(stream) if packet.size)
            ticks = round(last * (stream.time_base or Fraction(1, TICKS)) * TICKS)
        self._next_tick = chunks[-1].tick + ticks + 1


def join_chunks(
    chunks: Sequence[VideoChunk],
    path: Path,
    sound: SoundTrack | None = None,
    first_time_s: float = 0.0,
) -> None:
    """Put chunks of one clip into one file without encoding anew; it is there when it is whole.

    Args:
        chunks: chunks in order, all of the same size and codec.
        path: the file; an existing one is replaced.
        sound: put beside the pictures, if its source has any.
        first_time_s: moment of the sound's source with which the clip begins.

    Raises:
        OSError: a chunk cannot be read or the file not written.
    """
    temporary = unfinished(path)
    try:
        _copy_packets(chunks, temporary, sound, first_time_s)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def _copy_packets(
    chunks: Sequence[VideoChunk], path: Path, sound: SoundTrack | None, first_time_s: float
) -> None:
    """Write the packets of pictures and sound by their times, so that none waits long in memory."""
    suffix = chunks[0].path.suffix.lower()
    name = suffix.removeprefix(".") if suffix in (".mov", ".webm") else "mp4"
    with av.open(f"file:{path}", "w", format=name) as output:
        with av.open(f"file:{chunks[0].path}") as container:
            template = container.streams.video[0]
            stream = output.add_stream_from_template(template)
            if template.metadata.get("ALPHA_MODE"):  # as it is read; written in small letters
                stream.metadata["alpha_mode"] = template.metadata["ALPHA_MODE"]
        stream.time_base = Fraction(1, TICKS)
        heard: Iterator[tuple[float, av.Packet]] = iter(())
        if sound is not None and sound.open(output):
            heard = sound.packets(first_time_s, _end_of(chunks[-1]))
        waiting = next(heard, None)
        for tick, packet in _pictures(chunks):
            while sound is not None and waiting is not None and waiting[0] <= tick / TICKS:
                waiting[1].stream = sound.output
                output.mux(waiting[1])
                waiting = next(heard, None)
            packet.stream = stream
            packet.time_base = Fraction(1, TICKS)
            packet.pts = packet.dts = tick
            output.mux(packet)
        while sound is not None and waiting is not None:
            waiting[1].stream = sound.output
            output.mux(waiting[1])
            waiting = next(heard, None)


def _pictures(chunks: Sequence[VideoChunk]) -> Iterator[tuple[int, av.Packet]]:
    """Yield the packets of all chunks with their ticks from the start of the clip."""
    for chunk in chunks:
        with av.open(f"file:{chunk.path}") as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.pts is None or packet.time_base is None:
                    continue
                yield chunk.tick + round(packet.pts * packet.time_base * TICKS), packet


def _end_of(chunk: VideoChunk) -> float:
    """Return the second at which the clip's last picture ends."""
    last = 0
    for tick, packet in _pictures([chunk]):
        shown = round((packet.duration or 0) * (packet.time_base or Fraction(1, TICKS)) * TICKS)
        last = max(last, tick + shown)
    return last / TICKS
