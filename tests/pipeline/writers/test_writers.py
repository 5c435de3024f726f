"""The annotated clip and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from pipeline.writers.chunked_video import ChunkedVideoWriter
from pipeline.writers.images import ImagesWriter
from pipeline.writers.video import VideoWriter, to_i420
from rmpe.records import Frame, Poses
from rmpe.skeletons import COCO_17

NOBODY = Poses.empty(17)


def decode(path: Path) -> Any:
    """(times, pictures, stream facts) of a written clip."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        facts = (stream.codec_context.name, stream.codec_context.pix_fmt)
        frames = [
            (frame.time, frame.to_ndarray(format="bgr24")) for frame in container.decode(stream)
        ]
    return [time for time, _ in frames], [image for _, image in frames], facts


def write(
    path: Path, frames: list[Frame], complete: bool = True, poses: Poses = NOBODY, **options: Any
) -> None:
    writer = VideoWriter(path, COCO_17, 25.0, **options)
    for frame in frames:
        writer.write(frame, poses)
    writer.close(complete)


def flat(index: int, time_s: float, level: int, size: tuple[int, int] = (36, 64)) -> Frame:
    return Frame(index, time_s, np.full((*size, 3), level, np.uint8))


def test_the_clip_is_h264_with_the_times_of_the_frames_from_zero(tmp_path: Path) -> None:
    times = [10.0, 10.04, 10.1, 11.7]
    frames = [flat(i, time_s, 50 + 40 * i) for i, time_s in enumerate(times)]
    write(tmp_path / "a.mp4", frames)
    got, images, facts = decode(tmp_path / "a.mp4")
    assert facts == ("h264", "yuv420p")
    np.testing.assert_allclose(got, [0, 0.04, 0.1, 1.7], atol=1e-4)
    for frame, image in zip(frames, images):
        assert abs(float(image.mean()) - float(frame.image_bgr.mean())) < 4


@pytest.mark.parametrize(
    ("size", "padded"), [((1, 1), (2, 2)), ((35, 53), (36, 54)), ((36, 53), (36, 54))]
)
def test_odd_sides_get_one_more_row_or_column(
    tmp_path: Path, size: tuple[int, int], padded: tuple[int, int]
) -> None:
    write(tmp_path / "odd.mp4", [flat(i, i / 25, 120, size) for i in range(3)])
    _, images, _ = decode(tmp_path / "odd.mp4")
    assert [image.shape[:2] for image in images] == [padded] * 3
    assert all(abs(float(image.mean()) - 120) < 4 for image in images)


def test_times_that_do_not_grow_are_moved_by_a_tick_and_no_frame_is_lost(tmp_path: Path) -> None:
    write(tmp_path / "same.mp4", [flat(i, 0.0, 60) for i in range(5)])
    times, images, _ = decode(tmp_path / "same.mp4")
    assert len(images) == 5
    assert times == sorted(set(times))


def test_a_broken_off_run_leaves_a_playable_file_with_all_frames(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [flat(i, i / 25, 60) for i in range(7)], complete=False)
    assert len(decode(tmp_path / "a.mp4")[1]) == 7


def test_frames_of_another_size_are_scaled_to_the_first(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [flat(0, 0, 60), flat(1, 0.04, 90, (72, 128))])
    assert [image.shape for image in decode(tmp_path / "a.mp4")[1]] == [(36, 64, 3)] * 2


def test_no_frame_no_file_and_closing_twice(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "none.mp4", COCO_17)
    writer.close(True)
    writer.close(True)
    assert not (tmp_path / "none.mp4").exists()


def test_an_unwritable_place_is_an_os_error(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "missing" / "a.mp4", COCO_17)
    with pytest.raises(OSError, match="No such file"):
        writer.write(flat(0, 0.0, 1), NOBODY)
    writer.close(False)


def test_people_are_drawn_and_the_frame_stays_as_it_was(tmp_path: Path) -> None:
    points = np.linspace(10, 30, 34).reshape(1, 17, 2)
    poses = Poses([[5, 5, 60, 33]], [1], points, np.ones((1, 17)), [1], [4])
    frame = flat(0, 0.0, 0)
    write(tmp_path / "a.mp4", [frame] * 2, poses=poses)
    assert frame.image_bgr.max() == 0
    assert decode(tmp_path / "a.mp4")[1][0].max() > 150


