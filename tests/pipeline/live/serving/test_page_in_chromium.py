"""The page in a real browser, driven over the WebDriver protocol; skips where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.server import LiveServer
from tests.pipeline.live.serving.conftest import Feed, View

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium")
MISSING = "needs chromium and chromedriver (Debian: chromium, chromium-driver)"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
PIXELS = """
const picture = document.getElementById("picture");
if (!picture.naturalWidth) return "";
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 8;
canvas.getContext("2d").drawImage(picture, 0, 0, 8, 8);
return canvas.toDataURL();
"""
SEEN_FROM_ELSEWHERE = """
const tell = arguments[arguments.length - 1];
const address = arguments[0];
const picture = new Promise((resolve) => {
  const image = new Image();
  image.onload = () => resolve("shown");
  image.onerror = () => resolve("refused");
  image.src = address + "picture.jpg";
});
const records = new Promise((resolve) => {
  const source = new EventSource(address + "records");
  source.onmessage = () => resolve("read");
  source.onerror = () => resolve("refused");
});
const figures = fetch(address + "status.json", {mode: "no-cors"})
  .then((answer) => answer.text()).then((text) => text || "refused", () => "refused");
Promise.all([picture, records, figures]).then(tell);
"""
LOADED = "return performance.getEntriesByType('resource').map((entry) => entry.name);"

pytestmark = pytest.mark.skipif(not (DRIVER and BROWSER), reason=MISSING)


def descendants(process: int) -> list[int]:
    """Return the ids of all processes below one; none where there is no /proc."""
    path = Path(f"/proc/{process}/task/{process}/children")
    children = path.read_text().split() if path.exists() else []
    return [number for child in children for number in (int(child), *descendants(int(child)))]


class Browser:
    """A headless browser of its own process."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        self._driver = subprocess.Popen(
            [str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        options = {"binary": BROWSER, "args": ARGUMENTS}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options}}
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = self._post("/session", {"capabilities": capabilities})
                break
            except (urllib.error.URLError, TimeoutError):
                if time.monotonic() > deadline:
                    self._kill()
                    raise
                time.sleep(0.1)
        self._session = f"/session/{answer['sessionId']}"

    def open(self, address: str) -> None:
        self._post(f"{self._session}/url", {"url": address})

    def run(self, script: str) -> Any:
        return self._post(f"{self._session}/execute/sync", {"script": script, "args": []})

    def run_async(self, script: str, *arguments: Any) -> Any:
        body = {"script": script, "args": arguments}
        return self._post(f"{self._session}/execute/async", body)

    def send_signal(self, number: Any) -> None:
        """Send a signal to every process of the browser, not to its driver."""
        for process in descendants(self._driver.pid):
            os.kill(process, number)

    def text(self, element: str) -> str:
        return self.run(f"return document.getElementById('{element}').innerText")

    def close(self) -> None:
        try:
            request = urllib.request.Request(self._address + self._session, method="DELETE")
            urllib.request.urlopen(request, timeout=20).close()
        finally:
            self._kill()

    def _kill(self) -> None:
        left = descendants(self._driver.pid)
        self._driver.kill()
        self._driver.wait()
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(self._address + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A headless browser."""
    opened = Browser()
    yield opened
    opened.close()


def test_the_picture_moves_and_the_counters_change(
    view: Callable[..., View],
    feed: Callable[..., Feed],
    browser: Browser,
    wait_for: Callable[..., None],
) -> None:
    shown = view(token="secret")
    feed(shown, 0.05)
    browser.open(shown.server.address)
    wait_for(lambda: browser.run(PIXELS), 30)
    wait_for(lambda: "processed" in browser.text("frames"), 30)
    first_picture, first_count = browser.run(PIXELS), browser.text("frames")
    wait_for(lambda: browser.run(PIXELS) != first_picture, 30)
    wait_for(lambda: browser.text("frames") != first_count, 30)
    assert "95 % within\t40 ms" in browser.text("latency")
    assert "dropped: newer frame" in browser.text("frames")
    assert "7" in browser.text("people")
    assert browser.text("stages").split() == ["detect", "50", "%"]
    own = f"http://127.0.0.1:{shown.port}/"
    assert all(name.startswith(own) for name in browser.run(LOADED))
    shown.server.stop()
    wait_for(lambda: browser.text("state") in ("the run is over", "not connected"), 30)


def test_with_a_wrong_token_there_is_no_page(view: Callable[..., View], browser: Browser) -> None:
    shown = view(token="secret")
    browser.open(f"http://127.0.0.1:{shown.port}/?token=guess")
    assert browser.run("return document.getElementById('picture')") is None
    assert "a token is needed" in browser.run("return document.body.innerText")


@pytest.fixture
def page_elsewhere() -> Iterator[str]:
    """The address of an empty page that another server serves."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title>")

        def log_message(self, *arguments: Any) -> None:
            return

    # a browser keeps connections open in advance, which would hold up a server of one thread
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_of_another_origin_sees_nothing(
    view: Callable[..., View], feed: Callable[..., Feed], browser: Browser, page_elsewhere: str
) -> None:
    shown = view()
    feed(shown, 0.05)
    address = f"http://127.0.0.1:{shown.port}/"
    browser.open(page_elsewhere)
    assert browser.run_async(SEEN_FROM_ELSEWHERE, address) == ["refused"] * 3
    browser.open(address)
    assert browser.run_async(SEEN_FROM_ELSEWHERE, address)[:2] == ["shown", "read"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_a_browser_that_stands_still_holds_nobody_up(
    view: Callable[..., View],
    feed: Callable[..., Feed],
    browser: Browser,
    wait_for: Callable[..., None],
) -> None:
    shown = view(size=(240, 320), noise=True)
    feeding = feed(shown)
    browser.open(shown.server.address)
    wait_for(lambda: browser.run(PIXELS), 30)
    browser.send_signal(signal.SIGSTOP)
    before = feeding.count
    wait_for(lambda: feeding.count >= before + 100, 30)
    browser.send_signal(signal.SIGCONT)
    assert feeding.slowest_s < 0.5, "handing over never waits for a viewer"
    now = browser.text("frames")
    wait_for(lambda: browser.text("frames") != now, 30)


def test_who_comes_when_the_source_is_gone_sees_the_last_picture_grey_and_for_how_long(
    view: Callable[..., View], browser: Browser, wait_for: Callable[..., None]
) -> None:
    shown = view()
    shown.show(3)
    shown.changed = {"source_state": "lost", "last_result_age_s": 42.3, "people": 0, "ids": []}
    browser.open(f"http://127.0.0.1:{shown.port}/")
    deadline = time.monotonic() + 10
    words = ""
    while "42 s" not in words and time.monotonic() < deadline:
        words = browser.run("return document.getElementById('gone').textContent")
        time.sleep(0.1)
    assert words == "no picture from the source for 42 s"
    style = "return getComputedStyle(document.getElementById('picture')).filter"
    assert "grayscale" in browser.run(style)
    wait_for(lambda: browser.run(PIXELS), 30)
    assert "in the picture\t0" in browser.text("people")


def test_the_page_says_that_networks_load_and_shows_the_picture_once_there_is_one(
    view: Callable[..., View],
    feed: Callable[..., Feed],
    browser: Browser,
    wait_for: Callable[..., None],
) -> None:
    shown = view()
    shown.server.stop()
    shown.hub = ViewHub(most_fps=100)
    server = LiveServer([shown.hub])
    try:
        browser.open(server.address)
        wait_for(lambda: browser.text("gone") == "the networks are loading", 30)
        shown.hub.begin(shown.header, shown.events, shown.figures)
        feeding = feed(shown, 0.05)
        wait_for(lambda: browser.run(PIXELS), 30)
        wait_for(lambda: browser.text("gone") == "", 30)
        feeding.stop()
    finally:
        server.stop()


TILES = """
return Object.fromEntries([...document.querySelectorAll(".tile")].map((tile) => [tile.id,
  [tile.querySelector("img").naturalWidth, tile.querySelector(".said").textContent]]));
"""


FIGURES = "return document.querySelector('#door .figures').textContent"


def test_the_wall_shows_a_tile_of_each_camera_that_leads_to_its_page(
    view: Callable[..., View],
    feed: Callable[..., Feed],
    browser: Browser,
    wait_for: Callable[..., None],
) -> None:
    shown = view()
    shown.server.stop()
    shown.hub = ViewHub("door", most_fps=100)
    shown.hub.begin(shown.header, shown.events, shown.figures)
    others = [ViewHub(f"camera_{number}") for number in range(8)]
    server = LiveServer([shown.hub, *others])
    try:
        feeding = feed(shown, 0.05)
        browser.open(server.address)
        wait_for(lambda: browser.run(TILES).get("door") == [64, ""], 30)
        assert browser.run(TILES)["camera_7"] == [0, "the networks are loading"]
        assert browser.text("state") == "1 of 9 cameras give pictures"
        browser.run("document.getElementById('door').click()")
        wait_for(lambda: browser.run("return location.pathname") == "/cameras/door/", 30)
        wait_for(lambda: browser.run("return document.title") == "door, rmpe live", 30)
        wait_for(lambda: browser.run(PIXELS), 30)
        browser.open(server.address)
        wait_for(lambda: browser.run(TILES).get("door") == [64, ""], 30)
        assert browser.run(FIGURES).startswith("1 person: 7,")
        feeding.stop()
    finally:
        server.stop()
    wait_for(lambda: browser.run(TILES)["door"] == [64, "the run is over"], 30)
    assert browser.run(FIGURES) == "0 people, 0 a second"
