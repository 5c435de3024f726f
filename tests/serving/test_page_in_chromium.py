"""The page in a real browser, driven over the WebDriver protocol; skips where there is none."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

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
LOADED = "return performance.getEntriesByType('resource').map((entry) => entry.name);"

pytestmark = pytest.mark.skipif(not (DRIVER and BROWSER), reason=MISSING)


class Browser:
    """A headless browser of its own process."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        self._driver = subprocess.Popen(
            [DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        options = {"binary": BROWSER, "args": ARGUMENTS}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options}}
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = self._post("/session", {"capabilities": capabilities})
                break
            except urllib.error.URLError:
                if time.monotonic() > deadline:
                    self._driver.kill()
                    self._driver.wait()
                    raise
                time.sleep(0.1)
        self._session = f"/session/{answer['sessionId']}"

    def open(self, address):
        self._post(f"{self._session}/url", {"url": address})

    def run(self, script):
        return self._post(f"{self._session}/execute/sync", {"script": script, "args": []})

    def text(self, element):
        return self.run(f"return document.getElementById('{element}').innerText")

    def close(self):
        try:
            request = urllib.request.Request(self._address + self._session, method="DELETE")
            urllib.request.urlopen(request, timeout=20).close()
        finally:
            self._driver.terminate()
            self._driver.wait(10)

    def _post(self, path, body):
        request = urllib.request.Request(self._address + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]


@pytest.fixture
def browser():
    """A headless browser."""
    opened = Browser()
    yield opened
    opened.close()


def test_the_picture_moves_and_the_counters_change(view, feed, browser, wait_for):
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


def test_with_a_wrong_token_there_is_no_page(view, browser):
    shown = view(token="secret")
    browser.open(f"http://127.0.0.1:{shown.port}/?token=guess")
    assert browser.run("return document.getElementById('picture')") is None
    assert "a token is needed" in browser.run("return document.body.innerText")
