"""Draw stored poses onto their clip: no network is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.items import PosedFrame
from pipeline.readers.base import Reader
from pipeline.writers import open_target
from pipeline.writers.chunked_video import VideoChunk, join_chunks
from pipeline.writers.sound import SoundTrack
from rmpe.drawing import FramePainter, Look
from rmpe.formats import PoseReader
from rmpe.records import Poses

_PICTURES_PER_S = 25.0
"""Of pictures shown as a clip, which have no rate of their own."""


def posed_frames(reader: Reader, records: PoseReader) -> Iterator[PosedFrame]:
    """Yield every frame with its stored poses, by frame index; nobody where nothing is stored.

    Frames before and after the stored ones come as well, so that a part of a clip can be drawn.

    Args:
        reader: the clip that the records are about.
        records: stored poses, frame indices rising.

    Raises:
        ValueError: the clip's size is not the one that the records were made from, or the clip ends
            before the records do.
    """
    header, info = records.header, reader.info
    stated, real = (header.width, header.height), (info.width, info.height)
    if 0 not in (*stated, *real) and stated != real:
        raise ValueError(
            f"the records are of a clip of {stated[0]}x{stated[1]} pixels, {info.source} has "
            f"{real[0]}x{real[1]}: name the clip that they were made from"
        )
    nobody = Poses.empty(header.skeleton.joint_count)
    stored = iter(records)
    waiting = next(stored, None)
    end = len(info.image_names)
    for frame in reader:
        end = max(end, frame.index + 1)
        while waiting is not None and waiting.frame_index < frame.index:
            waiting = next(stored, None)
        if waiting is not None and waiting.frame_index == frame.index:
            yield PosedFrame(frame, waiting.poses)
        else:
            yield PosedFrame(frame, nobody)
    while waiting is not None and waiting.frame_index < end:
        waiting = next(stored, None)
    if waiting is not None:
        raise ValueError(
            f"{info.source} ended after {end} frames and the records have frame "
            f"{waiting.frame_index}: name the clip that they were made from"
        )


def at_rate(frames: Iterator[PosedFrame], fps: float) -> Iterator[PosedFrame]:
    """Yield frames at a constant rate, numbered anew: at every tick the latest that has come.

    Args:
        frames: in order of time.
        fps: frames a second; 0 yields them as they are.
    """
    if not fps:
        yield from frames
        return
    count, first_s = 0, 0.0
    latest: PosedFrame | None = None
    for posed in frames:
        if latest is None:
            first_s = posed.frame.timestamp_s
        # A frame is due at a tick that lies before the next frame, a hair of a frame allowed.
        while latest is not None and first_s + count / fps < posed.frame.timestamp_s - 1e-6:
            yield _timed(latest, count, first_s + count / fps)
            count += 1
        latest = posed
    if latest is not None and first_s + count / fps <= latest.frame.timestamp_s + 1e-6:
        yield _timed(latest, count, first_s + count / fps)


def _pictures_at_rate(frames: Iterator[PosedFrame], fps: float) -> Iterator[PosedFrame]:
    """Yield pictures, which have no times, one after another at a rate."""
    for posed in frames:
        yield _timed(posed, posed.frame.index, posed.frame.index / fps)


def _timed(posed: PosedFrame, index: int, timestamp_s: float) -> PosedFrame:
    return PosedFrame(replace(posed.frame, index=index, timestamp_s=timestamp_s), posed.poses)


def render_records(
    reader: Reader,
    records: PoseReader,
    output: Path,
    *,
    look: Look | None = None,
    fps: float = 0.0,
    video_threads: int = 1,
    sound_of: str = "",
    on_frame: Callable[[PosedFrame], object] | None = None,
) -> int:
    """Draw stored poses and write the annotated clip, or annotated pictures.

    Args:
        reader: the clip that the records are about; it is closed at the end.
        records: stored poses.
        output: the file, whose ending says what it becomes, or a folder for pictures; see
            :func:`pipeline.writers.open_target`.
        look: how everything is shown.
        fps: frames a second of the result; 0 keeps the clip's own times.
        video_threads: threads of the encoder.
        sound_of: file whose sound goes into an MP4, MOV or WebM; empty for none.
        on_frame: called with every frame, for progress.

    Returns:
        Number of frames written.

    Raises:
        OSError: the clip cannot be read or the output not written.
        ValueError: see :func:`posed_frames`; the output's ending is unknown.
    """
    skeleton = records.header.skeleton
    painter = FramePainter(skeleton, look)
    info = replace(reader.info, fps=fps) if fps else reader.info
    writer = open_target(output, painter, skeleton, info, video_threads)
    frames = posed_frames(reader, records)
    if info.image_names:
        frames = _pictures_at_rate(frames, info.fps or _PICTURES_PER_S)
    else:
        frames = at_rate(frames, fps)
    written, first_s, complete = 0, 0.0, False
    try:
        for posed in frames:
            first_s = posed.frame.timestamp_s if not written else first_s
            writer.write(posed.frame, posed.poses)
            written += 1
            if on_frame is not None:
                on_frame(posed)
        complete = True
    finally:
        writer.close(complete)
        reader.close()
    if sound_of and written and output.suffix.lower() in (".mp4", ".mov", ".webm"):
        join_chunks([VideoChunk(output, 0, 0)], output, SoundTrack(sound_of), first_s)
    return written
