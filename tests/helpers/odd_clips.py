"""Makes clips of kinds that people bring: turned, mirrored, joined, cut, with sound."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rmpe.records import ImageArray

IDENTITY = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def four_corners(width: int = 64, height: int = 48, level: int = 0) -> ImageArray:
    """Return a grey picture (height, width, 3) whose quarters are 40, 100, 160, 220, plus level."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 40
    picture[: height // 2, width // 2 :] = 100
    picture[height // 2 :, : width // 2] = 160
    picture[height // 2 :, width // 2 :] = 220
    return np.asarray(picture + level, np.uint8)


def write_clip(
    path: Path,
    pictures: Iterable[ImageArray],
    *,
    fps: int = 25,
    sound_s: float = 0.0,
    aspect: Fraction | None = None,
    container: str | None = None,
    codec: str = "libx264",
    sound_codec: str = "aac",
) -> Path:
    """Write pictures of one size as a clip, with a tone of so many seconds, and return its path."""
    pictures = list(pictures)
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=fps)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        stream.options = {"g": "10"}
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        sound = output.add_stream(sound_codec, rate=48000) if sound_s else None
        if sound is not None:
            sound.layout = "mono"
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))
        if sound is not None:
            samples = np.arange(int(sound_s * 48000))
            wave = (8000 * np.sin(samples * 2 * np.pi * 440 / 48000)).astype(np.int16)
            for start in range(0, len(wave), 4800):
                block = av.AudioFrame.from_ndarray(
                    wave[None, start : start + 4800], format="s16", layout="mono"
                )
                block.sample_rate, block.pts = 48000, start
                block.time_base = Fraction(1, 48000)
                output.mux(sound.encode(block))
            output.mux(sound.encode(None))
    return path


def set_display_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Write a display matrix, by its four numbers of the turn, into an MP4 file of one track."""
    data = path.read_bytes()
    assert IDENTITY in data
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    tkhd = data.index(b"tkhd")
    place = data.index(IDENTITY, tkhd)
    path.write_bytes(data[:place] + matrix + data[place + len(IDENTITY) :])
    return path


def joined(path: Path, parts: Sequence[Path]) -> Path:
    """Write files one after another into one, as ``cat`` does."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def quarters(image_bgr: ImageArray) -> list[list[int]]:
    """Return the mean grey of the four quarters, rows of columns, rounded to the tens."""
    height, width = image_bgr.shape[:2]
    grey = image_bgr[..., 1].astype(float)
    rows, columns = (0, height // 2, height), (0, width // 2, width)
    return [
        [
            int(round(grey[rows[i] : rows[i + 1], columns[j] : columns[j + 1]].mean(), -1))
            for j in (0, 1)
        ]
        for i in (0, 1)
    ]
