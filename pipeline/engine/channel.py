"""The bounded queue between two stages, and the one switch that cancels a whole run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK_AT_CANCEL_EVERY_S = 0.05
"""The run's switch wakes no channel: who waits looks at it."""


class CancelledError(Exception):
    """The run was cancelled while a stage waited; the stage only has to leave."""


class ClosedError(Exception):
    """The channel was closed and everything in it has been taken: the stream is over."""


class Cancellation:
    """The switch that all channels of one run look at. Setting it twice is allowed."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Cancel the run."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the run was cancelled."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise :class:`CancelledError` if the run was cancelled."""
        if self._event.is_set():
            raise CancelledError


@dataclass
class ChannelStats:
    """What a channel counted; read it when the run is over."""

    name: str
    """Which channel, by the stage that fills it."""
    put_wait_s: float = 0.0
    """Seconds that the stage before waited for room."""
    get_wait_s: float = 0.0
    """Seconds that the stage behind waited for an item."""


class UnderWay:
    """How many items a run has read and not yet given out, bounded as a whole.

    It is for chains that give one result for every item: each item enters before the first channel
    and leaves behind the last, in the same order.

    Args:
        cancellation: the run's switch.
        max_items: most items under way.
        max_bytes: most bytes under way; ``min_items`` of them may be larger.
        min_items: so many may always be under way, so that the stages work beside each other.
    """

    def __init__(
        self, cancellation: Cancellation, max_items: int, max_bytes: int, min_items: int
    ) -> None:
        self._cancellation = cancellation
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._min_items = min_items
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._room = threading.Condition()

    def enter(self, size: int) -> None:
        """Count an item of so many bytes in, waiting for room.

        Raises:
            CancelledError: the run was cancelled before there was room.
        """
        with self._room:
            while not self._has_room_for(size):
                self._cancellation.check()
                self._room.wait(_LOOK_AT_CANCEL_EVERY_S)
            self._sizes.append(size)
            self._bytes += size

    def leave(self) -> None:
        """Count the oldest item out."""
        with self._room:
            self._bytes -= self._sizes.popleft()
            self._room.notify()

    def _has_room_for(self, size: int) -> bool:
        count = len(self._sizes)
        if count < self._min_items:
            return True
        return count < self._max_items and self._bytes + size <= self._max_bytes


class Channel(Generic[T]):
    """A first-in-first-out queue bounded in items and in bytes, closed once by its owner.

    Several threads may put and take. Every wait ends when the run is cancelled.

    Args:
        name: for the statistics.
        cancellation: the run's switch.
        max_items: most items held.
        max_bytes: most bytes held; one item that is larger alone still passes, on its own.
        size_of: bytes of an item; items count nothing when None.

    Raises:
        ValueError: a bound is below 1.
    """

    def __init__(
        self,
        name: str,
        cancellation: Cancellation,
        *,
        max_items: int,
        max_bytes: int | None = None,
        size_of: Callable[[T], int] | None = None,
    ) -> None:
        if max_items < 1 or (max_bytes is not None and max_bytes < 1):
            raise ValueError(f"allowed is 1 or more, got {max_items=}, {max_bytes=}")
        self.stats = ChannelStats(name)
        self._cancellation = cancellation
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._closed = False
        self._lock = threading.Lock()
        self._not_full = threading.Condition(self._lock)
        self._not_empty = threading.Condition(self._lock)

    def put(self, item: T) -> None:
        """Append ``item``, waiting for room.

        Raises:
            CancelledError: the run was cancelled before there was room.
        """
        size = self._size_of(item) if self._size_of else 0
        with self._lock:
            self._cancellation.check()
            if self._closed:
                raise RuntimeError(f"put into the closed channel {self.stats.name!r}")
            while self._is_full_for(size):
                self.stats.put_wait_s += self._wait(self._not_full)
            self._items.append((item, size))
            self._bytes += size
            self._not_empty.notify()

    def take(self) -> T:
        """Return the next item.

        Raises:
            ClosedError: there is nothing left and nothing will come.
            CancelledError: the run was cancelled.
        """
        with self._lock:
            self._cancellation.check()
            while not self._items:
                if self._closed:
                    raise ClosedError
                self.stats.get_wait_s += self._wait(self._not_empty)
            item = self._pop()
            self._not_full.notify_all()
            return item

    def close(self) -> None:
        """Say that nothing more will be put in; what is inside can still be taken."""
        with self._lock:
            self._closed = True
            self._not_empty.notify_all()

    def clear(self) -> None:
        """Let go of everything inside, so that a cancelled run keeps no picture alive."""
        with self._lock:
            self._items.clear()
            self._bytes = 0
            self._not_full.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Take items until the channel is closed and empty."""
        while True:
            try:
                yield self.take()
            except ClosedError:
                return

    def __len__(self) -> int:
        return len(self._items)

    def _is_full_for(self, size: int) -> bool:
        if not self._items:
            return False
        over_bytes = self._max_bytes is not None and self._bytes + size > self._max_bytes
        return len(self._items) >= self._max_items or over_bytes

    def _pop(self) -> T:
        item, size = self._items.popleft()
        self._bytes -= size
        return item

    def _wait(self, condition: threading.Condition) -> float:
        """Wait a little for ``condition`` and return how long; raise if the run is cancelled."""
        started = time.perf_counter()
        condition.wait(_LOOK_AT_CANCEL_EVERY_S)
        self._cancellation.check()
        return time.perf_counter() - started
