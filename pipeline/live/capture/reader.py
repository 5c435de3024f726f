"""Reads a live source: a thread captures, the newest picture is given out, losses are survived."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.engine.channel import ClosedError
from pipeline.live.capture.address import Capture, CaptureSettings, parse_source
from pipeline.live.capture.clock import FrameClock
from pipeline.live.capture.opening import OpenCapture, keep_trying, open_capture
from pipeline.live.events import Events
from pipeline.live.policy import BacklogError, FrameGate, Policy
from pipeline.readers._upright import fit_picture
from pipeline.readers.base import ClipInfo, ReadReport
from rmpe.error_words import in_words
from rmpe.records import Frame, ImageArray

_LOOK_EVERY_S = 0.1
_STUCK_AFTER_STALLS = 3.0
"""A capture that has said nothing for so many stall times hangs in its own read."""
_PATIENCE_S = 1.0
"""For the thread that reads, which may hang."""
_GAP_S = 2.0
_GAP_FRAMES = 10.0
"""Seconds, or frames of a slow source, without a picture that are told as a gap: the longer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveReadOptions:
    """How a live source is read."""

    policy: Policy = "newest"
    """``newest`` drops what a newer frame replaced; ``every`` drops nothing."""
    max_backlog: int = 250
    """Most frames that wait with ``every``."""
    reconnect_s: float = 0.0
    """Try for this long to open a lost source again; 0 ends the run with the source."""
    stall_s: float = 5.0
    """Nothing for this long means that the source is lost."""
    open_s: float = 10.0
    """Longest wait for a stream to open."""
    threads: int = 1
    """Threads of the decoder."""

    def __post_init__(self) -> None:
        FrameGate(self.policy, max_backlog=self.max_backlog)
        CaptureSettings(self.stall_s, self.open_s)
        if self.reconnect_s < 0:
            raise ValueError(f"reconnect is {self.reconnect_s} s, allowed is 0 or more")


