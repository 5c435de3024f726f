"""Runs the live view's server on a thread beside the pipeline."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence

import uvicorn

from pipeline.live.serving.access import is_loopback
from pipeline.live.serving.app import build_app
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.limits import LimitedProtocol, most_connections

_LOOPBACK = "127.0.0.1"
_LEAVE_WITHIN_S = 0.6
_STOP_WITHIN_S = 1.5

log = logging.getLogger(__name__)


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of ``PORT``, ``HOST:PORT`` or ``[HOST]:PORT``; loopback by default.

    Raises:
        ValueError: it is none of these.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"got {text!r} to serve on, needed is PORT or HOST:PORT, such as 8000")
    return host.strip("[]") or _LOOPBACK, int(port)


class LiveServer:
    """Serves the views of cameras until it is stopped; the port is taken when made.

    Attributes:
        address: where a browser opens it; with a token it carries what works once, never the token.

    Args:
        hubs: what is shown, one for each camera; several have names.
        host: address to listen on.
        port: port; 0 takes a free one.
        token: what viewers must know; empty lets everybody look who reaches the port.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(
        self, hubs: Sequence[ViewHub], host: str = _LOOPBACK, port: int = 0, token: str = ""
    ) -> None:
        self._hubs = hubs
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._socket = socket.create_server((host, port), family=family, backlog=64)
        except OSError as error:
            raise OSError(f"{host}:{port} cannot be served on: {error.strerror}") from error
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        app = build_app(hubs, token, host)
        self.address = f"http://{shown}:{self.port}/" + (f"?once={app.once}" if token else "")
        if not is_loopback(host) and not token:
            log.warning("everybody who reaches %s may watch; --token-file asks", self.address)
        protocol = type("Limited", (LimitedProtocol,), {"most": most_connections()})
        config = uvicorn.Config(
            app,
            http=protocol,
            lifespan="off",
            ws="none",
            log_config=None,  # its own would close what other libraries log to, stderr too
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="serve-0", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every viewer's stream and the server, within two seconds; allowed twice."""
        for hub in self._hubs:
            hub.close()
        self._server.should_exit = True
        self._thread.join(_LEAVE_WITHIN_S)
        if self._thread.is_alive() and self._loop is not None:
            self._loop.call_soon_threadsafe(self._drop_connections)
        self._thread.join(_STOP_WITHIN_S)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(_STOP_WITHIN_S)

    def _run(self) -> None:
        with self._socket:
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        for hub in self._hubs:
            hub.attach(self._loop)
        await self._server.serve(sockets=[self._socket])

    def _drop_connections(self) -> None:
        """Let go of viewers who do not read: the end of their stream cannot be sent to them."""
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
