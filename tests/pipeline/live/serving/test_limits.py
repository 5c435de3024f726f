"""Viewers cannot take from a run what it needs, and health and figures are told to programs."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.live.serving.app import health_of_one
from tests.pipeline.live.serving.conftest import Feed, View


def connect(shown: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", shown.port), timeout=10)


def is_closed(connection: socket.socket, within_s: float) -> bool:
    connection.settimeout(within_s)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_idle_connections_and_half_requests_are_dropped(
    view: Callable[..., View], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.live.serving.limits.REQUEST_WITHIN_S", 0.4)
    shown = view()
    idle, half, again = connect(shown), connect(shown), connect(shown)
    half.sendall(b"GET /status.json HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
    again.sendall(b"GET /status.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    time.sleep(0.2)
    assert again.recv(65536).startswith(b"HTTP/1.1 200 OK")
    again.sendall(b"GET /half")
    for connection in (idle, half, again):
        assert is_closed(connection, 5)
        connection.close()
    assert shown.status("/status.json") == 200


def test_a_viewer_who_watches_is_not_dropped(
    view: Callable[..., View], feed: Callable[..., Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.live.serving.limits.REQUEST_WITHIN_S", 0.3)
    shown = view()
    feed(shown)
    connection, response = shown.open("/picture.mjpg")
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert response.read(1000)
    connection.close()


def test_more_connections_than_allowed_are_refused_and_leave_room_again(
    view: Callable[..., View], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.live.serving.server.most_connections", lambda: 5)
    shown = view()
    held = [connect(shown) for _ in range(5)]
    time.sleep(0.2)
    late = connect(shown)
    assert is_closed(late, 5)
    for connection in [*held, late]:
        connection.close()
    time.sleep(0.3)
    assert shown.status("/status.json") == 200


def read(shown: Any, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    connection, response = shown.open(path, headers)
    body = response.read().decode()
    connection.close()
    return response.status, body


@pytest.mark.parametrize(
    ("state", "age_s", "ready"),
    [
        ("up", 0.1, True),
        ("up", None, False),
        ("up", 60.0, False),
        ("lost", 0.1, False),
        ("ended", 0.1, False),
        ("loading", None, False),
    ],
)
def test_a_run_is_healthy_while_results_come(state: str, age_s: float | None, ready: bool) -> None:
    assert health_of_one({"source_state": state}, age_s)["ready"] is ready


def test_health_needs_no_token_and_says_no_more(view: Callable[..., View]) -> None:
    shown = view(token="secret")
    status, body = read(shown, "/healthz")
    assert status == 503
    assert set(json.loads(body)) == {"ready", "source", "age_s"}
    shown.show(0)
    assert read(shown, "/healthz")[0] == 200


def test_prometheus_reads_the_figures(view: Callable[..., View]) -> None:
    shown = view(token="secret")
    for index in range(3):
        shown.show(index)
    assert read(shown, "/metrics")[0] == 401
    status, text = read(shown, "/metrics", {"Authorization": "Bearer secret"})
    assert status == 200
    families = text_string_to_metric_families(text)
    samples = {(s.name, tuple(s.labels.values())): s.value for f in families for s in f.samples}
    assert samples["rmpe_frames_captured_total", ()] == 6
    assert samples["rmpe_frames_processed_total", ()] == 3
    assert samples["rmpe_frames_dropped_total", ("newer_frame",)] == 3
    assert samples["rmpe_latency_seconds", ("0.50",)] == pytest.approx(0.02)
    assert samples["rmpe_people", ()] == 1
    assert samples["rmpe_source_up", ()] == 1