class LiveReader:
    """Frames of a live source, opened when made; a :class:`~pipeline.readers.base.Reader`.

    ``Frame.index`` counts the captured frames, dropped ones too; ``Frame.timestamp_s`` is when
    the frame was captured, or on standard input its time in the stream, from the first one on. The
    consumer must call ``gate.done`` for every frame, or the gate lets no more through.

    Args:
        source: camera number, device path, address, ``-`` or a clip, see
            :func:`~pipeline.live.capture.address.parse_source`.
        options: how it is read.
        events: told of losses and returns.
        open_capture: opens the source; given in tests.
        stopped: when set, by this reader or by others, reading ends, and so does waiting for a
            source that is not there yet.

    Raises:
        OSError: the source cannot be opened, nor within ``reconnect_s``.
        ValueError: the source's text means nothing.
    """

    def __init__(
        self,
        source: str,
        options: LiveReadOptions | None = None,
        events: Events | None = None,
        open_capture: OpenCapture = open_capture,
        stopped: threading.Event | None = None,
    ) -> None:
        self._options = options or LiveReadOptions()
        self._address = parse_source(source)
        self.events = events or Events()
        self.report = ReadReport()
        self.losses = 0
        self.failure = ""
        self.gate = FrameGate(
            self._options.policy,
            under_way=2 if self._options.policy == "newest" else None,
            max_backlog=self._options.max_backlog,
            may_wait=self._address.may_wait,
        )
        self._stop = stopped or threading.Event()
        self._open_capture = open_capture
        self._settings = CaptureSettings(
            stall_s=self._options.stall_s,
            open_s=self._options.open_s,
            threads=self._options.threads,
            stopped=self._stop.is_set,
            on_error=self.report.add_error,
        )
        self._capture = self._open_first()
        self.info = ClipInfo(
            source=self._address.shown,
            width=self._capture.width,
            height=self._capture.height,
            fps=self._capture.fps,
            frames_expected=0,
            codec=self._capture.codec,
        )
        self._size = self._last_size = (self.info.width, self.info.height)
        self._thread: threading.Thread | None = None
        self._last_picture_s = time.monotonic()
        self._reconnecting = False
        self._longest_step_s = self._gap_to_tell_s()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that the policy takes; ends with the source or with :meth:`stop`.

        A source that was lost ends the iteration too: what came before is whole, ``failure``
        says why.
        """
        self._thread = threading.Thread(target=self._run, name="capture-0", daemon=True)
        self._last_picture_s = time.monotonic()
        self._thread.start()
        clock = FrameClock()
        while True:
            try:
                taken = self.gate.take(_LOOK_EVERY_S)
            except ClosedError:
                return
            if taken is None:
                self._watch()
                continue
            time_s = clock.time_of(taken.picture)
            self.report.frames += 1
            yield Frame(taken.index, time_s, self._fitted(taken.picture.to_image()))
            del taken

    def _fitted(self, image_bgr: ImageArray) -> ImageArray:
        """Return a picture in the size that the run began with; a change is told once."""
        height, width = image_bgr.shape[:2]
        if not self._size[0]:
            self._size = self._last_size = (width, height)
        if (width, height) != self._last_size:
            self._last_size = (width, height)
            log.warning("%s gives %dx%d pixels now", self._address.shown, width, height)
            self.events.tell("size_changed", width=width, height=height)
        return fit_picture(image_bgr, *self._size)

    @property
    def state(self) -> Literal["up", "lost", "ended"]:
        """Whether the source gives pictures, is waited for, or is over; from any thread."""
        if self._stop.is_set() or self.failure or self.gate.has_ended:
            return "ended"
        quiet_s = time.monotonic() - self._last_picture_s
        return "lost" if self._reconnecting or quiet_s > self._options.stall_s else "up"

    def stop(self) -> None:
        """End soon, from any thread: what is under way is finished, what waits is dropped."""
        self._stop.set()
        self.gate.stop()

    def close(self) -> None:
        """Stop and let go of the source; a read that hangs is left to its own time limit."""
        self.stop()
        if self._thread is None:
            self._capture.close()
            return
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive():
            log.info("the source still hangs in a read; its thread ends with it")

    def _run(self) -> None:
        """Capture until stopped or until the source is gone for good."""
        capture: Capture | None = self._capture
        try:
            while capture is not None:
                lost = self._pump(capture)
                capture.close()
                capture = None if self._stop.is_set() else self._open_again(lost)
        except BacklogError as error:
            self._fail(str(error))
        except Exception as error:  # whatever ends capturing must be told, not lost in a thread
            log.debug("capturing failed", exc_info=True)
            self._fail(f"{type(error).__name__}: {in_words(error)}")
        finally:
            if capture is not None:
                capture.close()
            self.gate.end()

    def _pump(self, capture: Capture) -> str:
        """Hand pictures to the gate; return why they ended, empty at the stream's own end."""
        try:
            for picture in capture:
                before_s, self._last_picture_s = self._last_picture_s, picture.captured_s
                gap_s = picture.captured_s - before_s
                if self._reconnecting:
                    self._note_return(gap_s)
                elif gap_s > self._longest_step_s:
                    self._note_gap(gap_s)
                if self._stop.is_set() or not self.gate.offer(picture):
                    return ""
        except OSError as error:
            return in_words(error)
        return ""

    def _open_again(self, lost: str) -> Capture | None:
        """Open the source anew, with growing pauses; None if it shall not be or does not open."""
        if self._options.reconnect_s <= 0 or not self._address.comes_back:
            if lost:
                advice = "; --reconnect SECONDS tries again" if self._address.comes_back else ""
                self._fail(f"{self._address.shown} was lost: {lost}{advice}")
            return None
        self.losses += 1
        self._reconnecting = True
        reason = lost or "the stream ended"
        log.warning("%s was lost: %s", self._address.shown, reason)
        self.events.tell("source_lost", reason=reason)
        try:
            return self._keep_trying()
        except OSError as error:
            self._fail(f"{self._address.shown} did not come back: {error}")
        return None

    def _open_first(self) -> Capture:
        """Open the source, waiting for one that may still come; ``OSError`` if it does not."""
        try:
            return self._open_capture(self._address, self._settings)
        except OSError as error:
            capture = None
            if not self._stop.is_set():
                if self._options.reconnect_s <= 0 or not self._address.comes_back:
                    raise
                log.warning("%s; it is tried again", error)
                capture = self._keep_trying()
            if capture is None:
                raise OSError(f"{self._address.shown} was not there before the end") from error
            return capture

    def _keep_trying(self) -> Capture | None:
        """Open the source within the time given for it; None when stopped."""
        return keep_trying(
            lambda: self._open_capture(self._address, self._settings),
            self._options.reconnect_s,
            self._stop,
        )

    def _note_return(self, gap_s: float) -> None:
        self._reconnecting = False
        log.warning("%s is back after %.1f s", self._address.shown, gap_s)
        self.events.tell("source_returned", gap_s=round(gap_s, 3))

    def _gap_to_tell_s(self) -> float:
        """Return how long a source is silent before that is told although it was not lost."""
        if not self._address.comes_back:
            return math.inf  # what waits for us has no gaps of its own
        fps = self._capture.fps
        return max(_GAP_S, _GAP_FRAMES / fps if fps > 0 else 0.0)

    def _note_gap(self, gap_s: float) -> None:
        log.warning("%s gave nothing for %.1f s", self._address.shown, gap_s)
        self.events.tell("source_gap", gap_s=round(gap_s, 3))

    def _watch(self) -> None:
        """End if the source hangs although its own time limit has long passed."""
        if self._reconnecting or self.gate.counts().held:
            return
        quiet_s = time.monotonic() - self._last_picture_s
        if quiet_s > _STUCK_AFTER_STALLS * self._options.stall_s:
            self._fail(f"{self._address.shown} hangs: no picture for {quiet_s:.0f} s")
            self.stop()

    def _fail(self, message: str) -> None:
        if not self._stop.is_set() and not self.failure:
            self.failure = message
            self.events.tell("source_failed", reason=message)
