"""Writes a rendered clip as an animated GIF, 256 colours a frame, for pages and messages."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from pipeline.writers._painted import PaintedFile, fitted, open_output
from rmpe.drawing import FramePainter
from rmpe.records import ImageArray

_HUNDREDTHS = 100
# Players slow down frames that are shown for less than this.
_SHORTEST = 2
_OPAQUE_FROM = 128
"""Of the alpha: a pixel of a GIF is seen or not."""


class GifWriter(PaintedFile):
    """An animated GIF that repeats; frames that come faster than 50 a second are left out.

    Args:
        path: the file; an existing one is replaced.
        painter: paints the frames; what is half transparent becomes either.
        fps: the clip's nominal rate; 0 if unknown.
    """

    ticks = _HUNDREDTHS
    shortest = _SHORTEST

    def __init__(self, path: Path, painter: FramePainter, fps: float = 0.0) -> None:
        super().__init__(path, painter, fps)

    def _open(self, drawn: ImageArray) -> None:
        container = open_output(self._path, "gif")
        stream: Any = container.add_stream("gif", rate=Fraction(self._fps).limit_denominator(1001))
        stream.width, stream.height = drawn.shape[1], drawn.shape[0]
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = Fraction(1, _HUNDREDTHS)
        self._container, self._stream = container, stream

    def _place(self, tick: int) -> int | None:
        return None if tick < self._last_tick + _SHORTEST else tick

    def _encoded(self, drawn: ImageArray) -> av.VideoFrame:
        few: Any = _few_colours(fitted(drawn, self._stream.width, self._stream.height))
        return av.VideoFrame.from_ndarray(few, format="pal8")


def _few_colours(drawn: ImageArray) -> tuple[ImageArray, ImageArray]:
    """Return places (H, W) in a palette, and the palette (256, 4): alpha, red, green, blue."""
    rgb = Image.fromarray(np.ascontiguousarray(drawn[..., 2::-1]))
    clear = drawn.shape[2] == 4
    few = rgb.quantize(
        255 if clear else 256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    places = np.asarray(few, np.uint8).copy()
    palette = np.zeros((256, 4), np.uint8)
    colours = np.asarray(few.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette[: len(colours), 0] = 255
    palette[: len(colours), 1:] = colours
    if clear:
        places[drawn[..., 3] < _OPAQUE_FROM] = 255
        palette[255] = 0
    return places, palette
