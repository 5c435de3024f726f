"""Who may look: the right token, and no pages of other sites."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.live.serving.access import AccessControl
from tests.pipeline.live.serving.conftest import View

TOKEN = "open-sesame"


@pytest.mark.parametrize("path", ["/", "/picture.mjpg", "/records", "/status.json"])
def test_without_the_token_nothing_is_shown(view: Callable[..., View], path: str) -> None:
    shown = view(token=TOKEN)
    assert shown.status(path) == 401
    assert shown.status(f"{path}?token=wrong") == 401
    assert shown.status(path, {"Authorization": "Bearer wrong"}) == 401
    assert shown.status(path, {"Authorization": f"Basic {TOKEN}"}) == 401


def test_the_token_opens_in_the_address_or_the_header(view: Callable[..., View]) -> None:
    shown = view(token=TOKEN)
    assert shown.status(f"/status.json?token={TOKEN}") == 200
    assert shown.status("/status.json", {"Authorization": f"Bearer {TOKEN}"}) == 200


def request(
    shown: Any,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: str | None = None,
) -> tuple[int, dict[str, str], str]:
    """Return status and headers of one request, redirects not followed, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", shown.port, timeout=10)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, dict(response.getheaders()), text


def test_the_printed_address_works_once_and_carries_no_token(view: Callable[..., View]) -> None:
    shown = view(token=TOKEN)
    address = shown.server.address
    assert TOKEN not in address
    path = address.partition(str(shown.port))[2]
    status, headers, _ = request(shown, "GET", path)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and TOKEN not in cookie
    assert request(shown, "GET", path)[0] == 401, "it works once"
    with_cookie = {"Cookie": cookie.partition(";")[0]}
    assert shown.status("/", with_cookie) == 200
    assert shown.status("/status.json", with_cookie) == 200
    name = cookie.partition("=")[0]
    assert shown.status("/status.json", {"Cookie": f"{name}=wrong"}) == 401


def test_the_token_may_be_typed_and_leaves_the_address(view: Callable[..., View]) -> None:
    shown = view(token=TOKEN)
    status, _, form = request(shown, "GET", "/")
    assert status == 401 and "type=password" in form
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert request(shown, "POST", "/login", kind, "token=wrong")[0] == 401
    status, headers, _ = request(shown, "POST", "/login", kind, f"token={TOKEN}")
    assert status == 303 and "set-cookie" in headers
    status, headers, _ = request(shown, "GET", f"/?token={TOKEN}")
    assert (status, headers["location"]) == (303, "/")


@pytest.mark.parametrize("host", ["[::1", "a]b", "", "[zz]"])
def test_a_host_that_is_none_is_refused_in_words(view: Callable[..., View], host: str) -> None:
    assert view().status("/status.json", {"Host": host}) in (400, 403)


@pytest.mark.parametrize("origin", ["http://[", "http://[::1"])
def test_an_origin_that_is_none_is_refused_in_words(view: Callable[..., View], origin: str) -> None:
    assert view().status("/status.json", {"Origin": origin}) in (400, 403)


HOSTS = {
    # (listens on, token): host asked for -> let in
    ("0.0.0.0", ""): {"elsewhere.example": False, "192.168.1.5:80": True, "localhost": True},
    ("0.0.0.0", "t"): {"elsewhere.example": True},
    ("127.0.0.2", ""): {"127.0.0.2:80": True, "127.0.0.1": True, "elsewhere.example": False},
    ("::1", ""): {"[::1]:80": True, "elsewhere.example": False},
}


@pytest.mark.parametrize("listens", HOSTS)
def test_foreign_names_cannot_be_pointed_at_a_view_without_a_token(
    listens: tuple[str, str],
) -> None:
    async def inside(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(access: AccessControl, host: str) -> Any:
        sent = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", host.encode()), (b"authorization", b"Bearer t")]
        scope = {"type": "http", "path": "/status.json", "method": "GET", "headers": headers}
        await access(scope, None, send)
        return sent[0]["status"]

    host, token = listens
    access = AccessControl(inside, token, host)
    for name, let_in in HOSTS[listens].items():
        assert (asyncio.run(ask(access, name)) == 200) == let_in, name


def test_a_token_with_other_letters_is_compared_and_refused(view: Callable[..., View]) -> None:
    assert view(token=TOKEN).status("/status.json?token=%C3%A4") == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Host": "elsewhere.example"},
        {"Host": "127.0.0.1.elsewhere.example:80"},
    ],
)
@pytest.mark.parametrize("token", ["", TOKEN])
def test_pages_of_other_sites_are_refused_even_with_the_token(
    view: Callable[..., View], headers: dict[str, str], token: str
) -> None:
    shown = view(token=token)
    assert shown.status(f"/status.json?token={token}", headers) == 403


def test_the_own_page_and_programs_are_let_in(view: Callable[..., View]) -> None:
    shown = view()
    own = f"127.0.0.1:{shown.port}"
    assert shown.status("/status.json") == 200
    assert shown.status("/status.json", {"Origin": f"http://{own}"}) == 200
    assert shown.status("/status.json", {"Sec-Fetch-Site": "same-origin"}) == 200
    localhost = f"localhost:{shown.port}"
    assert shown.status("/", {"Host": localhost, "Origin": f"http://{localhost}"}) == 200


def test_a_link_on_another_site_may_be_followed_to_the_page_alone(
    view: Callable[..., View],
) -> None:
    shown = view()
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert shown.status("/", link) == 200
    assert shown.status("/picture.jpg", link) == 403


def test_a_watcher_asks_without_the_token_and_learns_whether_results_come(
    view: Callable[..., View], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = view(token=TOKEN)
    assert shown.status("/healthz") == 503
    shown.show(0)
    assert shown.status("/healthz") == 200
    monkeypatch.setattr(type(shown.hub), "age_s", property(lambda hub: 10.5))
    assert shown.status("/healthz") == 503
    assert shown.status("/healthz", {"Host": "elsewhere.example"}) == 403
