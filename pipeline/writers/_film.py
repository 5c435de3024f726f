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

from pipeline.writers._painted import PaintedFile, fitted, open_output
from pipeline.writers.video import TICKS
from rmpe.drawing import FramePainter
from rmpe.records import ImageArray


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


class FilmWriter(PaintedFile):
    """A clip in WebM or MOV, with the times of the frames; see the module.

    Args:
        path: the file, ending in one of :data:`FILM_KINDS`; an existing one is replaced.
        painter: paints the frames.
        fps: the clip's nominal rate; 0 if unknown.
        threads: threads of the encoder.
        pixel_aspect: width and height of a pixel as it is shown.
    """

    ticks = TICKS

    def __init__(
        self,
        path: Path,
        painter: FramePainter,
        fps: float = 0.0,
        threads: int = 1,
        pixel_aspect: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__(path, painter, fps)
        self._kind = FILM_KINDS[path.suffix.lower()]
        self._threads = threads
        self._pixel_aspect = pixel_aspect

    def _open(self, drawn: ImageArray) -> None:
        kind = self._kind
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

    def _encoded(self, drawn: ImageArray) -> av.VideoFrame:
        shaped = fitted(drawn, self._stream.width, self._stream.height)
        picture = av.VideoFrame.from_ndarray(shaped, format=_layout(drawn))
        return picture.reformat(format=self._stream.pix_fmt)


def _layout(drawn: ImageArray) -> str:
    return "bgra" if drawn.shape[2] == 4 else "bgr24"
