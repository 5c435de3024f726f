"""Limits on connections, so that viewers cannot take from a run what it needs to record."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_WITHIN_S = 10.0
"""A connection that has not sent a whole request by then is dropped."""
_MOST_CONNECTIONS = 512
_SHARE_OF_DESCRIPTORS = 2
"""Half of the process's are left to cameras, files and recordings."""


def most_connections() -> int:
    """Return how many connections are served at once: at most half of the descriptors there are."""
    if sys.platform == "win32":
        return _MOST_CONNECTIONS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(min(_MOST_CONNECTIONS, soft // _SHARE_OF_DESCRIPTORS), 1)


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 that drops connections above the limit, and those that send no whole request."""

    most = _MOST_CONNECTIONS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or drop it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._timer = self.loop.call_later(REQUEST_WITHIN_S, self._drop_if_silent)

    def data_received(self, data: bytes) -> None:
        """Take data; a request that begins must be whole in time."""
        super().data_received(data)
        if self._timer is None and not self._is_answering():
            self._timer = self.loop.call_later(REQUEST_WITHIN_S, self._drop_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _drop_if_silent(self) -> None:
        self._timer = None
        if not self._is_answering():
            self.transport.abort()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete
