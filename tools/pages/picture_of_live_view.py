"""Take the picture of docs/live.md: the browser view of a synthetic scene, in headless Chromium.

    python tools/pages/picture_of_live_view.py [--fps 15] [--seconds 25] [--output FILE]

The example clip is sent as MJPEG by a process of its own, the compact preset runs on it, and after
most of the time the page is photographed. Needs chromium and chromedriver; take it on a quiet
machine, the figures are in the picture.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from pipeline.live.capture.reader import LiveReader
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.server import LiveServer
from pipeline.live.session import LiveOptions, LiveSession, warm_up
from pipeline.stages.track import build_tracker
from rmpe.estimator import PoseEstimator
from rmpe.formats import ClipHeader
from rmpe.runtimes import limit_threads

ROOT = Path(__file__).parents[2]
SENDER = ROOT / "benchmarks/live/bench_live.py"
WINDOW = "1200,760"


class Browser:
    """Headless Chromium, driven over the WebDriver protocol."""

    def __init__(self) -> None:
        driver, browser = shutil.which("chromedriver"), shutil.which("chromium")
        if not (driver and browser):
            raise click.ClickException("chromium and chromedriver are needed")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}/session"
        self._driver = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={WINDOW}"]
        options = {"binary": browser, "args": [*arguments, "--hide-scrollbars"]}
        # The picture never ends, so nobody may wait until the page is loaded.
        match = {"goog:chromeOptions": options, "pageLoadStrategy": "none"}
        wanted = {"capabilities": {"alwaysMatch": match}}
        while True:
            try:
                session = self._ask("", wanted)["sessionId"]
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        self._address += f"/{session}"

    def open(self, address: str) -> None:
        """Load a page."""
        self._ask("/url", {"url": address})

    def photograph(self) -> bytes:
        """Return what is seen, as PNG."""
        return base64.b64decode(self._ask("/screenshot"))

    def close(self) -> None:
        """End the browser and its driver."""
        urllib.request.urlopen(urllib.request.Request(self._address, method="DELETE")).close()
        self._driver.terminate()
        self._driver.wait()

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self._address + path, data)) as answer:
            return json.load(answer)["value"]


@click.command()
@click.option("--fps", default=15.0, help="Rate of the stream.")
@click.option("--seconds", default=25.0, help="Length of the stream; the last but three counts.")
@click.option("--output", default=ROOT / "docs/images/live_view.jpg", type=Path)
def main(fps: float, seconds: float, output: Path) -> None:
    """Run, look, and write the picture."""
    estimator = PoseEstimator.from_preset("compact", threads=limit_threads().openvino)
    browser = Browser()
    command = [sys.executable, str(SENDER), "--sender", "http"]
    command += ["--fps", str(fps), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        reader = LiveReader(f"http://127.0.0.1:{int(sender.stdout.readline())}/")
        warm_up(estimator, reader.info.width, reader.info.height)
        header = ClipHeader(estimator.skeleton, "crossing", reader.info.width, reader.info.height)
        session = LiveSession(reader, estimator, LiveOptions(), build_tracker())
        hub = ViewHub()
        hub.begin(header, reader.events, session.page_status)
        server = LiveServer([hub])
        browser.open(server.address)
        pictures: list[bytes] = []
        look = threading.Timer(seconds - 3, lambda: pictures.append(browser.photograph()))
        look.start()
        summary = session.run([hub])
        look.join()
        server.stop()
    browser.close()
    image = cv2.imdecode(np.frombuffer(pictures[0], np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    cv2.imwrite(str(output), image, [cv2.IMWRITE_JPEG_QUALITY, 88])
    click.echo(f"{output}: {image.shape[1]}x{image.shape[0]}, {summary.status.line()}")


if __name__ == "__main__":
    main()
