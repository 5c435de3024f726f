"""What happens in a live run beside its frames, told to everybody who listens.

Any thread may tell; every listener has a bounded queue of its own, so nobody waits for another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any

_KEPT = 1000
"""For a reader that never drains; older ones fall out."""

log = logging.getLogger(__name__)


class EventQueue:
    """The events that one listener has not fetched yet, the newest 1000."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def append(self, event: dict[str, Any]) -> None:
        """Add an event; the oldest goes when the queue is full."""
        self._events.append(event)

    def drain(self) -> list[dict[str, Any]]:
        """Return what came since the last call, oldest first."""
        drained = []
        while True:
            try:
                drained.append(self._events.popleft())
            except IndexError:
                return drained


class Events:
    """Takes events from any thread and hands each to every listener.

    Args:
        origin_s: time (:func:`time.monotonic`) that the events' ``time_s`` counts from; the time
            of construction when None.
    """

    def __init__(self, origin_s: float | None = None) -> None:
        self.origin_s = time.monotonic() if origin_s is None else origin_s
        self._queues: list[EventQueue] = []
        self._lock = threading.Lock()

    def subscribe(self) -> EventQueue:
        """Return a new listener's queue; it gets the events from now on."""
        queue = EventQueue()
        with self._lock:
            self._queues.append(queue)
        return queue

    def tell(self, event: str, **facts: Any) -> None:
        """Hand ``{"event": …, "time_s": …, **facts}`` to every listener."""
        now_s = round(time.monotonic() - self.origin_s, 3)
        item = {"event": event, "time_s": now_s, **facts}
        log.debug("%s", item)
        with self._lock:
            for queue in self._queues:
                queue.append(item)
