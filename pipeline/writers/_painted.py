"""Files of pictures painted as they come: opened with the first, ended whatever happens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from pipeline.readers._upright import fit_picture
from rmpe.drawing import FramePainter
from rmpe.records import Frame, ImageArray, Poses

_DEFAULT_FPS = 25.0
"""Where a clip does not say its rate."""


class PaintedFile(ABC):
    """Paints frames and encodes them. Times start at 0 with the first frame.

    Args:
        path: the file; an existing one is replaced.
        painter: paints the frames.
        fps: the clip's nominal rate; 0 if unknown.
    """

    ticks: int
    """Ticks of a second in which the file keeps times."""
    shortest = 1
    """Ticks from one frame to the next at the least."""

    def __init__(self, path: Path, painter: FramePainter, fps: float) -> None:
        self._path = path
        self._painter = painter
        self._fps = fps if fps > 0 else _DEFAULT_FPS
        self._container: Any = None
        self._stream: Any = None
        self._drawn: ImageArray | None = None
        self._first_s = 0.0
        self._last_tick = -self.shortest
        self._muxed = 0

    @abstractmethod
    def _open(self, drawn: ImageArray) -> None:
        """Set the container and the stream, for pictures of this size."""

    @abstractmethod
    def _encoded(self, drawn: ImageArray) -> av.VideoFrame:
        """Return a picture as the stream takes it."""

    def write(self, frame: Frame, poses: Poses) -> None:
        """Draw and encode one frame; ``OSError`` if the file cannot be written."""
        # Encoders have taken what they need of the frame before: one array does for all.
        drawn = self._drawn = self._painter.paint(frame.image_bgr, poses, self._drawn)
        if self._container is None:
            self._first_s = frame.timestamp_s
            self._open(drawn)
        tick = self._place(round((frame.timestamp_s - self._first_s) * self.ticks))
        if tick is None:
            return
        self._last_tick = tick
        picture = self._encoded(drawn)
        picture.pts, picture.time_base = tick, Fraction(1, self.ticks)
        for packet in self._stream.encode(picture):
            self._mux(packet)

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

    def _place(self, tick: int) -> int | None:
        """Return the tick at which a frame is shown; None leaves it out."""
        return max(tick, self._last_tick + self.shortest)

    def _mux(self, packet: av.Packet) -> None:
        self._container.mux(packet)
        self._muxed += 1


def open_output(path: Path, kind: str, options: dict[str, str] | None = None) -> Any:
    """Open a file for writing, whatever it is called; ``OSError`` in words if that cannot be."""
    try:
        return av.open(f"file:{path}", "w", format=kind, options=options or {})
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"{path} cannot be written: {reason}") from error


def fitted(picture: ImageArray, width: int, height: int) -> ImageArray:
    """Return a picture (H, W, C) of these sides, as a stream with even ones needs it.

    Up to one missing column and row are filled by repeating the last ones; a picture of another
    size, as pictures that become a film may have, is scaled with nothing beside it.
    """
    rows, columns = height - picture.shape[0], width - picture.shape[1]
    if (rows, columns) == (0, 0):
        return picture
    if rows in (0, 1) and columns in (0, 1):
        edge = cv2.BORDER_REPLICATE
        return np.asarray(cv2.copyMakeBorder(picture, 0, rows, 0, columns, edge), np.uint8)
    return fit_picture(picture, width, height)
