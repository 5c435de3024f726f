"""Records a live run as it comes: poses and annotated video, in segments that are each complete."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av

from pipeline.clips.folder_lock import FolderLock
from pipeline.live.events import EventQueue, Events
from pipeline.writers.video import VideoWriter
from rmpe.formats import ClipHeader
from rmpe.formats.native import NativeReader, NativeWriter
from rmpe.formats.outputs import RECORDS_NAME, VIDEO_NAME
from rmpe.records import Frame, Poses

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_SIZES = {"kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SegmentLimits:
    """When a recording goes on in a new segment; neither limit makes one segment of it all."""

    seconds: float | None = None
    """Length of a segment in the time of its frames."""
    nbytes: int | None = None
    """Size of a segment's files; the frame that passes it is the last."""

    @classmethod
    def parse(cls, text: str) -> SegmentLimits:
        """Return the limits of a text: ``60``, ``90s``, ``10m``, ``1h``, ``500MB``, ``2GB``.

        Raises:
            ValueError: the text is none of these.
        """
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
        number = float(match[1]) if match else 0.0
        unit = (match[2] or "s") if match else ""
        if number > 0 and unit in _UNITS:
            return cls(seconds=number * _UNITS[unit])
        if number > 0 and unit in _SIZES:
            return cls(nbytes=int(number * _SIZES[unit]))
        raise ValueError(
            f"got segment {text!r}; needed is a time such as 60s, 10m or 1h, or a size such as "
            "500MB or 2GB"
        )

    @property
    def never(self) -> bool:
        """Whether there is one segment only."""
        return self.seconds is None and self.nbytes is None

    def is_over(self, seconds: float, nbytes: Callable[[], int]) -> bool:
        """Return whether a segment of that length and size is complete."""
        if self.seconds is not None and seconds >= self.seconds:
            return True
        return self.nbytes is not None and nbytes() >= self.nbytes


