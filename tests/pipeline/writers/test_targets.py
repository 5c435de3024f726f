"""A rendered output becomes what its name says, and transparency is in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from pipeline.items import PosedFrame
from pipeline.readers.base import ClipInfo
from pipeline.stored.render import at_rate
from pipeline.writers import check_target, open_target
from rmpe.drawing import DrawingStyle, FramePainter, Look
from rmpe.drawing.colours import LEFT
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton

ARM = Skeleton("arm", ("left_elbow", "left_wrist"), ((0, 1),), (0.1, 0.1))
STYLE = DrawingStyle(boxes=False, ids=False, limb_style="flat", joint_size=0, thickness=16)
POSES = Poses([[20, 40, 100, 60]], [1], [[[20.0, 50.0], [100.0, 50.0]]], [[1, 1]], [1], [1])
SIZE = (96, 128)


def _write(path: Path, background: str, frames: int = 6, names: tuple[str, ...] = ()) -> Path:
    """Render frames of a grey picture at 25 a second."""
    info = ClipInfo("walk.mp4", 128, 96, 25.0, frames, image_names=names)
    writer = open_target(path, FramePainter(ARM, Look(STYLE, background)), ARM, info)
    for index in range(frames):
        writer.write(Frame(index, index / 25, np.full((*SIZE, 3), 90, np.uint8)), POSES)
    writer.close(complete=True)
    return path


def _decoded(path: Path, decoder: str | None = None) -> list[np.ndarray]:
    """Return every picture as BGRA."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            return [frame.to_ndarray(format="bgra") for frame in container.decode(stream)]
        codec: Any = av.CodecContext.create(decoder, "r")
        frames = [f for packet in container.demux(stream) for f in codec.decode(packet)]
        return [frame.to_ndarray(format="bgra") for frame in frames]


@pytest.mark.parametrize(("name", "decoder"), [("a.webm", "libvpx-vp9"), ("a.mov", None)])
def test_alpha_is_in_the_file(tmp_path: Path, name: str, decoder: str | None) -> None:
    pictures = _decoded(_write(tmp_path / name, "transparent"), decoder)
    assert len(pictures) == 6
    for picture in pictures:
        assert picture[:30, :, 3].max() < 8 and picture[50, 30:90, 3].min() > 247
        np.testing.assert_allclose(picture[50, 60, :3].astype(int), LEFT, atol=12)


def test_a_gif_is_a_gif_and_may_be_transparent(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.gif", "transparent")
    assert path.read_bytes().startswith(b"GIF8")
    pictures = _decoded(path)
    assert len(pictures) == 6
    assert pictures[3][:30, :, 3].max() == 0 and tuple(pictures[3][50, 60]) == (*LEFT, 255)
    opaque = _decoded(_write(tmp_path / "b.gif", "original"))[0]
    assert tuple(opaque[10, 10]) == (90, 90, 90, 255)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mov"])
def test_opaque_films_show_the_picture_behind(tmp_path: Path, name: str) -> None:
    pictures = _decoded(_write(tmp_path / name, "original"))
    assert len(pictures) == 6 and (pictures[2][..., 3] == 255).all()
    np.testing.assert_allclose(pictures[2][10, 10, :3].astype(int), 90, atol=4)


def test_a_folder_gets_png_with_alpha_under_numbers_or_names(tmp_path: Path) -> None:
    folder = _write(tmp_path / "frames", "transparent", 2)
    picture = cv2.imread(str(folder / "000001.png"), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (*SIZE, 4) and picture[10, 10, 3] == 0
    assert tuple(picture[50, 60]) == (*LEFT, 255)
    named = _write(tmp_path / "named", "transparent", 2, names=("x.jpg", "y.jpg"))
    assert sorted(path.name for path in named.iterdir()) == ["x.png", "y.png"]


def test_odd_sides_get_a_row_and_a_column_more(tmp_path: Path) -> None:
    look = Look(STYLE, "transparent", width=101, height=75)
    for name, decoder in (("a.webm", "libvpx-vp9"), ("a.mov", None), ("a.gif", None)):
        info = ClipInfo("walk.mp4", 128, 96, 25.0, 1)
        writer = open_target(tmp_path / name, FramePainter(ARM, look), ARM, info)
        writer.write(Frame(0, 0.0, np.zeros((*SIZE, 3), np.uint8)), POSES)
        writer.close(complete=True)
        shape = _decoded(tmp_path / name, decoder)[0].shape
        assert shape[0] - 75 in (0, 1) and shape[1] - 101 in (0, 1)


@pytest.mark.parametrize("name", ["a.avi", "a.jpg", "a.MP5", "a.mkv"])
def test_an_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"written are \.mp4 \.webm \.mov \.gif"):
        check_target(tmp_path / name, Look())


def test_transparency_in_mp4_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MP4 holds no transparency"):
        check_target(tmp_path / "a.mp4", Look(background="transparent"))


@pytest.mark.parametrize("name", ["a:1.webm", "a 100%.mov", "ä?.gif"])
def test_odd_names_are_written(tmp_path: Path, name: str) -> None:
    assert _write(tmp_path / name, "original", 2).stat().st_size > 0


def test_a_writer_without_frames_leaves_no_torn_file(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.webm", "a.gif"):
        _write(tmp_path / name, "original", 0)
        assert not (tmp_path / name).exists()


def test_frames_at_a_rate_are_the_latest_that_have_come() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    times = [1.0, 1.1, 1.5, 1.6]
    frames = [PosedFrame(Frame(i, t, picture), POSES) for i, t in enumerate(times)]
    asked = {0.0: "1.0 1.1 1.5 1.6", 10.0: "1.0 1.1 1.1 1.1 1.1 1.5 1.6", 5.0: "1.0 1.1 1.1 1.6"}
    shown = {10.0: [0, 1, 1, 1, 1, 2, 3], 5.0: [0, 1, 1, 3]}
    assert [f.frame.timestamp_s for f in at_rate(iter(frames), 0.0)] == times
    for rate, places in shown.items():
        result = list(at_rate(iter(frames), rate))
        assert len(result) == len(asked[rate].split())
        np.testing.assert_allclose(
            [f.frame.timestamp_s for f in result], 1.0 + np.arange(len(places)) / rate
        )
