"""Opens what pictures are captured from: cameras, network streams, standard input, a clip."""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import av
import cv2
import numpy as np
from av.codec.context import Flags

from pipeline.live.policy import Picture
from pipeline.readers.finding import is_address
from rmpe.records import ImageArray

SourceKind = Literal["camera", "stream", "stdin", "clip"]

_SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "udp", "tcp", "srt", "rtp")
# Half a second of stream is enough to know its size; FFmpeg's own 5 s would be the first delay.
_OPEN_OPTIONS = {"analyzeduration": "500000", "probesize": "500000"}
_SCHEME_OPTIONS = {
    "rtsp": {"rtsp_transport": "tcp"},
    "udp": {"overrun_nonfatal": "1", "fifo_size": "50000"},
}
_ARRIVALS_KEPT = 64
_LOOK_AT_STOP_EVERY_S = 0.1


@dataclass(frozen=True)
class LiveAddress:
    """What a source's text means."""

    text: str
    """As it was given."""
    kind: SourceKind
    """How it is opened."""

    @property
    def comes_back(self) -> bool:
        """Whether it may be opened again after it was lost."""
        return self.kind in ("camera", "stream")

    @property
    def may_wait(self) -> bool:
        """Whether it can be slowed down without losing anything."""
        return self.kind in ("stdin", "clip")


def parse_source(text: str) -> LiveAddress:
    """Return what ``text`` names: ``0``, ``/dev/video0``, an address, ``-`` or a video file.

    Raises:
        ValueError: it is none of these.
    """
    if text == "-":
        return LiveAddress(text, "stdin")
    if text.isdecimal() or text.startswith("/dev/"):
        return LiveAddress(text, "camera")
    if is_address(text):
        scheme = text.partition("://")[0].lower()
        if scheme not in _SCHEMES:
            raise ValueError(f"got {scheme}://, supported are {', '.join(_SCHEMES)}")
        return LiveAddress(text, "stream")
    if Path(text).is_file():
        return LiveAddress(text, "clip")
    raise ValueError(
        f"got source {text!r}; needed is a camera number, a device such as /dev/video0, "
        "an address such as rtsp://host/stream, - for standard input, or an existing video file"
    )


class Capture(Protocol):
    """An open source of pictures."""

    width: int
    """Columns; 0 if not known yet."""
    height: int
    """Rows; 0 if not known yet."""
    fps: float
    """Pictures a second as the source says; 0 if it does not."""
    codec: str
    """Name of the decoder."""

    def __iter__(self) -> Iterator[Picture]:
        """Yield pictures as they come; ends with the stream.

        Raises:
            OSError: the source was lost.
        """

    def close(self) -> None:
        """Let go of the source."""


@dataclass(frozen=True)
class CaptureSettings:
    """How a source is opened and read."""

    stall_s: float = 5.0
    """Nothing for this long means that the source is lost."""
    open_s: float = 10.0
    """Longest wait for a stream to open."""
    threads: int = 1
    """Threads of the decoder."""
    stopped: Callable[[], bool] = lambda: False
    """Says that reading shall end; looked at in every wait that is ours."""
    on_error: Callable[[str], None] = lambda message: None
    """Told of every damaged place."""

    def __post_init__(self) -> None:
        if not (self.stall_s > 0 and self.open_s > 0):
            raise ValueError(f"allowed is more than 0, got {self.stall_s=}, {self.open_s=}")


def open_capture(address: LiveAddress, settings: CaptureSettings) -> Capture:
    """Open a source.

    Raises:
        OSError: it cannot be opened; the message says what there is instead.
    """
    if address.kind == "camera":
        return CameraCapture(address.text)
    return StreamCapture(address, settings)


class CameraCapture:
    """A camera of this machine, by number or device path, read through OpenCV.

    Raises:
        OSError: there is no such camera or it is in use; names the devices that exist.
    """

    codec = "camera"

    def __init__(self, device: str) -> None:
        self._device = device
        self._capture = self._open()
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = max(float(self._capture.get(cv2.CAP_PROP_FPS)), 0.0)

    def __iter__(self) -> Iterator[Picture]:
        """Yield pictures until the camera gives none."""
        while True:
            good, image = self._capture.read()
            if not good:
                raise OSError(f"camera {self._device} gives no picture any more")
            picture = np.asarray(image, np.uint8)
            yield Picture(time.monotonic(), partial(_itself, picture), picture.nbytes)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        number = self._device.removeprefix("/dev/video")
        path = Path(self._device if not number.isdecimal() else f"/dev/video{number}")
        if sys.platform == "linux" and not path.exists():
            raise OSError(f"there is no {path}; {existing_cameras()}")
        capture = cv2.VideoCapture(int(number) if number.isdecimal() else self._device)
        if not capture.isOpened():
            capture.release()
            raise OSError(
                f"camera {self._device} cannot be opened: it may be in use, or not allowed to "
                f"this user; {existing_cameras()}"
            )
        return capture