class Segment:
    """One folder of a recording: ``poses.ndjson`` and, if wanted, ``annotated.mp4``.

    Raises:
        OSError: nothing can be written there.
    """

    def __init__(
        self, folder: Path, header: ClipHeader, first: Frame, video_threads: int | None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.first_s = first.timestamp_s
        self._records = NativeWriter(folder / RECORDS_NAME, header)
        self._video: VideoWriter | None = None
        if video_threads is not None:
            path = folder / VIDEO_NAME
            path.unlink(missing_ok=True)
            self._video = VideoWriter(path, header.skeleton, header.fps, threads=video_threads)

    def write(self, frame: Frame, poses: Poses, events: EventQueue) -> None:
        """Write one frame, after the events that came before it."""
        for event in events.drain():
            self._records.write_event(event)
        self._records.write(frame.index, frame.timestamp_s, poses)
        if self._video is not None:
            self._video.write(frame, poses)

    def write_events(self, events: EventQueue) -> None:
        """Write what happened after the last frame."""
        for event in events.drain():
            self._records.write_event(event)

    @property
    def frames_on_disk(self) -> int:
        """Frames that are there even if this process is killed now."""
        written = self._records.frames_written
        return written if self._video is None else min(written, self._video.frames_on_disk)

    def nbytes(self) -> int:
        """Return the size of the files so far."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def close(self, complete: bool) -> None:
        """End both files, the second one also when the first fails."""
        try:
            self._records.close(complete)
        finally:
            if self._video is not None:
                self._video.close(complete)


class Recorder:
    """Writes results and events into a folder; a :class:`~pipeline.writers.base.Writer`.

    When writing fails, for instance because the disk is full, recording stops with a message and
    an event; the run goes on.

    Args:
        folder: where to; with limits each segment is a folder ``segment_00000`` inside. A
            folder that holds a recording is gone on with: the next segment comes after its last
            one, nothing is written over, and a segment that a killed run left is ended.
        header: what is true for the whole run.
        events: what happens beside the frames; also told when recording stops.
        limits: when a new segment begins.
        video_threads: threads of the encoder; None writes no video.

    Attributes:
        first_segment: number of the first segment of this run; 0 for a new recording.
        frames: frames written.
        segments: segments begun.
        failure: why recording stopped; empty while it goes on.

    Raises:
        FolderInUseError: another run records there.
        OSError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | Path,
        header: ClipHeader,
        events: Events,
        limits: SegmentLimits | None = None,
        video_threads: int | None = 1,
    ) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(self._folder)
        self.first_segment = _end_earlier(self._folder)
        self._header = header
        self._events = events
        self._queue = events.subscribe()
        self._limits = limits or SegmentLimits()
        self._video_threads = video_threads
        self._segment: Segment | None = None
        self._tally: tuple[int, Segment | None] = (0, None)
        self.frames = 0
        self.segments = 0
        self.failure = ""

    @property
    def frames_on_disk(self) -> int:
        """Frames that play and can be read even if this process is killed now; from any thread.

        Of the video of a killed run the last two seconds or so are missing.
        """
        before, segment = self._tally
        return before + (0 if segment is None else segment.frames_on_disk)

    def write(self, frame: Frame, poses: Poses) -> None:
        """Write one frame; a failure stops recording, not the run."""
        if self.failure:
            return
        try:
            self._write(frame, poses)
        except (OSError, av.error.FFmpegError) as error:
            self._give_up(error)

    def close(self, complete: bool) -> None:
        """End the last segment and let go of the folder."""
        self._lock.release()
        segment = self._segment
        if segment is None:
            return
        try:
            segment.write_events(self._queue)
            self._close(segment, complete)
        except (OSError, av.error.FFmpegError) as error:
            self._give_up(error)

    def _write(self, frame: Frame, poses: Poses) -> None:
        segment = self._segment
        if segment is not None and self._limits.is_over(
            frame.timestamp_s - segment.first_s, segment.nbytes
        ):
            self._close(segment)
        if self._segment is None:
            self._segment = Segment(self._next_folder(), self._header, frame, self._video_threads)
            self.segments += 1
            self._tally = (self._tally[0], self._segment)
        self._segment.write(frame, poses, self._queue)
        self.frames += 1

    def _close(self, segment: Segment, complete: bool = True) -> None:
        """End the open segment; all its frames are recorded then."""
        self._segment = None
        segment.close(complete)
        self._tally = (self._tally[0] + segment.frames_on_disk, None)

    def _next_folder(self) -> Path:
        if self._limits.never and not self.first_segment:
            return self._folder
        return self._folder / segment_name(self.first_segment + self.segments)

    def _give_up(self, error: Exception) -> None:
        reason = str(getattr(error, "strerror", None) or error)
        self.failure = f"recording stopped after {self.frames} frames: {reason}"
        log.error("%s; the view goes on", self.failure)
        segment, self._segment = self._segment, None
        if segment is not None:
            try:
                segment.close(complete=False)
            except (OSError, av.error.FFmpegError) as second:
                log.info("the last segment could not be ended: %s", second)
        self._lock.release()
        self._events.tell("recording_stopped", reason=reason, wall_time=_wall_time())


def segment_name(number: int) -> str:
    """Return the name of a segment's folder."""
    return f"segment_{number:05d}"


def _end_earlier(folder: Path) -> int:
    """End the segment that a killed run left open; return the number of the next segment.

    Raises:
        OSError: a file cannot be read or written.
    """
    numbers = [
        int(path.name.removeprefix("segment_"))
        for path in folder.glob("segment_*")
        if path.is_dir() and re.fullmatch(r"segment_[0-9]+", path.name)
    ]
    whole = folder / RECORDS_NAME
    if not numbers and not whole.exists() and not (folder / VIDEO_NAME).exists():
        return 0
    last = folder / segment_name(max(numbers)) / RECORDS_NAME if numbers else whole
    try:
        reader = NativeReader(last)
        frames = sum(1 for _ in reader)
        if not reader.complete:
            NativeWriter.resume(last, frames).close(True)
            log.warning("%s was not ended; it has %d whole frames", last.parent, frames)
    except (FileNotFoundError, ValueError) as error:
        log.warning("%s cannot be ended: %s", last.parent, error)
    return max(numbers, default=0) + 1


def _wall_time() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
