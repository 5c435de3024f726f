"""Writes the annotated clip: H.264 in MP4, with the times of the frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from rmpe.drawing import FramePainter
from rmpe.records import Frame, ImageArray, Poses
from rmpe.skeletons import Skeleton

TICKS = 90_000
# Fragments reach the disk while the run goes on, so a killed run leaves a playable file; a run that
# ends well turns them into a plain MP4.
_CONTAINER = {"movflags": "+hybrid_fragmented", "frag_duration": "2000000", "flush_packets": "1"}
_KEYFRAME_EVERY_S = 2
_DEFAULT_FPS = 25.0


class VideoWriter:
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
        self._pixel_aspect = pixel_aspect
        self._path = Path(path)
        self._fps = fps if fps > 0 else _DEFAULT_FPS
        self._painter = painter or FramePainter(skeleton)
        self._threads = threads
        self._codec_options = {"crf": str(quality), "preset": preset, "bf": "0"}
        self._container: Any = None
        self._stream: Any = None
        self._size = size
        self._first_s = 0.0
        self._last_tick = -1
        self._nbytes = self._muxed = 0
        self.frames_on_disk = 0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the clip; (0, 0) before the first frame."""
        return self._size or (0, 0)

    @property
    def last_tick(self) -> int:
        """Time of the latest frame, in ticks of :data:`TICKS` a second; -1 before the first."""
        return self._last_tick

    def write(self, frame: Frame, poses: Poses) -> None:
        """Draw and encode one frame.

        Raises:
            OSError: the file cannot be written.
        """
        drawn = self._painter.paint(frame.image_bgr, poses)
        if self._container is None:
            self._open(frame, drawn)
        tick = max(round((frame.timestamp_s - self._first_s) * TICKS), self._last_tick + 1)
        self._last_tick = tick
        picture = av.VideoFrame.from_ndarray(to_i420(drawn, *self.size), format="yuv420p")
        picture.pts, picture.time_base = tick, Fraction(1, TICKS)
        self._mux(self._stream.encode(picture))

    def close(self, complete: bool) -> None:
        """Write what the encoder still holds and end the file, also when the run broke off."""
        if self._container is None:
            return
        container, self._container = self._container, None
        try:
            for packet in self._stream.encode(None):
                container.mux(packet)
                self._muxed += 1
        finally:
            container.close()
        self.frames_on_disk = self._muxed

    def _open(self, frame: Frame, drawn: ImageArray) -> None:
        """Make the file for frames of this size."""
        self._first_s = frame.timestamp_s
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

    def _mux(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            self._container.mux(packet)
            nbytes = self._path.stat().st_size
            if nbytes > self._nbytes:  # a fragment was written, with all frames before this one
                self._nbytes, self.frames_on_disk = nbytes, self._muxed
            self._muxed += 1


def open_output(path: Path, kind: str, options: dict[str, str] | None = None) -> Any:
    """Open a file for writing, whatever it is called; ``OSError`` in words if that cannot be."""
    try:
        return av.open(f"file:{path}", "w", format=kind, options=options or {})
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"{path} cannot be written: {reason}") from error


def to_i420(image_bgr: ImageArray, width: int, height: int) -> ImageArray:
    """Return a picture as planar yuv420p, (height * 3 / 2, width), as PyAV takes it.

    Args:
        image_bgr: picture (H, W, 3). Up to one missing column and row are filled by repeating the
            last ones; a picture of another size (streams may change theirs) is scaled.
        width, height: even sides of the result.
    """
    missing_rows, missing_columns = height - image_bgr.shape[0], width - image_bgr.shape[1]
    if missing_rows in (0, 1) and missing_columns in (0, 1):
        if missing_rows or missing_columns:
            image_bgr = np.asarray(
                cv2.copyMakeBorder(
                    image_bgr, 0, missing_rows, 0, missing_columns, cv2.BORDER_REPLICATE
                ),
                np.uint8,
            )
    else:
        image_bgr = np.asarray(cv2.resize(image_bgr, (width, height)), np.uint8)
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
