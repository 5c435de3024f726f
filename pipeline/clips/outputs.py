"""What a run leaves in its output folder, and the writers that make it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.clips.journal import CHUNKS_NAME, WORK_NAME, Checkpoint
from pipeline.clips.request import FLAGS
from pipeline.readers.address import shown_source
from pipeline.writers import ChunkedVideoWriter, ImagesWriter, RecordsWriter, VideoWriter, Writer
from pipeline.writers.sound import SoundTrack
from rmpe.drawing import FramePainter, Look
from rmpe.formats import ClipHeader, get_format, read_records
from rmpe.formats.clip import PoseRecord
from rmpe.formats.outputs import PICTURES_NAME, RECORDS_NAME, VIDEO_NAME

NATIVE = "native"


@dataclass(frozen=True)
class OutputPlan:
    """What is written for one clip."""

    folder: Path
    """Where to; it is made if missing."""
    formats: tuple[str, ...] = ()
    """Record formats beside the native one, names in :data:`rmpe.formats.FORMATS`."""
    video: bool = True
    """Write ``annotated.mp4``, for clips."""
    images: bool = False
    """Write annotated pictures, for folders of pictures."""
    video_threads: int = 1
    """Threads of the encoder."""
    audio: bool = True
    """Copy the clip's sound into ``annotated.mp4``."""
    look: Look = field(default_factory=Look)
    """How people are shown in the annotated clip and pictures."""
    address: str = ""
    """Folder in a store to which all is uploaded in the end; it is made in ``folder``."""

    @property
    def flags(self) -> list[str]:
        """What is written beside records, by the names in requests."""
        wanted = zip(FLAGS, (self.video, self.images, self.audio))
        return [name for name, flag in wanted if flag]

    @property
    def shown(self) -> str:
        """Where the results will be, as it may be written and shown."""
        return shown_source(self.address) if self.address else str(self.folder)

    def __post_init__(self) -> None:
        if self.video and self.look.background == "transparent":
            raise ValueError(
                f"{VIDEO_NAME} holds no transparency: render the records into .webm or .mov"
            )


def open_writers(
    plan: OutputPlan,
    header: ClipHeader,
    start: Checkpoint | None = None,
    chunk: int = 64,
    sound: SoundTrack | None = None,
) -> list[tuple[str, Writer]]:
    """Return every writer of a run with its name; nothing stays open if one of them fails.

    In a run that goes on, the native records are cut to the frames that are done, the other formats
    are written anew from them, and the annotated clip's chunks are kept.

    Args:
        plan: what is written.
        header: what is true for the whole clip.
        start: where a run begins that can go on; None for a run in one go.
        chunk: frames after which such a run can be cut.
        sound: of the clip, for the annotated copy of a run that can go on.

    Raises:
        OSError: an output cannot be written.
        ValueError: a format is unknown, or the records do not hold the frames that are done.
    """
    for name in plan.formats:
        get_format(name)
    done = start.frames if start is not None else 0
    plan.folder.mkdir(parents=True, exist_ok=True)
    writers: list[tuple[str, Writer]] = []
    try:
        if done:
            writers.append((NATIVE, RecordsWriter.go_on(plan.folder / RECORDS_NAME, done)))
        for name in dict.fromkeys((NATIVE, *plan.formats)):
            if name != NATIVE or not done:
                records = RecordsWriter(name, plan.folder, header)
                writers.append((name, records))
                for record in stored_poses(plan.folder, done):
                    records.write_record(record)
        if plan.images:
            folder = plan.folder / PICTURES_NAME
            painter = _painter(plan, header, done)
            images = ImagesWriter(folder, header.image_names, header.skeleton, painter)
            writers.append(("images", images))
        if plan.video:
            (plan.folder / VIDEO_NAME).unlink(missing_ok=True)
            writers.append(("video", _video_writer(plan, header, start, chunk, sound)))
    except BaseException:
        for _, writer in writers:
            writer.close(complete=False)
        raise
    return writers


def stored_poses(folder: Path, frames: int) -> Iterator[PoseRecord]:
    """Yield the first so many frames of a folder's native records."""
    if frames:
        yield from islice(read_records(folder / RECORDS_NAME, NATIVE), frames)


def _painter(plan: OutputPlan, header: ClipHeader, done: int) -> FramePainter:
    """Return a painter; where a run goes on, with the trails of the frames that are done."""
    painter = FramePainter(header.skeleton, plan.look)
    if plan.look.trails:
        for record in deque(stored_poses(plan.folder, done), plan.look.trails):
            painter.remember(record.poses, header.width, header.height)
    return painter


def _video_writer(
    plan: OutputPlan,
    header: ClipHeader,
    start: Checkpoint | None,
    chunk: int,
    sound: SoundTrack | None,
) -> Writer:
    path = plan.folder / VIDEO_NAME
    painter = _painter(plan, header, start.frames if start is not None else 0)
    settings: dict[str, Any] = {"painter": painter, "threads": plan.video_threads}
    settings["pixel_aspect"] = header.pixel_aspect
    if start is None:
        return VideoWriter(path, header.skeleton, header.fps, **settings)

    def open_chunk(path: Path, size: tuple[int, int] | None) -> VideoWriter:
        return VideoWriter(path, header.skeleton, header.fps, size=size, **settings)

    return ChunkedVideoWriter(
        path,
        plan.folder / WORK_NAME / CHUNKS_NAME,
        chunk,
        open_chunk,
        done=start.frames,
        first_time_s=start.first_time_s,
        sound=sound,
    )