def test_colours_survive_the_way_through_the_encoder(tmp_path: Path) -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :32], image[:, 32:64], image[:, 64:] = (200, 40, 40), (40, 200, 40), (40, 40, 200)
    write(tmp_path / "c.mp4", [Frame(i, i / 25, image) for i in range(3)], quality=5)
    got = decode(tmp_path / "c.mp4")[1][0]
    for left, colour in [(0, (200, 40, 40)), (32, (40, 200, 40)), (64, (40, 40, 200))]:
        np.testing.assert_allclose(got[8:-8, left + 8 : left + 24].mean((0, 1)), colour, atol=8)


def test_i420_of_white_is_235_and_128() -> None:
    planes = to_i420(np.full((3, 5, 3), 255, np.uint8), 6, 4)
    assert planes.shape == (6, 6)
    assert set(np.unique(planes[:4])) == {235}
    assert set(np.unique(planes[4:])) == {128}


def test_pictures_are_written_under_their_names(tmp_path: Path) -> None:
    writer = ImagesWriter(tmp_path / "out", ["a.png", "/abs/b.png", "sub/c.png"], COCO_17)
    for index in range(3):
        writer.write(flat(index, 0.0, 30 * index), NOBODY)
    writer.close(True)
    for name, level in [("a.png", 0), ("abs/b.png", 30), ("sub/c.png", 60)]:
        assert cv2.imread(str(tmp_path / "out" / name)).mean() == level


def test_a_picture_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    writer = ImagesWriter(tmp_path, ["a.png"], COCO_17)
    with pytest.raises(OSError, match=r"a\.png cannot be written"):
        writer.write(flat(0, 0.0, 0), NOBODY)


def piecewise(path: Path, section: int, **settings: Any) -> ChunkedVideoWriter:
    def open_video(piece: Path, size: tuple[int, int]) -> VideoWriter:
        return VideoWriter(piece, COCO_17, 25.0, size=size)

    return ChunkedVideoWriter(path, path.parent / "pieces", section, open_video, **settings)


def test_pieces_are_joined_with_every_frame_at_its_time(tmp_path: Path) -> None:
    frames = [flat(i, 7.01 + i / 30 + (i == 9) * 0.01, 20 * i, (35, 53)) for i in range(10)]
    writer = piecewise(tmp_path / "a.mp4", 4)
    for frame in frames:
        writer.write(frame, NOBODY)
    writer.close(True)
    times, images, facts = decode(tmp_path / "a.mp4")
    assert facts == ("h264", "yuv420p")
    np.testing.assert_allclose(times, [f.timestamp_s - 7.01 for f in frames], atol=1e-4)
    assert all(abs(float(i.mean()) - float(f.image_bgr.mean())) < 4 for f, i in zip(frames, images))
    assert len(list((tmp_path / "pieces").iterdir())) == 3

    again = piecewise(tmp_path / "b.mp4", 4, done=8, first_time_s=7.01)
    assert len(list((tmp_path / "pieces").iterdir())) == 2
    for frame in frames[8:]:
        again.write(frame, NOBODY)
    again.close(True)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "a.mp4").read_bytes()


def test_pieces_that_are_gone_are_an_error_and_no_frames_make_no_clip(tmp_path: Path) -> None:
    piecewise(tmp_path / "a.mp4", 4).close(True)
    assert not (tmp_path / "a.mp4").exists()
    with pytest.raises(OSError, match="does not hold the clip's first 8 frames"):
        piecewise(tmp_path / "a.mp4", 4, done=8)


def test_a_later_piece_keeps_the_size_of_the_clip(tmp_path: Path) -> None:
    writer = piecewise(tmp_path / "a.mp4", 2)
    for index in range(4):
        writer.write(flat(index, index / 25, 60, (36, 64) if index < 2 else (72, 128)), NOBODY)
    writer.close(True)
    assert [image.shape for image in decode(tmp_path / "a.mp4")[1]] == [(36, 64, 3)] * 4
