"""Reading clips written from a formula: times, rotation, odd and extreme sizes, damage, spans."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from _pytest.monkeypatch import MonkeyPatch
from numpy import ndarray

from pipeline.readers._timing import FrameClock
from pipeline.readers.span import Span
from pipeline.readers.video import VideoReader
from rmpe.records import Frame

TICKS = 90_000


def write_clip(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[float],
    *,
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    options: Any = None,
    turn: int = 0,
) -> Path:
    """Encode ``pictures`` (BGR) at ``times`` (seconds) almost without loss."""
    height, width = pictures[0].shape[:2]
    options = {"qp": "1", "preset": "ultrafast", **(options or {})} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = (
            Fraction(1, TICKS) if codec == "libx264" else Fraction(1, 25)
        )
        if turn:
            stream.set_display_rotation(turn)
        for picture, time_s in zip(pictures, times):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pix_fmt)
            base = stream.codec_context.time_base
            frame.pts, frame.time_base = round(time_s / base), base
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def grey_levels(count: int, size: tuple[int, int] = (32, 48)) -> list[ndarray]:
    """Pictures of one grey each: 20, 24, 28 ..."""
    return [np.full((*size, 3), 20 + 4 * index, np.uint8) for index in range(count)]


def level_of(frame: Frame) -> int:
    """The index of the picture that a frame of :func:`grey_levels` shows."""
    return round((float(frame.image_bgr.mean()) - 18) / 4)  # the codec darkens by up to 3


def read(path: Path, span: Span | None = None) -> tuple[list[Frame], VideoReader]:
    """All frames and the reader."""
    reader = VideoReader(path, span)
    frames = list(reader)
    reader.close()
    return frames, reader


def test_a_clip_of_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.1, 0.5, 0.52, 1.7]
    frames, reader = read(write_clip(tmp_path / "vfr.mp4", grey_levels(6), times))
    np.testing.assert_allclose([frame.timestamp_s for frame in frames], times, atol=1e-4)
    assert [frame.index for frame in frames] == list(range(6))
    assert [level_of(frame) for frame in frames] == list(range(6))
    assert (reader.info.width, reader.info.height) == (48, 32)
    assert reader.report.frames == 6
    assert reader.report.error_count == 0
    assert reader.report.warnings == []


def test_colours_are_blue_green_red(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:] = (200, 60, 30)
    frames, _ = read(write_clip(tmp_path / "c.mp4", [picture] * 2, [0, 0.04]))
    assert frames[0].image_bgr.dtype == np.uint8
    np.testing.assert_allclose(frames[0].image_bgr.mean((0, 1)), (200, 60, 30), atol=6)


# The display matrix turns the stored picture; the frame must come out as a viewer sees it.
@pytest.mark.parametrize(
    ("turn", "corner"), [(0, (0, 0)), (90, (-1, 0)), (180, (-1, -1)), (-90, (0, -1))]
)
def test_rotation_metadata_turns_the_picture_upright(
    tmp_path: Path, turn: int, corner: tuple[int, int]
) -> None:
    picture = np.full((32, 48, 3), 40, np.uint8)
    picture[:12, :12] = 240  # bright top-left corner
    frames, reader = read(write_clip(tmp_path / "t.mp4", [picture] * 2, [0, 0.04], turn=turn))
    image = frames[0].image_bgr
    expected = (48, 32) if turn in (90, -90) else (32, 48)
    assert image.shape[:2] == expected
    assert (reader.info.height, reader.info.width) == expected
    rows = slice(None, 8) if corner[0] == 0 else slice(-8, None)
    columns = slice(None, 8) if corner[1] == 0 else slice(-8, None)
    assert image[rows, columns].mean() > 200
    assert image.mean() < 100


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "suffix", "size"),
    [
        ("yuv444p", "libx264", "mp4", (35, 53)),  # odd sides
        ("yuv444p", "libx264", "mp4", (1, 1)),
        ("gray", "libx264", "mp4", (32, 48)),
        ("yuv420p10le", "libx264", "mp4", (32, 48)),
        ("yuv420p", "libx264", "mp4", (2160, 3840)),
        ("bgr0", "ffv1", "mkv", (32, 48)),
        ("yuvj420p", "mjpeg", "avi", (32, 48)),
    ],
)
def test_odd_sizes_extreme_sizes_grey_and_ten_bit(
    tmp_path: Path, pix_fmt: str, codec: str, suffix: str, size: tuple[int, int]
) -> None:
    path = tmp_path / f"clip.{suffix}"
    clip = write_clip(path, grey_levels(3, size), [0, 0.04, 0.08], pix_fmt=pix_fmt, codec=codec)
    frames, _ = read(clip)
    assert [frame.image_bgr.shape for frame in frames] == [(*size, 3)] * 3
    for frame in frames:
        level = 20.0 + 4 * frame.index
        if pix_fmt == "gray":  # stored as it is and read as 16..235, as H.264 means it
            level = (level - 16) * 255 / 219
        assert abs(float(frame.image_bgr.mean()) - level) < 3
    np.testing.assert_allclose([frame.timestamp_s for frame in frames], [0, 0.04, 0.08], atol=1e-4)


def test_frames_moved_by_the_decoder_get_times_in_order_from_avi(tmp_path: Path) -> None:
    # AVI stores no presentation times; with B-frames the chunks come in another order.
    options = {"bf": "3", "b_adapt": "0", "qp": "10", "preset": "medium"}
    levels, times = grey_levels(20), [index / 25 for index in range(20)]
    frames, _ = read(write_clip(tmp_path / "b.avi", levels, times, options=options))
    assert [level_of(frame) for frame in frames] == list(range(20))
    steps = np.diff([frame.timestamp_s for frame in frames])
    np.testing.assert_allclose(steps, 1 / 25, atol=1e-4)
    assert frames[0].timestamp_s == pytest.approx(0, abs=1e-6)


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    """50 frames at 25 a second, a keyframe every 10, B-frames between."""
    options = {"g": "10", "bf": "2", "b_adapt": "0", "preset": "medium", "qp": "10"}
    times = [index / 25 for index in range(50)]
    return write_clip(tmp_path / "long.mp4", grey_levels(50), times, options=options)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(start_s=0.99), list(range(25, 50))),
        (Span(start_s=1.0, end_s=1.2), list(range(25, 30))),
        (Span(end_s=0.2), list(range(5))),
        (Span(stride=7), list(range(0, 50, 7))),
        (Span(start_s=0.5, end_s=1.5, stride=10), [13, 23, 33]),
        (Span(start_s=1.96), [49]),
    ],
)
def test_a_span_gives_the_same_frames_as_the_whole_clip(
    long_clip: Path, span: Any, expected: Any
) -> None:
    whole = {frame.index: frame for frame in read(long_clip)[0]}
    frames, _ = read(long_clip, span)
    assert [frame.index for frame in frames] == expected
    for frame in frames:
        assert frame.timestamp_s == pytest.approx(whole[frame.index].timestamp_s)
        np.testing.assert_array_equal(frame.image_bgr, whole[frame.index].image_bgr)


def decoded_by(reader: VideoReader, monkeypatch: MonkeyPatch) -> Any:
    """The frames of a reader, and how many pictures it decoded for them."""
    count = [0]
    time_of = FrameClock.time_of

    def counting(clock: Any, frame: Frame) -> float:
        count[0] += 1
        return time_of(clock, frame)

    with monkeypatch.context() as patch:
        patch.setattr(FrameClock, "time_of", counting)
        return list(reader), count[0]


@pytest.mark.parametrize("name", ["open.mp4", "shut.mp4", "shut.mkv", "open.ts", "open.avi"])
@pytest.mark.parametrize("span", [Span(), Span(start_s=0.3, stride=2)])
def test_a_later_part_is_decoded_from_its_keyframe_and_has_the_frames_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, span: Any
) -> None:
    # In open groups, frames shown before a keyframe may look at it and at what came before.
    options = {"g": "10", "bf": "2", "b_adapt": "0", "preset": "medium", "qp": "10"}
    options |= {"x264-params": f"open-gop={int(name.startswith('open'))}:scenecut=0"}
    times = [index / 25 for index in range(50)]
    path = write_clip(tmp_path / name, grey_levels(50), times, options=options)
    whole, _ = read(path, span)
    can_seek = name.endswith(("mp4", "mkv"))
    for first in (1, 8, 9, 11, 17):
        for skip, end in ((0, None), (2, first + 5)):
            reader = VideoReader(path, span, first=first, skip=skip, end=end)
            frames, decoded = decoded_by(reader, monkeypatch)
            reader.close()
            expected = whole[first + skip : end]
            assert [f.index for f in frames] == [f.index for f in expected]
            assert [f.timestamp_s for f in frames] == [f.timestamp_s for f in expected]
            for got, wanted in zip(frames, expected):
                np.testing.assert_array_equal(got.image_bgr, wanted.image_bgr)
            last = whole[end].index if end is not None and end < len(whole) else 49
            since_keyframe = last - whole[first].index + 12
            assert decoded <= since_keyframe or not can_seek or whole[first].index < 20
            assert reader.report.error_count == 0


def test_the_number_of_frames_to_expect_follows_the_span(long_clip: Path) -> None:
    assert VideoReader(long_clip).info.frames_expected == 50
    assert VideoReader(long_clip, Span(1.0, 1.8, 2)).info.frames_expected == 10


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({"start_s": -1}, "start is -1"),
        ({"start_s": 2, "end_s": 2}, "end is 2"),
        ({"stride": 0}, "stride is 0"),
    ],
)
def test_an_impossible_span_is_refused(span: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Span(**span)


def test_what_is_no_video_is_refused_in_words(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no video at all\n" * 50)
    (tmp_path / "empty.mp4").touch()
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    for path, message in [
        (tmp_path / "missing.mp4", "does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "empty.mp4", "is empty"),
        (text, "cannot be opened as a video"),
        (sound, "has no video stream"),
    ]:
        with pytest.raises(OSError, match=message):
            VideoReader(path)


def test_a_cut_mp4_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    # faststart puts the index in front, so a cut file still opens
    whole = tmp_path / "whole.mp4"
    noise = np.random.default_rng(1).integers(0, 255, (12, 48, 64, 3), np.uint8)
    with av.open(str(whole), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "1", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in noise:
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    data = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 6 // 10])
    frames, reader = read(cut)
    assert 3 <= len(frames) <= 9
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert reader.report.error_count >= 1
    assert any("of 12 coded frames" in message for message in reader.report.errors)


def test_a_damaged_place_is_reported_and_reading_goes_on(tmp_path: Path) -> None:
    clip = write_clip(
        tmp_path / "d.ts",
        grey_levels(30, (64, 64)),
        [i / 25 for i in range(30)],
        options={"g": "5"},
    )
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 120] = b"\xa5" * 120
    clip.write_bytes(data)
    frames, reader = read(clip)
    assert len(frames) >= 20
    assert frames[-1].timestamp_s == pytest.approx(29 / 25, abs=0.01)
    assert reader.report.error_count >= 1
    assert len(reader.report.errors) <= 20


def test_a_cut_file_without_an_index_is_damaged(tmp_path: Path) -> None:
    times = [index / 25 for index in range(50)]
    clip = write_clip(tmp_path / "d.mkv", grey_levels(50, (64, 64)), times, options={"g": "5"})
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    frames, reader = read(clip)
    assert 10 <= len(frames) <= 40
    assert any("the file is cut" in message for message in reader.report.errors)


def test_a_header_that_counts_empty_chunks_loses_nothing(shared_dir: Path) -> None:
    # 682 chunks, every other one empty: 341 pictures 0.04 s apart
    frames, reader = read(shared_dir / "data/samples/video/plaza_1280x720.avi", Span(end_s=0.5))
    assert [frame.timestamp_s for frame in frames] == pytest.approx(np.arange(13) * 0.04)
    assert reader.report.error_count == 0


def test_colour_of_a_turned_picture_matches_opencv(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    picture = cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (64, 48))
    plain, _ = read(write_clip(tmp_path / "p.mp4", [picture] * 2, [0, 0.04]))
    turned, _ = read(write_clip(tmp_path / "t.mp4", [picture] * 2, [0, 0.04], turn=90))
    expected = cv2.rotate(plain[0].image_bgr, cv2.ROTATE_90_COUNTERCLOCKWISE)
    np.testing.assert_array_equal(turned[0].image_bgr, expected)
