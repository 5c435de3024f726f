"""Which stream of a file is its film, and what its container says of times."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from pipeline.live.capture import parse_source
from pipeline.live.capture.address import CaptureSettings
from pipeline.live.capture.stream import StreamCapture
from pipeline.readers import Span, VideoReader
from pipeline.readers.frames import open_clip
from rmpe.pictures import film_of
from tests.helpers.odd_clips import four_corners, quarters, write_clip


def write_streams(
    path: Path, widths: Sequence[int], marked: int | None = None, count: int = 12
) -> Path:
    """Write a clip of several video streams, told apart by their level of grey, and return it."""
    with av.open(str(path), "w", options={"default_mode": "passthrough"}) as output:
        streams = [output.add_stream("libx264", rate=25) for _ in widths]
        for number, (stream, width) in enumerate(zip(streams, widths, strict=True)):
            stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
            stream.options = {"g": "5"}
            stream.disposition = Disposition.default if number == marked else Disposition(0)
        for _ in range(count):
            for number, stream in enumerate(streams):
                picture = four_corners(stream.width, level=10 * number)
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        for stream in streams:
            output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("start_s", [0.0, 0.3])
@pytest.mark.parametrize(
    ("widths", "marked", "taken"), [((64, 320), None, 1), ((64, 320), 0, 0), ((64, 64), 1, 1)]
)
def test_of_several_video_streams_the_one_that_ffmpeg_takes_is_read(
    tmp_path: Path, widths: tuple[int, int], marked: int | None, taken: int, start_s: float
) -> None:
    clip = write_streams(tmp_path / "a.mkv", widths, marked)
    reader = VideoReader(clip, Span(start_s))
    frames = list(reader)
    assert reader.info.width == widths[taken]
    assert frames[0].index == round(start_s * 25 + 0.49)
    assert quarters(frames[0].image_bgr)[0][0] == 40 + 10 * taken
    assert reader.report.warnings == [
        f"it holds 2 video streams: number {taken}, {widths[taken]}x48, is read"
    ]
    live = StreamCapture(parse_source(str(clip)), CaptureSettings())
    assert live.width == widths[taken]
    live.close()


def test_the_cover_of_a_sound_file_is_no_film(tmp_path: Path) -> None:
    sound = write_clip(tmp_path / "a.mp4", [four_corners()], sound_s=0.5)
    song = tmp_path / "song.m4a"
    with av.open(str(sound)) as source, av.open(str(song), "w", format="mp4") as output:
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        track = output.add_stream_from_template(source.streams.audio[0])
        output.mux(cover.encode(av.VideoFrame.from_ndarray(four_corners(), format="bgr24")))
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = track
                output.mux(packet)
        output.mux(cover.encode(None))
    with av.open(str(song)) as container:
        assert len(container.streams.video) == 1 and film_of(container) is None
    with pytest.raises(OSError, match=r"song\.m4a has no video stream, only a cover picture"):
        VideoReader(song)


def test_a_tape_of_raw_dv_has_the_rate_of_its_headers(tmp_path: Path) -> None:
    path = tmp_path / "a.dv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("dvvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        for _ in range(3):
            picture = np.full((576, 720, 3), 90, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))
    reader = VideoReader(path)
    assert [frame.timestamp_s for frame in reader] == pytest.approx([0, 0.04, 0.08])
    assert reader.info.fps == 25


def test_times_that_stand_still_are_told(tmp_path: Path) -> None:
    moving = write_clip(tmp_path / "a.mkv", [four_corners()] * 6)
    still = tmp_path / "still.mkv"
    with av.open(str(moving)) as source, av.open(str(still), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = 0
                output.mux(packet)
    reader = VideoReader(still)
    assert len(list(reader)) == 6
    assert reader.report.warnings == [
        "5 of 6 frames have no later time than the frame before: times in seconds mean nothing here"
    ]


def read(path: Path) -> tuple[int, VideoReader]:
    reader = VideoReader(path)
    return len(list(reader)), reader


def test_a_second_sound_that_lasts_longer_than_the_film_is_no_cut(tmp_path: Path) -> None:
    short = write_clip(tmp_path / "a.mp4", [four_corners()] * 5, sound_s=0.2)
    long = write_clip(tmp_path / "b.mp4", [four_corners()], sound_s=5)
    path = tmp_path / "sounds.mkv"
    with av.open(str(short)) as one, av.open(str(long)) as two, av.open(str(path), "w") as output:
        sources = [one.streams.video[0], one.streams.audio[0], two.streams.audio[0]]
        targets = [output.add_stream_from_template(source) for source in sources]
        for source, target in zip(sources, targets, strict=True):
            source.container.seek(0)
            for packet in source.container.demux(source):
                if packet.size:
                    packet.stream = target
                    output.mux(packet)
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 2 and container.duration > 4_500_000
    count, reader = read(path)
    assert (count, reader.report.errors) == (5, [])


def test_a_recording_that_does_not_begin_at_0_is_whole(tmp_path: Path) -> None:
    film, path = write_clip(tmp_path / "a.mp4", [four_corners()] * 5), tmp_path / "late.mkv"
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                packet.pts += round(3600 / packet.time_base)
                packet.dts += round(3600 / packet.time_base)
                output.mux(packet)
    count, reader = read(path)
    assert (count, reader.report.errors) == (5, [])


def test_bytes_behind_an_mp4_are_no_cut_and_a_second_film_is_told(tmp_path: Path) -> None:
    film = write_clip(tmp_path / "a.mp4", [four_corners()] * 5)
    more, twice = tmp_path / "more.mp4", tmp_path / "twice.mp4"
    more.write_bytes(film.read_bytes() + b"junk" * 100)
    twice.write_bytes(film.read_bytes() * 2)
    assert read(more)[1].report.errors == []
    count, reader = read(twice)
    assert count == 5
    assert reader.report.errors == ["2 films were written one after another, the first is read"]


def test_raw_pictures_are_called_so(tmp_path: Path) -> None:
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(range(256)) * 30)
    with pytest.raises(OSError, match=r"a\.yuv cannot .* without a header say neither size nor"):
        VideoReader(path)


def test_a_frame_rate_for_a_video_is_not_passed_over(tmp_path: Path) -> None:
    reader = open_clip(str(write_clip(tmp_path / "a.mp4", [four_corners()] * 2)), fps=5)
    assert [frame.timestamp_s for frame in reader] == pytest.approx([0, 0.04])
    said = ["frames a second are for pictures: a video has its own times"]
    assert reader.report.warnings == said


def test_a_live_clip_without_a_picture_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", [four_corners()] * 3)
    data = bytearray(path.read_bytes())
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[begin:end] = bytes(end - begin)
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"a\.mp4 holds no picture that can be decoded"):
        StreamCapture(parse_source(str(path)), CaptureSettings())
