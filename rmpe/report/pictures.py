"""What is seen behind the skeletons: the clip itself, a strip of small pictures, or nothing."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

import av
import cv2
import numpy as np

from rmpe.formats.clip import ClipHeader
from rmpe.pictures import film_of, several_films_note
from rmpe.records import ImageArray

ClipMode = Literal["auto", "embed", "link", "strip", "none"]

_JPEG_QUALITY = 72
# What all of today's browsers play.
_MP4, _WEBM = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"
_PLAYABLE = {
    ("h264", _MP4): "video/mp4",
    ("av1", _MP4): "video/mp4",
    ("av1", _WEBM): "video/webm",
    ("vp8", _WEBM): "video/webm",
    ("vp9", _WEBM): "video/webm",
}
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


@dataclass(frozen=True)
class PictureOptions:
    """How the clip gets onto the page."""

    mode: ClipMode = "auto"
    """``embed`` the file, ``link`` to it beside the page, a ``strip`` of small pictures, or
    ``none``; ``auto`` embeds a clip that browsers play and that is small enough, else a strip."""
    largest_embedded_bytes: int = 25_000_000
    """Largest file that ``auto`` embeds."""
    strip_pictures: int = 96
    """Most pictures of a strip, evenly spread."""
    strip_width: int = 480
    """Columns of a picture of the strip; smaller ones are not enlarged."""

    def __post_init__(self) -> None:
        if self.mode not in get_args(ClipMode):
            raise ValueError(f"clip is {self.mode!r}, there are {', '.join(get_args(ClipMode))}")
        if self.strip_pictures < 1 or self.strip_width < 16:
            raise ValueError(
                f"a strip of {self.strip_pictures} pictures {self.strip_width} wide, needed are "
                "1 or more pictures, 16 or more pixels"
            )


@dataclass(frozen=True)
class StripPicture:
    """One small picture."""

    slot: int
    """Place of its frame among the stored frames."""
    width: int
    """Columns of the picture it was made from."""
    height: int
    """Rows of the picture it was made from."""
    jpeg: bytes
    """The small picture."""

    def to_json(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        return {
            "slot": self.slot,
            "width": self.width,
            "height": self.height,
            "data": "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii"),
        }


@dataclass(frozen=True)
class ClipPictures:
    """What the page shows of one clip."""

    mode: Literal["embed", "link", "strip", "none"] = "none"
    """How it came in."""
    mime: str = ""
    """Type of an embedded or linked file."""
    address: str = ""
    """Relative address of a linked file."""
    data: bytes = b""
    """Content of an embedded file."""
    strip: tuple[StripPicture, ...] = ()
    """Pictures of a strip."""


def clip_pictures(
    header: ClipHeader,
    frame_indices: Sequence[int],
    clip: Path | None,
    page: Path,
    options: PictureOptions,
) -> ClipPictures:
    """Return what is shown of a clip.

    Args:
        header: of the records.
        frame_indices: index of every stored frame, rising.
        clip: video file or folder of pictures; None shows nothing.
        page: file that will hold the page, from which a link is relative.
        options: what is wanted.

    Raises:
        OSError: the clip cannot be read.
        ValueError: pictures, or a video that browsers cannot play, cannot be linked or embedded.
    """
    mode = options.mode
    if clip is None or mode == "none" or not frame_indices:
        return ClipPictures()
    if header.image_names:
        if mode in ("embed", "link"):
            raise ValueError(f"{clip} is a folder of pictures: take clip strip or none, not {mode}")
        return ClipPictures("strip", strip=_picture_strip(header, frame_indices, clip, options))
    mime = playable_type(clip)
    if not mime and mode in ("embed", "link"):
        raise ValueError(
            f"browsers do not play {clip}: take clip strip, or make an H.264 MP4 or a WebM of it"
        )
    if mode == "link":
        return ClipPictures("link", mime, _relative_address(clip, page))
    small = clip.stat().st_size <= options.largest_embedded_bytes
    if mode == "embed" or (mode == "auto" and mime and small):
        return ClipPictures("embed", mime, data=clip.read_bytes())
    return ClipPictures("strip", strip=_video_strip(clip, frame_indices, options))


def promised_frames(path: Path) -> int:
    """Return the frames that a video's file promises, 0 if it does not say or is no video."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            film = film_of(container)
            return film.frames if film else 0
    except av.error.FFmpegError:
        return 0


def playable_type(path: Path) -> str:
    """Return the MIME type of a video that browsers play, or an empty text.

    Raises:
        OSError: it is no video.
    """
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            film = film_of(container)
            if film is None:
                raise OSError(f"{path} has no video stream")
            context = film.codec_context
            played = context.pix_fmt in ("yuv420p", "yuvj420p") and not several_films_note(film)
            codec, family = context.codec.canonical_name, container.format.name
            return _PLAYABLE.get((codec, family), "") if played else ""
    except av.error.FFmpegError as error:
        raise OSError(f"{path} cannot be opened as a video: {error}") from error


def _relative_address(clip: Path, page: Path) -> str:
    return quote(Path(os.path.relpath(clip.resolve(), page.resolve().parent)).as_posix())


def _wanted_slots(count: int, options: PictureOptions) -> list[int]:
    """Return evenly spread slots, the first among them."""
    most = min(count, options.strip_pictures)
    return [int(slot) for slot in np.arange(most) * count // most]


def _video_strip(
    path: Path, frame_indices: Sequence[int], options: PictureOptions
) -> tuple[StripPicture, ...]:
    wanted = {frame_indices[slot]: slot for slot in _wanted_slots(len(frame_indices), options)}
    last = max(wanted)
    pictures = []
    for index, frame in enumerate(_decoded(path)):
        if index in wanted:
            image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            turn = _TURNS.get(round(frame.rotation) % 360)
            if turn is not None:
                image = np.asarray(cv2.rotate(image, turn), np.uint8)
            pictures.append(_small_picture(wanted[index], image, options))
        if index >= last:
            break
    return tuple(pictures)


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    """Yield the frames of a video, past damaged places."""
    with av.open(str(path), metadata_errors="replace") as container:
        for packet in container.demux(film_of(container)):
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                continue


def _picture_strip(
    header: ClipHeader, frame_indices: Sequence[int], folder: Path, options: PictureOptions
) -> tuple[StripPicture, ...]:
    """Return small pictures of a folder's pictures; those that cannot be read are left out."""
    pictures = []
    for slot in _wanted_slots(len(frame_indices), options):
        path = folder / header.image_name(frame_indices[slot])
        encoded = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        if image is not None:
            pictures.append(_small_picture(slot, np.asarray(image, np.uint8), options))
    return tuple(pictures)


def _small_picture(slot: int, image_bgr: ImageArray, options: PictureOptions) -> StripPicture:
    height, width = image_bgr.shape[:2]
    scale = min(1.0, options.strip_width / width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return StripPicture(slot, width, height, jpeg.tobytes())
