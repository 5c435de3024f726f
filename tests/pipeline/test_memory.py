"""What a run holds of the machine's memory, as the machine counts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

MEGABYTES_OF_4K = 3840 * 2160 * 3 / 2**20


def peak_megabytes(repository: Path, clip: Path, folder: Path, *options: Any) -> float:
    """The most memory of a run of its own, by its summary."""
    command = [sys.executable, "cli.py", "video", str(clip), "-o", str(folder), "--quiet"]
    subprocess.run([*command, "--device", "cpu", *options], cwd=repository, check=True)
    return json.loads((folder / "summary.json").read_text())["peak_memory_mb"]


@pytest.mark.slow
def test_the_example_clip_takes_less_than_450_megabytes(repository: Path, tmp_path: Path) -> None:
    clip = repository / "examples/crossing.mp4"
    assert peak_megabytes(repository, clip, tmp_path / "out", "--end", "2.4") < 450


@pytest.mark.slow
def test_a_large_picture_counts_a_few_times_not_once_for_every_queue(
    repository: Path, tmp_path: Path
) -> None:
    small = repository / "examples/crossing.mp4"
    large = tmp_path / "large.mp4"
    enlarge(small, large, frames=20)
    most = peak_megabytes(repository, large, tmp_path / "large")
    least = peak_megabytes(repository, small, tmp_path / "small", "--end", "0.8")
    assert most - least < 20 * MEGABYTES_OF_4K


def enlarge(source: Path, target: Path, frames: Any) -> None:
    """Write the first frames of a clip at four times the size, 3840x2160."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as large:
        stream = large.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 3840, 2160, "yuv420p"
        for frame, _ in zip(clip.decode(video=0), range(frames)):
            picture = cv2.resize(frame.to_ndarray(format="bgr24"), (3840, 2160))
            picture = np.ascontiguousarray(picture)
            large.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        large.mux(stream.encode(None))
