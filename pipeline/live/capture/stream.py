"""Network streams, standard input and clips played at their own speed, read through PyAV."""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import IO, Any

import av
from av.codec.context import Flags

from pipeline.live.capture.address import CaptureSettings, LiveAddress
from pipeline.live.policy import Picture
from pipeline.readers._opening import in_thread
from pipeline.readers._upright import UprightConverter, shown_size
from pipeline.readers.address import ffmpeg_name, without_secrets
from rmpe.pictures import film_of

# Half a second of stream is enough to know its size; FFmpeg's own 5 s would be the first delay.
_OPEN_OPTIONS = {"analyzeduration": "500000", "probesize": "500000"}
_SCHEME_OPTIONS = {
    "rtsp": {"rtsp_transport": "tcp"},
    "udp": {"overrun_nonfatal": "1", "fifo_size": "50000"},
}
_FILE_SCHEMES = frozenset({"http", "https"})
_ARRIVALS_KEPT = 64
_LOOK_AT_STOP_EVERY_S = 0.1
_AT_ONCE_S = 0.05


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
                f"{address.shown} cannot be opened: "
                + without_secrets(reason_of(error, settings.open_s), address.text)
            ) from None
        film = film_of(self._container)
        if film is None:
            self._container.close()
            raise OSError(f"{address.shown} has no video stream")
        self._stream = film
        context = self._stream.codec_context
        self._stream.thread_type = "SLICE"  # frame threads would hold pictures back
        context.thread_count = settings.threads
        context.flags |= Flags.low_delay.value
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(0)
        self.fps = round(float(rate), 6)
        self.codec = context.name
        self._converter = UprightConverter()
        self._arrivals: dict[int, float] = {}
        self._began_s: float | None = None
        self._decoded = self._decode()
        self.width, self.height = self._first_size(context.width, context.height)

    def __iter__(self) -> Iterator[Picture]:
        """Yield pictures as they come, past damaged places."""
        for frame, arrived_s in self._decoded:
            captured_s = self._captured_s(frame, arrived_s)
            if captured_s is None:
                return
            nbytes = sum(plane.buffer_size for plane in frame.planes)
            # What is piped comes as quick as it is taken: only the stream knows the times.
            stream_s = frame.time if self._address.kind == "stdin" else None
            yield Picture(captured_s, partial(self._converter.picture, frame), nbytes, stream_s)

    def _first_size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) as shown; only a picture tells how a file's pictures are turned.

        Network streams that are no files are not turned, and their first picture is not waited for.
        """
        scheme = self._address.text.partition("://")[0].lower()
        if self._address.kind != "clip" and scheme not in _FILE_SCHEMES:
            return width, height
        first = in_thread(lambda: next(self._decoded, None))
        if first is None:
            self._container.close()
            raise OSError(f"{self._address.shown} holds no picture that can be decoded")
        self._decoded = chain([first], self._decoded)
        return shown_size(first[0])

    def _decode(self) -> Iterator[tuple[av.VideoFrame, float]]:
        """Yield frames with the time at which their packet came."""
        packets = self._container.demux(self._stream)
        silent_since_s: float | None = None
        while True:
            asked_s = time.monotonic()
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                if isinstance(error, av.error.EOFError) or error.errno == errno.EIO:
                    return  # FFmpeg calls the end of a multipart connection an input error
                raise OSError(reason_of(error, self._settings.stall_s)) from error
            if packet is None:
                return
            arrived_s = time.monotonic()
            waited_s = arrived_s - asked_s
            if waited_s >= self._settings.stall_s:
                silent_since_s = asked_s  # what the demuxer had kept, given out at its time limit
            elif waited_s > _AT_ONCE_S:
                silent_since_s = None
            if silent_since_s is not None:
                arrived_s = silent_since_s
            if packet.pts is not None:
                self._note_arrival(packet.pts, arrived_s)
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                self._settings.on_error(f"damaged: {reason_of(error, 0)}")
                continue
            for frame in frames:
                yield frame, arrived_s

    def close(self) -> None:
        """Close the stream."""
        self._container.close()

    def _open(self) -> Any:
        settings, text = self._settings, self._address.text
        if self._address.kind == "stdin":
            pipe: Any = PipeBytes(sys.stdin.buffer, settings.stopped, settings.stall_s)
            return in_thread(
                lambda: av.open(pipe, options=dict(_OPEN_OPTIONS), metadata_errors="replace")
            )
        if self._address.kind == "clip":
            return av.open(ffmpeg_name(text), metadata_errors="replace")
        options = _OPEN_OPTIONS | _SCHEME_OPTIONS.get(text.partition("://")[0].lower(), {})
        timeouts = (settings.open_s, settings.stall_s)
        return in_thread(
            lambda: av.open(text, options=options, timeout=timeouts, metadata_errors="replace")
        )

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
