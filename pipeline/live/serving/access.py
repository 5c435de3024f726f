"""Who may look: the token, and no pages of other sites. Plain ASGI, before anything else runs."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH_PATH = "/healthz"
"""What a watcher of the machine asks; it tells nothing that is anybody's secret."""
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAME = frozenset({"same-origin", "none"})


class AccessControl:
    """Lets a request through or answers 401 (token) or 403 (another site's page).

    A browser tells where a request comes from: ``Origin`` must be this server's own address, and
    ``Sec-Fetch-Site`` may not name another site, unless a person follows a link to the page
    itself. On a loopback server ``Host`` must be a loopback name, so that no foreign name can be
    pointed at it.

    Args:
        app: what is guarded.
        token: what a viewer must know, as ``?token=…`` or ``Authorization: Bearer …``; empty lets
            everybody look.
        is_loopback: whether the server listens on this machine only.
    """

    def __init__(self, app: App, token: str = "", is_loopback: bool = True) -> None:
        self._app = app
        self._token = token.encode()
        self._is_loopback = is_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or hand on one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in _pairs(scope)}
        if not self._comes_from_here(scope, headers):
            await _refuse(send, 403, "requests from other sites are refused\n")
        elif scope["path"] != HEALTH_PATH and not self._knows_token(scope, headers):
            await _refuse(send, 401, "a token is needed: ?token=… or Authorization: Bearer …\n")
        else:
            await self._app(scope, receive, send)

    def _comes_from_here(self, scope: Scope, headers: dict[str, str]) -> bool:
        host = headers.get("host", "")
        if self._is_loopback and urlsplit(f"//{host}").hostname not in _LOOPBACK_NAMES:
            return False
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return False
        follows_link = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
        return follows_link or headers.get("sec-fetch-site", "none") in _SAME

    def _knows_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        if not self._token:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        candidates = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        if scheme.lower() == "bearer":
            candidates = [*candidates, given.strip()]
        return any(hmac.compare_digest(item.encode(), self._token) for item in candidates)


def _pairs(scope: Scope) -> list[tuple[bytes, bytes]]:
    return list(scope.get("headers", []))


async def _refuse(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
