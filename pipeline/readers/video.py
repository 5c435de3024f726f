"""Reads a video file or stream with PyAV: upright BGR pictures with the container's times."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import cast

import av

from pipeline.readers._cut import MP4, films_behind, why_cut
from pipeline.readers._opening import first_picture, in_thread, notes_on, open_video, reason_of
from pipeline.readers._seeking import SeekPlan, plan_seek
from pipeline.readers._timing import FrameClock, frame_rate
from pipeline.readers._upright import UprightConverter, fit_picture, shown_aspect, shown_size
from pipeline.readers.address import is_address, shown_source
from pipeline.readers.base import ClipInfo, ReadReport
from pipeline.readers.span import Span
from rmpe.records import Frame, ImageArray

_COUNTED_FROM_0 = "matroska,webm"
"""Its header says when a clip ends, others how long it lasts."""
# Headers round; a clip that ends earlier than this before its promised end is worth a word.
_DURATION_SLACK_S = 0.5
# A damaged packet this few pictures before a joint of two recordings is the joint itself.
_JOINT_WITHIN = 40


class VideoReader:
    """Frames of one clip, in the order of presentation.

    ``Frame.index`` is the place in the whole clip, also when reading starts later or skips frames.
    Damaged places are counted in ``report`` and reading goes on behind them: the end of the stream
    is what the decoder says, never a number in the header. Pictures are upright and mirrored back
    as the clip's metadata says; where they change size, they are fitted into the first one's, so
    that all coordinates are in one frame of reference.

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
        OSError: the file is missing, no video, or has no picture stream; or the span begins after
            its end.
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
        self._container, self._stream = open_video(self._path)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        self._converter = UprightConverter()
        self.report = ReadReport()
        self._packets = 0
        self._suspects: list[tuple[int, str]] = []
        self._coded_end_s = 0.0
        self._last_size = (0, 0)
        self._clock = FrameClock(self._stream)
        self._early: Iterator[av.VideoFrame] | None = None
        try:
            first_frame = self._peek()
            self._size = shown_size(first_frame)
            self.info = self._make_info(first_frame)
            for note in notes_on(self._stream):
                self.report.add_warning(note)
            self._check_start()
        except BaseException:
            self._container.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        """Yield the wanted frames; see the class."""
        span, clock = self._span, self._clock
        plan = self._seek()
        index = plan.presented_before if plan else 0
        kept = plan.kept_before if plan else 0
        self.report.frames = -(-kept // span.stride)
        decoded = self._early or self._decoded(plan.keyframe_pts if plan else None)
        for frame in decoded:
            time_s = clock.time_of(frame)
            self._note_joint(frame, index)
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
            self._end_reading(whole=plan is None)
        self._tell_suspects(self._packets + _JOINT_WITHIN)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _peek(self) -> av.VideoFrame:
        """Decode one frame for the true size and orientation: a file's anew, an address' in place.

        Raises:
            OSError: there is none.
        """
        frame: av.VideoFrame | None = None
        if is_address(self._path):
            decoded = self._decoded(None)
            frame = in_thread(lambda: next(decoded, None))
            if frame is not None:
                self._early = chain([frame], decoded)
        else:
            frame = first_picture(self._path)
        if frame is None:
            why = f": {self.report.errors[0]}" if self.report.errors else ""
            raise OSError(f"{shown_source(self._path)} holds no picture that can be decoded{why}")
        return frame

    def _make_info(self, first: av.VideoFrame) -> ClipInfo:
        stream = self._stream
        rate = frame_rate(stream)
        return ClipInfo(
            source=shown_source(self._path),
            width=self._size[0],
            height=self._size[1],
            fps=round(float(rate), 6),
            frames_expected=self._expected(float(rate)),
            codec=stream.codec_context.name,
            pixel_aspect=shown_aspect(stream, first),
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

    def _check_start(self) -> None:
        """Refuse a span that begins after the end that a file's header promises."""
        duration_s = (self._container.duration or 0) / av.time_base
        start_s = self._span.start_s
        if is_address(self._path) or not duration_s or start_s < duration_s + _DURATION_SLACK_S:
            return
        raise self._no_frame(duration_s)

    def _no_frame(self, end_s: float) -> OSError:
        return OSError(
            f"{self.info.source} ends at {end_s:.2f} s, before the start that was asked for, "
            f"{self._span.start_s:g} s"
        )

    def _seek(self) -> SeekPlan | None:
        """Go to the keyframe before the first wanted frame, if there is one and it is known."""
        span = self._span
        if not (span.start_s > 0 or self._first_wanted) or is_address(self._path):
            return None
        plan = plan_seek(self._path, span.start_s, self._first_wanted * span.stride)
        if plan is not None:
            self._container.seek(plan.keyframe_pts, stream=self._stream, backward=True)
        return plan

    def _decoded(self, first_pts: int | None) -> Iterator[av.VideoFrame]:
        """Yield what the decoder gives, past damaged places, to the end.

        Pictures shown before ``first_pts`` look back to what was not decoded; they are left out.
        """
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self.report.add_error(f"reading stopped: {reason_of(error)}")
                packet = None
            if packet is None:
                return
            self._note_end(packet)
            if packet.stream.index != self._stream.index:
                continue
            self._packets += bool(packet.size)
            if packet.is_corrupt:
                self._suspects.append((self._packets, f"packet {self._packets} is damaged"))
            self._clock.sent(packet)
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                self.report.add_error(f"packet {self._packets}: {reason_of(error)}")
                self._clock.refused()
                continue
            for frame in cast("list[av.VideoFrame]", frames):
                if first_pts is not None and frame.pts is not None and frame.pts < first_pts:
                    continue
                if frame.is_corrupt:
                    self.report.add_error(f"packet {self._packets}: the picture is damaged")
                yield frame

    def _note_joint(self, frame: av.VideoFrame, index: int) -> None:
        """Say where times begin anew or pictures change size: two recordings were joined there.

        What the container calls a damaged packet just before is then the joint and no damage.
        """
        jump_s = self._clock.jump_s
        if jump_s:
            self._suspects.clear()
            back = "back" if jump_s < 0 else "ahead"
            self.report.add_warning(
                f"the times jump {back} by {abs(jump_s):.2f} s at frame {index}; they go on from "
                "the frame before"
            )
        size = self._converter.size(frame)
        if size != self._size and size != self._last_size:
            self._suspects.clear()
            self.report.add_warning(
                f"the pictures change to {size[0]}x{size[1]} at frame {index}; they are fitted "
                f"into {self._size[0]}x{self._size[1]}, and all coordinates are in that"
            )
        self._last_size = size
        self._tell_suspects(self._packets)

    def _tell_suspects(self, packets: int) -> None:
        """Count damaged packets that no joint of recordings explains."""
        while self._suspects and self._suspects[0][0] <= packets - _JOINT_WITHIN:
            self.report.add_error(self._suspects.pop(0)[1])

    def _picture(self, frame: av.VideoFrame) -> ImageArray:
        """Return the frame as BGR (H, W, 3), upright and of the clip's size."""
        return fit_picture(self._converter.picture(frame), *self._size)

    def _note_end(self, packet: av.Packet) -> None:
        """Remember the latest end of anything that was read: pictures, sound, titles."""
        if packet.pts is not None and packet.time_base:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            self._coded_end_s = max(self._coded_end_s, float(end))

    def _end_reading(self, whole: bool) -> None:
        """Look whether all came that was asked for and that the file promises."""
        if not self.report.frames and self._span.start_s > 0 and self._clock.last_s >= 0:
            raise self._no_frame(self._clock.last_s)
        if self._clock.standing_note:
            self.report.add_warning(self._clock.standing_note)
        if is_address(self._path) or not whole:
            return
        if more := films_behind(self._path, self._container.format.name):
            self.report.add_error(more)
        cut = self._missing_of_index() or why_cut(self._path, self._container.format.name)
        if cut:
            self.report.add_error(f"the file is cut: {cut}")
        elif self._span.start_s <= 0:
            self._check_length(self._clock.last_s)

    def _missing_of_index(self) -> str:
        """Return in words which of the pictures are missing that the file's index lists."""
        promised = self._stream.frames
        if self._container.format.name != MP4 or self._packets >= promised:
            return ""
        return f"{self._packets} of {promised} coded frames are there"

    def _check_length(self, last_s: float) -> None:
        """Compare what came with what the file's index or header promises."""
        promised, span = self._stream.frames, self._span
        if not promised:
            duration_s = (self._container.duration or 0) / av.time_base
            came_s = self._coded_end_s
            if self._container.format.name != _COUNTED_FROM_0:
                came_s -= (self._container.start_time or 0) / av.time_base
            if not self._clock.has_jumped and came_s < duration_s - _DURATION_SLACK_S:
                self.report.add_error(
                    f"the file is cut: its header says {duration_s:.2f} s, the last frame is at "
                    f"{last_s:.2f} s"
                )
        elif span.stride == 1 and self.report.frames != promised:
            self.report.add_warning(
                f"the header says {promised} frames, the decoder gave {self.report.frames}"
            )
