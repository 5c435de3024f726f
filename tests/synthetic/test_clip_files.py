"""Scenes written as video files."""

from __future__ import annotations

import runpy
from pathlib import Path

import av
import numpy as np
import pytest

from rmpe.synthetic import walkers_scene, write_clip


def test_the_file_holds_the_scene(tmp_path: Path) -> None:
    scene = walkers_scene(2, 160, 120, seed=1)
    write_clip(tmp_path / "clip.mp4", scene, frames=5)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 25
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(stream)]
    assert len(frames) == 5
    truth = scene.frame_at(4).image_bgr
    assert np.abs(frames[4].astype(int) - truth.astype(int)).mean() < 8.0


def test_another_frame_rate_is_kept(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", walkers_scene(0, 64, 48, seed=1), frames=3, fps=12.5)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert float(container.streams.video[0].average_rate) == 12.5


def test_odd_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="65x48"):
        write_clip(tmp_path / "clip.mp4", walkers_scene(0, 65, 48, seed=1), frames=1)


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="clip"):
        write_clip(tmp_path / "no" / "clip.mp4", walkers_scene(0, 64, 48, seed=1), frames=1)


@pytest.mark.parametrize("scene", ["crossing", "walkers", "crowd"])
def test_the_module_writes_a_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    path = tmp_path / f"{scene}.mp4"
    sizes = ["--width", "64", "--height", "48", "--seconds", "0.2", "--people", "2"]
    monkeypatch.setattr("sys.argv", ["synthetic", scene, str(path), *sizes])
    runpy.run_module("rmpe.synthetic", run_name="__main__")
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 5
