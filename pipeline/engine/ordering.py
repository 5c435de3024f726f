"""Keeping results in order when several workers share one stage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.engine.channel import Cancellation

_LOOK_AT_CANCEL_EVERY_S = 0.05


class Turnstile:
    """Lets workers pass one at a time in the order of their tickets, 0, 1, 2 and so on.

    A worker that is early waits with its own result in its hands, so nothing piles up: what is in
    flight is bounded by the number of workers.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._next = 0
        self._moved = threading.Condition()

    @contextmanager
    def turn(self, ticket: int) -> Iterator[None]:
        """Wait until every smaller ticket has passed, then pass when the block ends well.

        Raises:
            CancelledError: the run was cancelled while waiting.
        """
        with self._moved:
            while self._next != ticket:
                self._moved.wait(_LOOK_AT_CANCEL_EVERY_S)
                self._cancellation.check()
        yield
        with self._moved:
            self._next += 1
            self._moved.notify_all()
