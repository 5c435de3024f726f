"""Who may look: the right token, and no pages of other sites."""

from __future__ import annotations

import pytest

TOKEN = "open-sesame"


@pytest.mark.parametrize("path", ["/", "/picture.mjpg", "/records", "/status.json"])
def test_without_the_token_nothing_is_shown(view, path):
    shown = view(token=TOKEN)
    assert shown.status(path) == 401
    assert shown.status(f"{path}?token=wrong") == 401
    assert shown.status(path, {"Authorization": "Bearer wrong"}) == 401
    assert shown.status(path, {"Authorization": f"Basic {TOKEN}"}) == 401


def test_the_token_opens_in_the_address_or_the_header(view):
    shown = view(token=TOKEN)
    assert shown.status(f"/status.json?token={TOKEN}") == 200
    assert shown.status("/status.json", {"Authorization": f"Bearer {TOKEN}"}) == 200
    assert shown.server.address.endswith(f"/?token={TOKEN}")


def test_a_token_with_other_letters_is_compared_and_refused(view):
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
def test_pages_of_other_sites_are_refused_even_with_the_token(view, headers, token):
    shown = view(token=token)
    assert shown.status(f"/status.json?token={token}", headers) == 403


def test_the_own_page_and_programs_are_let_in(view):
    shown = view()
    own = f"127.0.0.1:{shown.port}"
    assert shown.status("/status.json") == 200
    assert shown.status("/status.json", {"Origin": f"http://{own}"}) == 200
    assert shown.status("/status.json", {"Sec-Fetch-Site": "same-origin"}) == 200
    localhost = f"localhost:{shown.port}"
    assert shown.status("/", {"Host": localhost, "Origin": f"http://{localhost}"}) == 200


def test_a_link_on_another_site_may_be_followed_to_the_page_alone(view):
    shown = view()
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert shown.status("/", link) == 200
    assert shown.status("/picture.jpg", link) == 403


def test_a_watcher_asks_without_the_token_and_learns_whether_results_come(view, monkeypatch):
    shown = view(token=TOKEN)
    assert shown.status("/healthz") == 503
    shown.show(0)
    assert shown.status("/healthz") == 200
    monkeypatch.setattr(type(shown.hub), "age_s", property(lambda hub: 10.5))
    assert shown.status("/healthz") == 503
    assert shown.status("/healthz", {"Host": "elsewhere.example"}) == 403
