"""Draw stored poses onto their clip: no network is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.items import PosedFrame
from pipeline.readers.base import Reader
from pipeline.writers import ImagesWriter, VideoWriter, Writer
from rmpe.drawing import DrawingStyle
from rmpe.formats import PoseReader
from rmpe.records import Poses


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


def render_records(
    reader: Reader,
    records: PoseReader,
    output: Path,
    *,
    style: DrawingStyle | None = None,
    video_threads: int = 1,
    on_frame: Callable[[PosedFrame], object] | None = None,
) -> int:
    """Draw stored poses and write the annotated clip, or annotated pictures for a folder of them.

    Args:
        reader: the clip that the records are about; it is closed at the end.
        records: stored poses.
        output: the video file, or the folder for pictures.
        style: what is drawn.
        video_threads: threads of the encoder.
        on_frame: called with every frame, for progress.

    Returns:
        Number of frames written.

    Raises:
        OSError: the clip cannot be read or the output not written.
        ValueError: see :func:`posed_frames`.
    """
    skeleton, info = records.header.skeleton, reader.info
    writer: Writer
    if info.image_names:
        writer = ImagesWriter(output, info.image_names, skeleton, style)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        writer = VideoWriter(output, skeleton, info.fps, style=style, threads=video_threads)
    written, complete = 0, False
    try:
        for posed in posed_frames(reader, records):
            writer.write(posed.frame, posed.poses)
            written += 1
            if on_frame is not None:
                on_frame(posed)
        complete = True
    finally:
        writer.close(complete)
        reader.close()
    return written
