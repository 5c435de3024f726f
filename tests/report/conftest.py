"""Stored poses out of formulas, a small clip, and a browser to look at the page with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from rmpe._skeleton import Skeleton
from rmpe.formats import ClipHeader, NativeWriter
from rmpe.records import Poses
from rmpe.skeletons import COCO_17

WIDTH, HEIGHT, FPS = 320, 180, 25.0
BROWSER_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1400",
)


def make_walkers(
    index: int,
    count: int,
    skeleton: Skeleton = COCO_17,
    first_id: int = 1,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Poses:
    """Return `count` people in frame `index`: person p stands at x = 20 + 40 p + index."""
    joints = skeleton.joint_count
    people = np.arange(count)
    left = 20.0 + 40.0 * people + index
    offsets = np.stack([np.linspace(0, 20, joints), np.linspace(0, 100, joints)], -1)
    xy = offsets[None] + np.stack([left, np.full(count, 40.0)], -1)[:, None]
    scores = np.linspace(0.2, 0.95, joints)[None] * np.ones((count, 1))
    return Poses(
        boxes_xyxy=np.stack([left, np.full(count, 40.0), left + 20, np.full(count, 140.0)], -1),
        box_scores=np.full(count, 0.75),
        keypoints_xy=xy,
        keypoint_scores=scores,
        scores=np.full(count, 0.5),
        ids=people + first_id if first_id else np.zeros(count),
    )


def write_records_file(
    path: Path,
    frames: int,
    people: int = 3,
    source: str = "",
    skeleton: Skeleton = COCO_17,
    first_id: int = 1,
    fps: float = FPS,
) -> Path:
    """Write a native record of walkers and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = NativeWriter(path, ClipHeader(skeleton, source, WIDTH, HEIGHT, fps))
    for index in range(frames):
        writer.write(index, index / FPS, make_walkers(index, people, skeleton, first_id))
    writer.close()
    return path


def write_clip_file(path: Path, frames: int, codec: str = "libx264") -> Path:
    """Write a clip whose pictures are bluer from frame to frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=int(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(frames):
            image = np.full((HEIGHT, WIDTH, 3), (40, 60, (4 * index) % 256), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.fixture
def walkers() -> Callable[..., Poses]:
    """The function :func:`make_walkers`."""
    return make_walkers


@pytest.fixture
def write_records() -> Callable[..., Path]:
    """The function :func:`write_records_file`."""
    return write_records_file


@pytest.fixture
def write_clip() -> Callable[..., Path]:
    """The function :func:`write_clip_file`."""
    return write_clip_file


@pytest.fixture
def stage_times() -> dict[str, Any]:
    """Timing as ``summary.json`` has it."""
    stage = {"workers": 1, "items": 50, "cpu_s": 0.5, "wait_input_s": 0.1, "wait_output_s": 0.2}
    return {
        "wall_s": 2.0,
        "frames": 50,
        "frames_per_s": 25.0,
        "held_back_by": "detect",
        "stages": [
            {"stage": "detect", "busy_s": 1.8, **stage},
            {"stage": "estimate", "busy_s": 1.0, **stage},
        ],
    }


@pytest.fixture
def clip_records(tmp_path: Path, stage_times: dict[str, Any]) -> Path:
    """Records of 50 frames and 3 people with their clip and summary beside them."""
    write_clip_file(tmp_path / "walk.mp4", 50)
    (tmp_path / "summary.json").write_text(json.dumps({"timing": stage_times}))
    return write_records_file(tmp_path / "poses.ndjson", 50, source="walk.mp4")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium that no test has looked with yet; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium and chromedriver are not on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for switch in (*BROWSER_SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_script_timeout(30)
    yield chrome
    chrome.quit()
