"""Opens a live source, and goes on trying where it may still come."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from pipeline.live.capture.address import Capture, CaptureSettings, LiveAddress
from pipeline.live.capture.camera import CameraCapture
from pipeline.live.capture.stream import StreamCapture

_FIRST_PAUSE_S = 0.25
"""Doubled after every try,"""
_LONGEST_PAUSE_S = 5.0
"""up to this, which is soon enough for a camera that starts again."""

log = logging.getLogger(__name__)

OpenCapture = Callable[[LiveAddress, CaptureSettings], Capture]


def open_capture(address: LiveAddress, settings: CaptureSettings) -> Capture:
    """Open a source.

    Raises:
        OSError: it cannot be opened; the message says what there is instead.
    """
    if address.kind == "camera":
        return CameraCapture(address.text)
    return StreamCapture(address, settings)


def keep_trying(
    attempt: Callable[[], Capture], within_s: float, stopped: threading.Event
) -> Capture | None:
    """Return what an attempt opens, made again with growing pauses; None when stopped.

    Raises:
        OSError: from the last attempt, when the time is up.
    """
    give_up_s = time.monotonic() + within_s
    pause_s = _FIRST_PAUSE_S
    while not stopped.wait(min(pause_s, max(give_up_s - time.monotonic(), 0.0))):
        try:
            return attempt()
        except OSError as error:
            log.info("not there yet: %s", error)
            if time.monotonic() >= give_up_s:
                raise
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    return None
