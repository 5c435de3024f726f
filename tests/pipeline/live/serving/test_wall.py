"""Several cameras behind one server: all of them together, and each alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.server import LiveServer
from tests.pipeline.live.serving.conftest import View


@pytest.fixture
def wall(view: Callable[..., View]) -> Any:
    """Two cameras, ``door`` and ``hall``, behind one server; the second has not begun."""
    door: Any = view()
    door.server.stop()
    first, second = ViewHub("door", most_fps=100), ViewHub("hall", most_fps=100)
    begin(first, door)
    door.hub = first
    door.second = second
    door.server = LiveServer([first, second])
    door.port = door.server.port
    return door


def begin(hub: ViewHub, shown: Any) -> None:
    hub.begin(shown.header, shown.events, shown.figures)


def body(shown: Any, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection, response = shown.open(path, headers)
    text = response.read()
    connection.close()
    return response.status, text


def pixel(jpeg: bytes) -> int:
    return int(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[-1, -1, 0])


def test_each_camera_alone_has_what_a_single_one_has(wall: Any) -> None:
    wall.show(0)
    for path in ("", "picture.jpg", "status.json", "healthz", "metrics", "favicon.svg"):
        assert wall.status(f"/cameras/door/{path}") == 200, path
    assert wall.status("/cameras/attic/") == 404
    text = body(wall, "/cameras/door/status.json")[1]
    assert json.loads(text)["camera"] == "door"


def test_health_is_that_of_all_and_says_whose_it_is_not(wall: Any) -> None:
    wall.show(0)
    status, text = body(wall, "/healthz")
    assert status == 503
    states = json.loads(text)["cameras"]
    assert states["door"]["ready"] and states["door"]["source"] == "up"
    assert states["hall"] == {"ready": False, "source": "loading", "age_s": None}
    begin(wall.second, wall)
    wall.hub, first = wall.second, wall.hub
    wall.show(1)
    wall.hub = first
    assert wall.status("/healthz") == 200


def test_metrics_name_the_camera(wall: Any) -> None:
    wall.show(0)
    text = body(wall, "/metrics")[1].decode()
    samples = {
        (sample.name, sample.labels["camera"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["rmpe_frames_processed_total", "door"] == 1
    assert samples["rmpe_source_up", "door"] == 1
    assert samples["rmpe_source_up", "hall"] == 0


def test_records_of_all_come_together_each_after_its_header(wall: Any) -> None:
    connection, response = wall.open("/records.ndjson")
    lines = [json.loads(response.readline())]
    wall.show(0)
    lines.append(json.loads(response.readline()))
    begin(wall.second, wall)
    lines.append(json.loads(response.readline()))
    wall.hub.close()
    lines.append(json.loads(response.readline()))
    wall.second.close()
    lines.append(json.loads(response.readline()))
    connection.close()
    assert [line.get("camera") for line in lines[:4]] == ["door", "door", "hall", "door"]
    assert ["schema" in line for line in lines[:3]] == [True, False, True]
    assert lines[1]["frame"] == 0
    assert lines[3] == {"camera": "door", "end": True}, "the other one goes on"
    assert {"camera": "hall", "end": True} in lines or {"end": True} in lines


def test_the_last_picture_of_a_camera_that_ended_stays_for_who_comes_later(wall: Any) -> None:
    for index in range(4):
        wall.show(index)
    wall.hub.close()
    status, jpeg = body(wall, "/cameras/door/picture.jpg?size=small")
    assert status == 200 and abs(pixel(jpeg) - 3 * 7) <= 2
    assert body(wall, "/cameras/hall/healthz")[0] == 503
    assert json.loads(body(wall, "/cameras/door/status.json")[1])["source_state"] == "ended"


def test_a_picture_asked_for_is_of_now_not_of_when_somebody_looked_last(
    view: Callable[..., View],
) -> None:
    shown = view()
    shown.show(0)
    assert abs(pixel(body(shown, "/picture.jpg")[1]) - 0) <= 2
    for index in range(1, 11):
        shown.show(index)
    assert abs(pixel(body(shown, "/picture.jpg")[1]) - 70) <= 2


def test_a_picture_for_a_phone_is_small(view: Callable[..., View]) -> None:
    shown = view(size=(720, 1280))
    shown.show(0)
    jpeg = body(shown, "/picture.jpg?size=small")[1]
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (360, 640, 3)


def test_the_token_guards_every_camera_and_leaves_its_addresses(view: Callable[..., View]) -> None:
    shown = view(token="secret")
    shown.server.stop()
    server = LiveServer([ViewHub("door"), ViewHub("hall")], token="secret")
    shown.port = server.port
    try:
        assert shown.status("/cameras/door/status.json") == 401
        assert shown.status("/cameras/door/healthz") == 503, "health asks for no token"
        connection, response = shown.open("/cameras/door/?token=secret")
        connection.close()
        assert (response.status, response.headers["location"]) == (303, "/cameras/door/")
        connection, response = shown.open("/cameras/door/")
        assert response.status == 401 and b"type=password" in response.read()
        connection.close()
    finally:
        server.stop()
