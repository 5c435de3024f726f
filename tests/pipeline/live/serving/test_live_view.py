"""The browser view over real connections: pictures, records, figures, viewers who are slow."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.live.serving.server import LiveServer, parse_listen
from pipeline.live.serving.viewer_queue import ViewerQueue
from tests.pipeline.live.serving.conftest import Feed, View

CHUNK = 4096


def read_parts(response: http.client.HTTPResponse, count: int) -> list[Any]:
    """Return the JPEGs of the next parts of a multipart answer."""
    parts = []
    while len(parts) < count:
        length = 0
        while (line := response.readline()) != b"\r\n" or not length:
            assert line, "the stream ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        parts.append(response.read(length))
    return parts


def read_events(response: http.client.HTTPResponse, count: int) -> list[Any]:
    """Return the objects of the next server-sent events."""
    found = []
    while len(found) < count:
        line = response.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:]))
    return found


def test_the_picture_moves(view: Callable[..., View], feed: Callable[..., Feed]) -> None:
    shown = view()
    feed(shown)
    connection, response = shown.open("/picture.mjpg")
    assert response.headers["Content-Type"].startswith("multipart/x-mixed-replace")
    parts = read_parts(response, 3)
    connection.close()
    pictures = [cv2.imdecode(np.frombuffer(part, np.uint8), cv2.IMREAD_COLOR) for part in parts]
    assert all(picture.shape == (48, 64, 3) for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[2])


def test_one_picture_can_be_fetched(view: Callable[..., View], feed: Callable[..., Feed]) -> None:
    shown = view()
    feed(shown)
    connection, response = shown.open("/picture.jpg")
    assert response.read().startswith(b"\xff\xd8")
    connection.close()


def test_large_pictures_are_shown_smaller(
    view: Callable[..., View], feed: Callable[..., Feed]
) -> None:
    shown = view(size=(1000, 2560))
    feed(shown, 0.1)
    connection, response = shown.open("/picture.jpg")
    picture = cv2.imdecode(np.frombuffer(response.read(), np.uint8), cv2.IMREAD_COLOR)
    connection.close()
    assert picture.shape == (500, 1280, 3)


def test_records_come_as_events_header_first_with_what_happens_between(
    view: Callable[..., View], feed: Callable[..., Feed]
) -> None:
    shown = view()
    connection, response = shown.open("/records")
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert read_events(response, 1)[0]["schema"] == "rmpe/1"
    shown.show(0)
    shown.events.tell("source_lost", reason="cut")
    shown.show(5)
    records = read_events(response, 3)
    connection.close()
    assert records[0]["frame"] == 0
    assert records[0]["people"][0]["id"] == 7
    assert (records[1]["event"], records[1]["reason"]) == ("source_lost", "cut")
    assert records[2]["frame"] == 5


def test_records_come_as_plain_lines_too(
    view: Callable[..., View], feed: Callable[..., Feed]
) -> None:
    shown = view()
    feed(shown)
    connection, response = shown.open("/records.ndjson")
    lines = [json.loads(response.readline()) for _ in range(3)]
    connection.close()
    assert lines[0]["schema"] == "rmpe/1"
    assert lines[2]["frame"] == lines[1]["frame"] + 1


def test_the_figures_change(view: Callable[..., View], feed: Callable[..., Feed]) -> None:
    shown = view()
    feed(shown)
    connection, response = shown.open("/status")
    first, second = read_events(response, 2)
    connection.close()
    assert second["processed"] > first["processed"]
    assert first["stages"] == [{"stage": "detect", "busy": 0.5}]


def test_the_page_asks_nobody_else(view: Callable[..., View]) -> None:
    connection, response = view().open("/")
    page = response.read().decode()
    connection.close()
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "http://" not in page and "https://" not in page and "//cdn" not in page


def stalled_viewer(port: int, path: str) -> Any:
    """Ask for a stream and never read it."""
    viewer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
    viewer.connect(("127.0.0.1", port))
    viewer.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return viewer


def test_twenty_viewers_and_some_that_do_not_read_do_not_hold_up_the_pipeline(
    view: Callable[..., View], feed: Callable[..., Feed], wait_for: Callable[..., None]
) -> None:
    shown = view(size=(240, 320))
    pictures = [shown.open("/picture.mjpg") for _ in range(10)]
    records = [shown.open("/records") for _ in range(7)]
    asleep = [stalled_viewer(shown.port, path) for path in ("/picture.mjpg",) * 2 + ("/records",)]
    wait_for(lambda: shown.hub.viewers == 20)
    feeding = feed(shown)
    for _, response in pictures:
        assert len(read_parts(response, 2)) == 2
    for _, response in records:
        assert read_events(response, 2)[1]["frame"] == 0
    wait_for(lambda: feeding.count >= 30)
    feeding.stop()
    assert feeding.slowest_s < 0.5, "handing over never waits for a viewer"
    for connection, _ in pictures + records:
        connection.close()
    for viewer in asleep:
        viewer.close()
    feed(shown)
    wait_for(lambda: shown.hub.viewers == 0)


def test_a_reader_of_records_who_is_slow_is_told_what_was_skipped() -> None:
    async def fall_behind() -> Any:
        queue = ViewerQueue(keep=3)
        for number in range(5):
            queue.put(str(number))
        return queue.drain(), queue.drain()

    behind, nothing = asyncio.run(fall_behind())
    assert json.loads(behind[0]) == {"event": "skipped", "lines": 2}
    assert behind[1:] == ["2", "3", "4"]
    assert nothing == []


def test_stopping_ends_every_stream_within_two_seconds_and_frees_the_port(
    view: Callable[..., View], feed: Callable[..., Feed], capfd: pytest.CaptureFixture[str]
) -> None:
    shown = view(size=(480, 640), noise=True)
    feeding = feed(shown)
    connection, response = shown.open("/picture.mjpg")
    records, lines = shown.open("/records")
    asleep = stalled_viewer(shown.port, "/picture.mjpg")
    read_parts(response, 30)  # some megabytes: more than sockets buffer
    feeding.stop()
    began = time.monotonic()
    shown.server.stop()
    assert time.monotonic() - began < 2 + 1, "two seconds, and one for a loaded machine"
    assert capfd.readouterr().err == "", "a viewer who does not read is no error"
    assert lines.read().rstrip().endswith(b'{"end": true}')
    for opened in (connection, records, asleep):
        opened.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", shown.port)) != 0


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("8000", ("127.0.0.1", 8000)),
        (":8000", ("127.0.0.1", 8000)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:9", ("::1", 9)),
    ],
)
def test_where_to_listen_is_loopback_unless_told(text: str, parsed: tuple[str, int]) -> None:
    assert parse_listen(text) == parsed


@pytest.mark.parametrize("text", ["", "here", "host:", "host:99999"])
def test_where_to_listen_must_make_sense(text: str) -> None:
    with pytest.raises(ValueError, match="PORT or HOST:PORT"):
        parse_listen(text)


def test_a_port_that_is_taken_is_a_clear_error(view: Callable[..., View]) -> None:
    shown = view()
    with pytest.raises(OSError, match=f"127.0.0.1:{shown.port} cannot be served on"):
        LiveServer([shown.hub], port=shown.port)


def test_a_hub_may_be_closed_twice(view: Callable[..., View]) -> None:
    shown = view()
    shown.server.stop()
    shown.server.stop()
    assert shown.hub.is_closed
