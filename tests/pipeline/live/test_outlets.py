"""Results handed on: all that was said to be sent arrived, what had to go was counted."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.live.events import Events
from pipeline.live.outlets import Outlet, open_carrier
from rmpe.records import Frame, Poses

HEADER = {"schema": "rmpe/1", "source": "test"}
PICTURE = np.zeros((4, 4, 3), np.uint8)


def show(outlet: Outlet, first: int, count: int) -> None:
    for index in range(first, first + count):
        outlet.show(Frame(index, index / 10, PICTURE), Poses.empty(3))


def until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def test_header_records_and_events_arrive_in_order(receiver: Any) -> None:
    events = Events()
    carrier = open_carrier(f"http://me:hidden@127.0.0.1:{receiver.port}/in?key=abc")
    outlet = Outlet(carrier, HEADER, events)
    events.tell("source_lost", reason="test")
    show(outlet, 0, 30)
    outlet.close()
    assert receiver.lines[0] == HEADER
    assert receiver.lines[1]["event"] == "source_lost"
    assert [line["frame"] for line in receiver.lines[2:]] == list(range(30))
    assert (outlet.sent, outlet.dropped) == (31, 0)
    basic = base64.b64encode(b"me:hidden").decode()
    assert receiver.posts[0]["Authorization"] == f"Basic {basic}"
    assert receiver.posts[0]["path"] == "/in?key=abc"
    assert "hidden" not in outlet.line() and "abc" not in outlet.line()


def test_what_is_refused_is_tried_again_and_nothing_is_lost(receiver: Any) -> None:
    receiver.status = 503
    outlet = Outlet(open_carrier(f"http://127.0.0.1:{receiver.port}/"), HEADER, Events())
    show(outlet, 0, 20)
    until(lambda: len(receiver.posts) >= 2)
    receiver.status = 200
    until(lambda: outlet.sent == 20)
    outlet.close()
    assert [line["frame"] for line in receiver.lines[1:]] == list(range(20))


def test_a_receiver_that_is_away_costs_bounded_memory_and_the_loss_is_counted() -> None:
    outlet = Outlet(open_carrier("http://127.0.0.1:9/"), HEADER, Events(), keep=10)
    began = time.monotonic()
    show(outlet, 0, 500)
    assert time.monotonic() - began < 10, "nobody waits: this receiver never comes"
    outlet.close()
    assert (outlet.sent, outlet.dropped) == (0, 500)
    assert "500 dropped" in outlet.line()


@pytest.mark.parametrize("address", ["ftp://x/y", "http://", "mqtt://host", "mqtt:///topic", "x"])
def test_an_address_that_means_nothing_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="needed is"):
        open_carrier(address)


def listened_to(port: int) -> tuple[Any, list[tuple[str, dict[str, Any]]]]:
    """Return a client that listens to all of a broker's topics, and what it gets."""
    client = pytest.importorskip("paho.mqtt.client")
    enums = pytest.importorskip("paho.mqtt.enums")
    got: list[tuple[str, dict[str, Any]]] = []
    listener = client.Client(enums.CallbackAPIVersion.VERSION2)
    listener.on_message = lambda c, u, message: got.append(
        (message.topic, json.loads(message.payload))
    )
    listener.connect("127.0.0.1", port)
    listener.subscribe("studio/#", qos=1)
    listener.loop_start()
    return listener, got


def test_a_broker_hands_them_to_its_listeners(broker: int) -> None:
    listener, got = listened_to(broker)
    outlet = Outlet(open_carrier(f"mqtt://127.0.0.1:{broker}/studio"), HEADER, Events())
    show(outlet, 0, 10)
    until(lambda: len(got) == 11)
    outlet.close()
    listener.disconnect()
    listener.loop_stop()
    assert got[0] == ("studio/header", HEADER)
    assert [item["frame"] for topic, item in got[1:]] == list(range(10))
    assert {topic for topic, _ in got[1:]} == {"studio/records"}
    assert (outlet.sent, outlet.dropped) == (10, 0)


def test_a_broker_is_told_which_camera_in_topic_and_lines(broker: int) -> None:
    listener, got = listened_to(broker)
    carrier = open_carrier(f"mqtt://127.0.0.1:{broker}/studio", "door")
    outlet = Outlet(carrier, HEADER, Events(), "door")
    show(outlet, 0, 3)
    until(lambda: len(got) == 4)
    outlet.close()
    listener.disconnect()
    listener.loop_stop()
    assert [topic for topic, _ in got] == ["studio/door/header", *["studio/door/records"] * 3]
    assert all(item["camera"] == "door" for _, item in got)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"what?\r\n\r\n", "does not take results"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ""),
        (b"", "does not take results"),
    ],
)
def test_a_receiver_that_talks_nonsense_does_not_end_the_sending(
    answer: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        asked: list[int] = []
        over = threading.Event()

        def answer_all() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    asked.append(len(connection.recv(1 << 16)))
                    connection.sendall(answer)

        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        outlet = Outlet(
            open_carrier(f"http://127.0.0.1:{server.getsockname()[1]}/"), HEADER, Events()
        )
        show(outlet, 0, 3)
        until(lambda: len(asked) >= (2 if words else 1))
        outlet.close()
        over.set()
        thread.join()
    assert outlet.sent + outlet.dropped == 3
    assert all(words in one.message and "Errno" not in one.message for one in caplog.records)
    assert bool(caplog.records) == bool(words)