def existing_cameras(folder: Path = Path("/dev")) -> str:
    """Return a sentence that says which cameras this machine has, with their names on Linux."""
    if sys.platform != "linux":
        return "cameras are numbered from 0"
    found = []
    for device in sorted(folder.glob("video*")):
        name = Path("/sys/class/video4linux") / device.name / "name"
        found.append(f"{device} ({name.read_text().strip()})" if name.exists() else str(device))
    return f"there are {', '.join(found)}" if found else "this machine has no camera (/dev/video*)"


class StreamCapture:
    """A network stream, standard input, or a clip played at its own speed, read through PyAV.

    The capture time of a picture is when its packet came, before decoding.

    Raises:
        OSError: it cannot be opened or holds no video.
    """

    def __init__(self, address: LiveAddress, settings: CaptureSettings) -> None:
        self._address = address
        self._settings = settings
        try:
            self._container = self._open()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise OSError(
                f"{address.text} cannot be opened: {reason_of(error, settings.open_s)}"
            ) from error
        if not self._container.streams.video:
            self._container.close()
            raise OSError(f"{address.text} has no video stream")
        self._stream = self._container.streams.video[0]
        context = self._stream.codec_context
        self._stream.thread_type = "SLICE"  # frame threads would hold pictures back
        context.thread_count = settings.threads
        context.flags |= Flags.low_delay.value
        self.width, self.height = context.width, context.height
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(0)
        self.fps = round(float(rate), 6)
        self.codec = context.name
        self._arrivals: dict[int, float] = {}
        self._began_s: float | None = None

    def __iter__(self) -> Iterator[Picture]:
        """Yield pictures as they come, past damaged places."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                if isinstance(error, av.error.EOFError) or error.errno == errno.EIO:
                    return  # FFmpeg calls the end of a multipart connection an input error
                raise OSError(reason_of(error, self._settings.stall_s)) from error
            if packet is None:
                return
            arrived_s = time.monotonic()
            if packet.pts is not None:
                self._note_arrival(packet.pts, arrived_s)
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                self._settings.on_error(f"damaged: {reason_of(error, 0)}")
                continue
            for frame in frames:
                captured_s = self._captured_s(frame, arrived_s)
                if captured_s is None:
                    return
                nbytes = sum(plane.buffer_size for plane in frame.planes)
                yield Picture(captured_s, partial(_to_bgr, frame), nbytes)

    def close(self) -> None:
        """Close the stream."""
        self._container.close()

    def _open(self) -> Any:
        settings, text = self._settings, self._address.text
        if self._address.kind == "stdin":
            pipe: Any = PipeBytes(sys.stdin.buffer, settings.stopped, settings.stall_s)
            return av.open(pipe, options=dict(_OPEN_OPTIONS), metadata_errors="replace")
        if self._address.kind == "clip":
            return av.open(text, metadata_errors="replace")
        options = _OPEN_OPTIONS | _SCHEME_OPTIONS.get(text.partition("://")[0].lower(), {})
        timeouts = (settings.open_s, settings.stall_s)
        return av.open(text, options=options, timeout=timeouts, metadata_errors="replace")

    def _note_arrival(self, pts: int, arrived_s: float) -> None:
        self._arrivals[pts] = arrived_s
        if len(self._arrivals) > _ARRIVALS_KEPT:
            del self._arrivals[next(iter(self._arrivals))]

    def _captured_s(self, frame: av.VideoFrame, arrived_s: float) -> float | None:
        """Return when the frame's packet came; a clip's frame waits for its time. None: stopped."""
        if self._address.kind != "clip" or frame.time is None:
            return arrived_s if frame.pts is None else self._arrivals.pop(frame.pts, arrived_s)
        if self._began_s is None:
            self._began_s = time.monotonic() - frame.time
        due_s = self._began_s + frame.time
        while (left_s := due_s - time.monotonic()) > 0:
            if self._settings.stopped():
                return None
            time.sleep(min(left_s, _LOOK_AT_STOP_EVERY_S))
        return due_s


class PipeBytes:
    """Standard input as PyAV reads it: waits are short, so that a stop ends them.

    Args:
        pipe: an open binary file with a descriptor.
        stopped: says that reading shall end.
        stall_s: nothing for this long is an error.
    """

    def __init__(self, pipe: IO[bytes], stopped: Callable[[], bool], stall_s: float) -> None:
        self._descriptor = pipe.fileno()
        self._stopped = stopped
        self._stall_s = stall_s

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes as soon as there are any; none at the end or when stopped.

        Raises:
            OSError: nothing came for ``stall_s``.
        """
        deadline = time.monotonic() + self._stall_s
        while not self._stopped():
            if sys.platform == "win32":
                return os.read(self._descriptor, count)
            if select.select([self._descriptor], [], [], _LOOK_AT_STOP_EVERY_S)[0]:
                return os.read(self._descriptor, count)
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing came for {self._stall_s:g} s")
        return b""


def reason_of(error: BaseException, waited_s: float) -> str:
    """Return why opening or reading failed, in words."""
    if isinstance(error, av.error.ExitError):
        return f"nothing came for {waited_s:g} s"
    return str(getattr(error, "strerror", None) or error)


def _to_bgr(frame: av.VideoFrame) -> ImageArray:
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _itself(image_bgr: ImageArray) -> ImageArray:
    return image_bgr
