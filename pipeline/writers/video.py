"""Writes the annotated clip: H.264 in MP4, with the times of the frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from pipeline.writers._painted import PaintedFile, fitted, open_output
from rmpe.drawing import FramePainter
from rmpe.records import ImageArray
from rmpe.skeletons import Skeleton

TICKS = 90_000
"""Of a second in the file: whole for all usual rates, as MPEG has it."""
# Fragments reach the disk while the run goes on, so a killed run leaves a playable file; a run that
# ends well turns them into a plain MP4.
_CONTAINER = {"movflags": "+hybrid_fragmented", "frag_duration": "2000000", "flush_packets": "1"}
_KEYFRAME_EVERY_S = 2
"""A player finds its way in a clip as finely as this."""


class VideoWriter(PaintedFile):
    """An annotated clip that a browser plays.

    The file is made with the first frame, whose size it keeps; odd sides get one more column or
    row, as yuv420p needs. Times start at 0 with the first frame and keep their distances, so a
    clip of variable frame rate stays one.

    Args:
        path: the file; an existing one is replaced.
        skeleton: of the poses.
        fps: the clip's nominal rate, a hint for the encoder; 0 if unknown.
        painter: paints the frames; None draws everything on the picture.
        threads: threads of the encoder.
        quality: x264's constant rate factor, 0 (best) to 51.
        preset: x264's speed.
        size: (width, height) of the clip, both even; None takes the first frame's.
        pixel_aspect: width and height of a pixel as it is shown.

    Attributes:
        frames_on_disk: frames that play even if this process is killed now.
    """

    ticks = TICKS

    def __init__(
        self,
        path: str | Path,
        skeleton: Skeleton,
        fps: float = 0.0,
        *,
        painter: FramePainter | None = None,
        threads: int = 1,
        quality: int = 23,
        preset: str = "ultrafast",
        size: tuple[int, int] | None = None,
        pixel_aspect: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__(Path(path), painter or FramePainter(skeleton), fps)
        self._pixel_aspect = pixel_aspect
        self._threads = threads
        self._codec_options = {"crf": str(quality), "preset": preset, "bf": "0"}
        self._size = size
        self._planes: ImageArray | None = None
        self._nbytes = 0
        self.frames_on_disk = 0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the clip; (0, 0) before the first frame."""
        return self._size or (0, 0)

    @property
    def last_tick(self) -> int:
        """Time of the latest frame, in ticks of :data:`TICKS` a second; -1 before the first."""
        return self._last_tick

    def close(self, complete: bool) -> None:
        """Write what the encoder still holds and end the file, also when the run broke off."""
        if self._container is not None:
            super().close(complete)
            self.frames_on_disk = self._muxed

    def _open(self, drawn: ImageArray) -> None:
        """Make the file for frames of this size."""
        if self._size is None:
            height, width = drawn.shape[:2]
            self._size = (width + width % 2, height + height % 2)
        rate = Fraction(self._fps).limit_denominator(1001)
        container = open_output(self._path, "mp4", _CONTAINER)
        group = max(round(self._fps * _KEYFRAME_EVERY_S), 1)
        stream = container.add_stream(
            "libx264", rate=rate, options={**self._codec_options, "g": str(group)}
        )
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        if self._pixel_aspect != (1, 1):
            stream.codec_context.sample_aspect_ratio = Fraction(*self._pixel_aspect)
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.thread_count = self._threads
        # OpenCV converts by BT.601, limited range; players must be told.
        stream.codec_context.colorspace = Colorspace.SMPTE170M
        stream.codec_context.color_range = ColorRange.MPEG
        self._container, self._stream = container, stream
        container.start_encoding()

    def _encoded(self, drawn: ImageArray) -> av.VideoFrame:
        self._planes = to_i420(drawn, *self.size, self._planes)
        if self.size[1] % 4:  # PyAV would end the last plane early: it takes whole rows of each
            return av.VideoFrame.from_ndarray(self._planes, format="yuv420p")
        return av.VideoFrame.from_numpy_buffer(self._planes, format="yuv420p")

    def _mux(self, packet: av.Packet) -> None:
        self._container.mux(packet)
        nbytes = self._path.stat().st_size
        if nbytes > self._nbytes:  # a fragment was written, with all frames before this one
            self._nbytes, self.frames_on_disk = nbytes, self._muxed
        self._muxed += 1


def to_i420(
    image_bgr: ImageArray, width: int, height: int, out: ImageArray | None = None
) -> ImageArray:
    """Return a picture as planar yuv420p, (height * 3 / 2, width), as PyAV takes it.

    Args:
        image_bgr: picture (H, W, 3); one of other sides is :func:`fitted`.
        width, height: even sides of the result.
        out: a result of that size that is no longer needed; a new array when None.
    """
    shaped = fitted(image_bgr, width, height)
    return np.asarray(cv2.cvtColor(shaped, cv2.COLOR_BGR2YUV_I420, out), np.uint8)
