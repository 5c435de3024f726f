"""Writes rendered clips that other programs cut and lay over others: VP9 in WebM, ProRes in MOV.

Both hold transparency: WebM as VP9 with an alpha plane (browsers show it), MOV as ProRes 4444 (what
editing programs take). Colours are not multiplied by the alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from pipeline.writers.video import TICKS, open_output
from rmpe.drawing import FramePainter
from rmpe.records import Frame, ImageArray, Poses


@dataclass(frozen=True)
class FilmKind:
    """A container and its codec."""

    codec: str
    """FFmpeg's name of the encoder."""
    opaque: str
    """Pixel format of pictures without transparency."""
    transparent: str
    """Pixel format of pictures with it."""
    options: dict[str, str]
    """Options of the encoder."""


FILM_KINDS = {
    ".webm": FilmKind(
        "libvpx-vp9",
        "yuv420p",
        "yuva420p",
        {"crf": "30", "b": "0", "deadline": "good", "cpu-used": "5", "auto-alt-ref": "0"},
    ),
    ".mov": FilmKind("prores_ks", "yuv444p10le", "yuva444p10le", {"profile": "4444"}),
}
"""By the file's ending."""


class FilmWriter:
    """A clip in WebM or MOV, with the times of the frames; see the module.

    Args:
        path: the file, ending in one of :data:`FILM_KINDS`; an existing one is replaced.
        painter: paints the frames.
        fps: the clip's nominal rate; 0 if unknown.
        threads: threads of the encoder.
        pixel_aspect: width and height of a pixel as it is shown.
    """

    def __init__(
        self,
        path: Path,
        painter: FramePainter,
        fps: float = 0.0,
        threads: int = 1,
        pixel_aspect: tuple[int, int] = (1, 1),
    ) -> None:
        self._pixel_aspect = pixel_aspect
        self._path = path
        self._kind = FILM_KINDS[path.suffix.lower()]
        self._painter = painter
        self._fps = fps if fps > 0 else 25.0
        self._threads = threads
        self._container: Any = None
        self._stream: Any = None
        self._first_s = 0.0
        self._last_tick = -1

    def write(self, frame: Frame, poses: Poses) -> None:
        """Draw and encode one frame; ``OSError`` if the file cannot be written."""
        drawn = self._painter.paint(frame.image_bgr, poses)
        if self._container is None:
            self._open(frame, drawn)
        tick = max(round((frame.timestamp_s - self._first_s) * TICKS), self._last_tick + 1)
        self._last_tick = tick
        picture = av.VideoFrame.from_ndarray(self._shaped(drawn), format=_layout(drawn))
        picture = picture.reformat(format=self._stream.pix_fmt)
        picture.pts, picture.time_base = tick, Fraction(1, TICKS)
        for packet in self._stream.encode(picture):
            self._container.mux(packet)

    def close(self, complete: bool) -> None:
        """Write what the encoder still holds and end the file, also when the run broke off."""
        if self._container is None:
            return
        container, self._container = self._container, None
        try:
            for packet in self._stream.encode(None):
                container.mux(packet)
        finally:
            container.close()

    def _open(self, frame: Frame, drawn: ImageArray) -> None:
        kind = self._kind
        self._first_s = frame.timestamp_s
        height, width = drawn.shape[:2]
        rate = Fraction(self._fps).limit_denominator(1001)
        container = open_output(self._path, self._path.suffix.lower()[1:])
        stream: Any = container.add_stream(kind.codec, rate=rate, options=dict(kind.options))
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = kind.transparent if self._painter.has_alpha else kind.opaque
        if self._pixel_aspect != (1, 1):
            stream.codec_context.sample_aspect_ratio = Fraction(*self._pixel_aspect)
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.thread_count = self._threads
        if self._painter.has_alpha and self._path.suffix.lower() == ".webm":
            stream.metadata["alpha_mode"] = "1"
        self._container, self._stream = container, stream

    def _shaped(self, drawn: ImageArray) -> ImageArray:
        """Return a picture with even sides, of the first one's size."""
        width, height = self._stream.width, self._stream.height
        missing = height - drawn.shape[0], width - drawn.shape[1]
        if missing == (0, 0):
            return drawn
        if max(missing) <= 1 and min(missing) >= 0:
            return np.pad(drawn, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge")
        return np.asarray(cv2.resize(drawn, (width, height)), np.uint8)


def _layout(drawn: ImageArray) -> str:
    return "bgra" if drawn.shape[2] == 4 else "bgr24"
