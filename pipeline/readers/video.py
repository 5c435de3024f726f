"""Reads a video file or stream with PyAV: upright BGR pictures with the container's times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.readers._seeking import SeekPlan, plan_seek
from pipeline.readers._timing import FrameClock
from pipeline.readers.base import ClipInfo, ReadReport
from rmpe.records import Frame, ImageArray

# Degrees counter-clockwise that the display matrix asks for -> OpenCV's name for it.
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}
# A file of this family lists every coded picture, so a shorter reading means a cut file.
_INDEXED_FORMAT = "mov,mp4,m4a,3gp,3g2,mj2"
# FFmpeg "plays" text files by their name as terminal art.
_TEXT_ART = frozenset({"tty", "bin", "xbin", "adf", "idf"})
# Headers round; a clip that ends earlier than this before its promised end is worth a word.
_DURATION_SLACK_S = 0.5


@dataclass(frozen=True)
class Span:
    """Which part of a clip is wanted."""

    start_s: float = 0.0
    """First second."""
    end_s: float | None = None
    """Frames at or after this second are left out; None reads to the end."""
    stride: int = 1
    """Every n-th frame from the first on."""

    def __post_init__(self) -> None:
        if self.start_s < 0:
            raise ValueError(f"start is {self.start_s} s, allowed is 0 or more")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end is {self.end_s} s, needed is more than start, {self.start_s} s")
        if self.stride < 1:
            raise ValueError(f"stride is {self.stride}, allowed is 1 or more")

    @property
    def is_whole(self) -> bool:
        """Whether every frame to the end is wanted."""
        return self.start_s <= 0 and self.end_s is None


class VideoReader:
    """Frames of one clip, in the order of presentation.

    ``Frame.index`` is the place in the whole clip, also when reading starts later or skips frames.
    Damaged places are counted in ``report`` and reading goes on behind them: the end of the stream
    is what the decoder says, never a number in the header.

    Args:
        path: file or address.
        span: part of the clip.
        threads: threads of the decoder; 0 lets it choose.
        first: frames to leave out of those that would be given, for a later part of the clip;
            decoding begins at the last keyframe before it where the container allows that.
        skip: further frames to leave out, for a run that goes on; they are decoded, so that damaged
            places in them are counted again.
        end: frames after which to end, all those left out counted; None goes on to the end.

    Raises:
        OSError: the file is missing, no video, or has no picture stream.
    """

    def __init__(
        self,
        path: str | Path,
        span: Span | None = None,
        threads: int = 1,
        *,
        first: int = 0,
        skip: int = 0,
        end: int | None = None,
    ) -> None:
        self._path = str(path)
        self._span = span or Span()
        self._first_wanted = first
        self._skip = first + skip
        self._end = end
        if "://" not in self._path:
            _check_file(Path(self._path))
        try:
            self._container = av.open(self._path, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            raise OSError(f"{path} cannot be opened as a video: {_reason(error)}") from error
        if self._container.format.name in _TEXT_ART:
            self._container.close()
            raise OSError(f"{path} cannot be opened as a video: it is a text file")
        if not self._container.streams.video:
            self._container.close()
            raise OSError(f"{path} has no video stream")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        self._reformatter = av.video.reformatter.VideoReformatter()
        self.report = ReadReport()
        self._packets = 0
        self._first = self._peek()
        self.info = self._make_info()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the wanted frames; see the class."""
        span = self._span
        clock = FrameClock(self._stream)
        plan = self._seek()
        index = plan.presented_before if plan else 0
        kept = plan.kept_before if plan else 0
        self.report.frames = -(-kept // span.stride)
        for frame in self._decoded(clock, plan.keyframe_pts if plan else None):
            time_s = clock.time_of(frame)
            if span.end_s is not None and time_s >= span.end_s:
                break
            if time_s >= span.start_s:
                if kept % span.stride == 0:
                    if self.report.frames == self._end:
                        break
                    self.report.frames += 1
                    if self.report.frames > self._skip:
                        yield Frame(index, time_s, self._picture(frame))
                kept += 1
            index += 1
        else:
            if plan is None:
                self._check_length(clock.last_s)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _peek(self) -> av.VideoFrame | None:
        """Decode one frame of a file for its true size and turn; None for an address."""
        if "://" in self._path:
            return None
        with av.open(self._path, metadata_errors="replace") as probe:
            stream = probe.streams.video[0]
            stream.codec_context.thread_count = 1
            for packet in probe.demux(stream):
                try:
                    for frame in packet.decode():
                        return frame
                except av.error.FFmpegError:
                    continue
        self._container.close()
        raise OSError(f"{self._path} holds no picture that can be decoded")

    def _make_info(self) -> ClipInfo:
        stream, first = self._stream, self._first
        width, height = stream.codec_context.width, stream.codec_context.height
        if first is not None:
            width, height = first.width, first.height
            if first.rotation % 180 == 90:
                width, height = height, width
        rate = stream.average_rate or stream.guessed_rate or Fraction(0)
        return ClipInfo(
            source=self._path,
            width=width,
            height=height,
            fps=round(float(rate), 6),
            frames_expected=self._expected(float(rate)),
            codec=stream.codec_context.name,
        )

    def _expected(self, rate: float) -> int:
        span, stream = self._span, self._stream
        total = stream.frames
        if not total and self._container.duration:
            total = int(self._container.duration / av.time_base * rate)
        if total and rate and not span.is_whole:
            first = min(int(span.start_s * rate), total)
            total = (total if span.end_s is None else min(int(span.end_s * rate), total)) - first
        return max(-(-total // span.stride), 0)

    def _seek(self) -> SeekPlan | None:
        """Go to the keyframe before the first wanted frame, if there is one and it is known."""
        span = self._span
        if not (span.start_s > 0 or self._first_wanted) or "://" in self._path:
            return None
        plan = plan_seek(self._path, span.start_s, self._first_wanted * span.stride)
        if plan is not None:
            self._container.seek(plan.keyframe_pts, stream=self._stream, backward=True)
        return plan

    def _decoded(self, clock: FrameClock, first_pts: int | None) -> Iterator[av.VideoFrame]:
        """Yield what the decoder gives, past damaged places, to the end.

        Pictures shown before ``first_pts`` look back to what was not decoded; they are left out.
        """
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self.report.add_error(f"reading stopped: {_reason(error)}")
                packet = None
            if packet is None:
                return
            self._packets += bool(packet.size)
            if packet.is_corrupt:
                self.report.add_error(f"packet {self._packets} is damaged")
            clock.sent(packet)
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                self.report.add_error(f"packet {self._packets}: {_reason(error)}")
                clock.refused()
                continue
            for frame in frames:
                if first_pts is not None and frame.pts is not None and frame.pts < first_pts:
                    continue
                if frame.is_corrupt:
                    self.report.add_error(f"packet {self._packets}: the picture is damaged")
                yield frame

    def _picture(self, frame: av.VideoFrame) -> ImageArray:
        """Return the frame as BGR (H, W, 3), turned upright as its metadata says."""
        turned = _TURNS.get(round(frame.rotation) % 360)
        converted = self._reformatter.reformat(frame, format="bgr24", threads=1)
        image = np.asarray(converted.to_ndarray(), np.uint8)
        if turned is not None:
            image = np.asarray(cv2.rotate(image, turned), np.uint8)
        return image

    def _check_length(self, last_s: float) -> None:
        """Compare what came with what the file's index or header promises."""
        promised, span = self._stream.frames, self._span
        if span.start_s > 0:
            return
        duration = (self._container.duration or 0) / av.time_base
        if not promised:
            if len(self._container.streams) == 1 and last_s < duration - _DURATION_SLACK_S:
                self.report.warnings.append(
                    f"the header says {duration:.2f} s, the last frame is at {last_s:.2f} s"
                )
        elif self._container.format.name == _INDEXED_FORMAT and self._packets < promised:
            self.report.add_error(
                f"the file is cut: {self._packets} of {promised} coded frames are there"
            )
        elif span.stride == 1 and self.report.frames != promised:
            self.report.warnings.append(
                f"the header says {promised} frames, the decoder gave {self.report.frames}"
            )


def _check_file(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, needed is a video file")
    if path.stat().st_size == 0:
        raise OSError(f"{path} is empty")


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)
