"""Who may look: the token, and no pages of other sites. Plain ASGI, before anything else runs.

A browser gets in by the printed address, which works once, or by typing the token; from then on a
cookie speaks for it, so that the token stands in no address. Programs send a header.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH_PATH = "/healthz"
"""What a watcher of the machine asks; it tells nothing that is anybody's secret."""
CAMERAS_PATH = "/cameras/"
"""Below it lie the views of each of several cameras."""
_SAME = frozenset({"same-origin", "none"})
_LONGEST_BODY = 4096
"""Of a form with a token, the one body that is read."""
_BODY_WITHIN_S = 5.0
"""A sender who takes longer holds a connection for nothing."""
_FORM = b"""<!doctype html><meta charset=utf-8><title>rmpe live</title>
<form method=post action=login><label>To look, a token is needed:
<input name=token type=password autofocus></label>
<button>Look</button></form>
"""


class AccessControl:
    """Lets a request through or answers 401 (token), 403 (another site's page) or 400 (no host).

    A browser tells where a request comes from: ``Origin`` must be this server's own address, and
    ``Sec-Fetch-Site`` may not name another site, unless a person follows a link to the page
    itself. ``Host`` must be a name of this machine or a plain address where no token protects the
    view, so that no foreign name can be pointed at it.

    Args:
        app: what is guarded.
        token: what a viewer must know, as ``Authorization: Bearer …``, ``?token=…`` or typed into
            the page; empty lets everybody look.
        host: name or address that the server listens on.

    Attributes:
        once: what the printed address carries, good for one visit; empty without a token.
    """

    def __init__(self, app: App, token: str = "", host: str = "127.0.0.1") -> None:
        self._app = app
        self._token = token.encode()
        self._is_loopback = is_loopback(host)
        self._names = _own_names(host)
        self.once = secrets.token_urlsafe(16) if token else ""
        self._cookie = f"rmpe_{secrets.token_hex(4)}"  # cookies do not know ports
        self._session = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or hand on one request."""
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope.get("headers", [])
        }
        try:
            from_here = self._comes_from_here(scope, headers)
        except ValueError:
            await _answer(send, 400, b"the request names no host\n")
            return
        if not from_here:
            await _answer(send, 403, b"requests from other sites are refused\n")
        elif not self._token or _is_health(scope) or self._knows_token(scope, headers):
            if _is_page(scope) and scope.get("query_string"):
                await self._let_in(send, scope["path"])  # away with the token from the address
            else:
                await self._app(scope, receive, send)
        else:
            await self._ask(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer somebody who has not shown the token: a one-time address, a form, or 401."""
        page = scope["path"].removesuffix("login")
        if page != scope["path"] and _is_page({"path": page}) and scope["method"] == "POST":
            given = parse_qs((await _body(receive)).decode("latin-1")).get("token", [""])[0]
            if self._is_token(given):
                await self._let_in(send, page)
            else:
                await _answer(send, 401, _FORM, "text/html; charset=utf-8")
            return
        once = _query(scope).get("once", [""])[0]
        fits = hmac.compare_digest(once.encode("utf-8", "replace"), self.once.encode())
        if scope["path"] == "/" and self.once and fits:
            self.once = ""
            await self._let_in(send)
        elif _is_page(scope):
            await _answer(send, 401, _FORM, "text/html; charset=utf-8")
        else:
            await _answer(send, 401, b"a token is needed: Authorization: Bearer TOKEN\n")

    async def _let_in(self, send: Send, page: str = "/") -> None:
        """Send a browser to a page, with a cookie in place of the token in the address."""
        cookie = f"{self._cookie}={self._session}; HttpOnly; SameSite=Strict; Path=/"
        extra = [(b"location", quote(page).encode()), (b"set-cookie", cookie.encode())]
        await _answer(send, 303, b"", "text/plain", extra if self._token else extra[:1])

    def _comes_from_here(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Return whether no other site is behind a request; ``ValueError`` if ``Host`` is none."""
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if not name:
            raise ValueError("no host")
        if not self._is_own_name(name):
            return False
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return False
        follows_link = _is_page(scope) and headers.get("sec-fetch-mode") == "navigate"
        return follows_link or headers.get("sec-fetch-site", "none") in _SAME

    def _is_own_name(self, name: str) -> bool:
        if self._is_loopback:
            return name == "localhost" or is_loopback(name)
        return bool(self._token) or _is_address(name) or name.lower().rstrip(".") in self._names

    def _knows_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        candidates = _query(scope).get("token", [])
        if scheme.lower() == "bearer":
            candidates = [*candidates, given.strip()]
        cookies = [part.strip().partition("=") for part in headers.get("cookie", "").split(";")]
        shown = [value for name, _, value in cookies if name == self._cookie]
        return any(map(self._is_token, candidates)) or any(
            hmac.compare_digest(value.encode(), self._session.encode()) for value in shown
        )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token)


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_page(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/" or (path.startswith(CAMERAS_PATH) and path.endswith("/"))


def _is_health(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == HEALTH_PATH or (path.startswith(CAMERAS_PATH) and path.endswith(HEALTH_PATH))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_names(host: str) -> frozenset[str]:
    """Return the names under which this machine may be asked."""
    own = socket.gethostname().lower()
    return frozenset({"localhost", host.lower(), own, f"{own}.local", socket.getfqdn().lower()})


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode("latin-1"))


async def _body(receive: Receive) -> bytes:
    """Return the body of a short form, as much as comes in time."""
    body = b""
    try:
        while len(body) <= _LONGEST_BODY:
            message = await asyncio.wait_for(receive(), _BODY_WITHIN_S)
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
    except (asyncio.TimeoutError, TimeoutError):
        return b""
    return body


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    kind: str = "text/plain; charset=utf-8",
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", b"default-src 'none'; form-action 'self'"),
        *(extra or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
