"""Clips as people bring them: each is read right, or it is said what is odd about it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.readers import Span, VideoReader
from pipeline.readers._upright import Orientation, fit_picture
from rmpe.records import Frame, ImageArray
from tests.helpers.odd_clips import (
    four_corners,
    joined,
    quarters,
    set_display_matrix,
    write_clip,
)


def read(path: Path, span: Span | None = None) -> tuple[list[Frame], VideoReader]:
    reader = VideoReader(path, span)
    frames = list(reader)
    reader.close()
    return frames, reader


STORED = np.array([[40, 100], [160, 220]])
SHOWN: dict[str, tuple[tuple[int, int, int, int], ImageArray]] = {
    "upright": ((1, 0, 0, 1), STORED),
    "mirrored": ((-1, 0, 0, 1), STORED[:, ::-1]),
    "upside down mirrored": ((1, 0, 0, -1), STORED[::-1]),
    "half turn": ((-1, 0, 0, -1), STORED[::-1, ::-1]),
    "quarter turn": ((0, 1, -1, 0), np.rot90(STORED, -1)),
    "quarter turn back": ((0, -1, 1, 0), np.rot90(STORED)),
    "transposed": ((0, 1, 1, 0), STORED.T),
    "transposed the other way": ((0, -1, -1, 0), STORED[::-1, ::-1].T),
}
"""Numbers a, b, c, d of the matrix, and the four quarters as they are to be shown."""


@pytest.mark.parametrize("name", SHOWN)
def test_every_display_matrix_is_applied_mirroring_too(tmp_path: Path, name: str) -> None:
    matrix, shown = SHOWN[name]
    clip = write_clip(tmp_path / "a.mp4", [four_corners()] * 3)
    set_display_matrix(clip, *matrix)
    frames, reader = read(clip)
    assert quarters(frames[0].image_bgr) == shown.tolist()
    size = (48, 64) if matrix[0] == 0 else (64, 48)
    assert (reader.info.width, reader.info.height) == size
    assert frames[0].image_bgr.shape[1::-1] == size


def test_a_turn_between_right_angles_is_rounded_and_a_matrix_of_zeros_is_none() -> None:
    tilted = Orientation.of_matrix((46341, 46000, 0, -46000, 46341, 0, 0, 0, 1 << 30))
    assert tilted == Orientation()
    assert Orientation.of_matrix((0,) * 9) == Orientation()


def test_joined_transport_streams_go_on_in_time(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / f"{n}.ts", [four_corners(level=n)] * 30, container="mpegts")
        for n in range(2)
    ]
    frames, reader = read(joined(tmp_path / "both.ts", parts))
    assert len(frames) == 60
    times = np.array([frame.timestamp_s for frame in frames])
    np.testing.assert_allclose(np.diff(times), 0.04, atol=1e-4)
    assert reader.report.error_count == 0
    assert any("jump back" in warning for warning in reader.report.warnings)


def test_a_change_of_size_keeps_one_frame_of_reference_and_is_said(tmp_path: Path) -> None:
    large = write_clip(tmp_path / "l.ts", [four_corners(64, 48)] * 12, container="mpegts")
    small = write_clip(tmp_path / "s.ts", [four_corners(32, 24)] * 12, container="mpegts")
    frames, reader = read(joined(tmp_path / "both.ts", [large, small]))
    assert len(frames) == 24
    assert {frame.image_bgr.shape for frame in frames} == {(48, 64, 3)}
    assert all(quarters(frame.image_bgr) == STORED.tolist() for frame in frames)
    assert any("change to 32x24" in warning for warning in reader.report.warnings)
    assert reader.report.error_count == 0


def test_a_picture_of_another_shape_is_fitted_with_black_beside_it() -> None:
    fitted = fit_picture(np.full((20, 10, 3), 200, np.uint8), 40, 20)
    assert fitted.shape == (20, 40, 3)
    assert (fitted[:, 15:25] == 200).all()
    assert not fitted[:, :15].any() and not fitted[:, 25:].any()


@pytest.mark.parametrize("name", ["10:15:00.mp4", "http:one.mp4", "a b%03d#?.mp4", "-x.mp4"])
def test_any_file_name_is_a_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / name, [four_corners()] * 3)
    monkeypatch.chdir(tmp_path)
    for path in (Path(name), tmp_path / name):
        assert len(read(path)[0]) == 3


def test_a_span_behind_the_end_is_refused_in_one_sentence(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", [four_corners()] * 25)
    with pytest.raises(OSError, match=r"a.mp4 ends at 1.00 s, before the start .*100 s$"):
        VideoReader(clip, Span(start_s=100))
    raw = write_clip(tmp_path / "a.h264", [four_corners()] * 25, container="h264")
    with pytest.raises(OSError, match=r"ends at 0.9\d s, before the start"):
        read(raw, Span(start_s=100))


CUTS: dict[str, tuple[str, str | None, str, str, float]] = {
    "mkv": ("a.mkv", None, "libx264", "aac", 0.5),
    "mkv at its end": ("a.mkv", None, "libx264", "aac", 0.97),
    "webm": ("a.webm", None, "libvpx", "libopus", 0.5),
    "flv": ("a.flv", None, "flv", "aac", 0.5),
    "avi": ("a.avi", None, "mpeg4", "mp3", 0.5),
    "ts": ("a.ts", "mpegts", "libx264", "aac", 0.5),
    "ogg": ("a.ogv", None, "libvpx", "libopus", 0.5),
    "gif": ("a.gif", None, "gif", "", 0.5),
    "jpegs": ("a.mjpeg", None, "mjpeg", "", 0.503),
    "mp4 in fragments": ("a.mp4", None, "libx264", "aac", 0.5),
}


@pytest.mark.parametrize("kind", CUTS)
def test_a_cut_clip_with_sound_is_noticed_and_a_whole_one_is_not(tmp_path: Path, kind: str) -> None:
    name, container, codec, sound, share = CUTS[kind]
    clip = tmp_path / name
    write_clip(
        clip,
        [four_corners(level=n % 30) for n in range(100)],
        sound_s=4.0 if sound else 0.0,
        container=container,
        codec=codec,
        sound_codec=sound,
    )
    if "fragments" in kind:
        _in_fragments(clip)
    frames, reader = read(clip)
    assert len(frames) == 100
    assert reader.report.error_count == 0
    data = clip.read_bytes()
    length = int(len(data) * share)
    clip.write_bytes(data[: length + (length % 188 == 0)])
    frames, reader = read(clip)
    assert len(frames) < 100 or share > 0.9
    assert reader.report.error_count >= 1
    assert any("cut" in error for error in reader.report.errors)


def _in_fragments(path: Path) -> None:
    import av

    other = path.with_name("fragments.mp4")
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(path)) as source, av.open(str(other), "w", options=options) as output:
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    other.replace(path)


def test_an_mp4_without_its_index_is_named_so(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", [four_corners()] * 25)
    clip.write_bytes(clip.read_bytes()[:600])
    with pytest.raises(OSError, match=r"has no index \(moov\)"):
        VideoReader(clip)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    server = socket.create_server(("127.0.0.1", 0))
    yield f"http://me:hidden@127.0.0.1:{server.getsockname()[1]}/clip.mp4?token=abc"
    server.close()


def test_an_address_that_never_answers_is_left_in_time_and_its_secrets_are_not_told(
    silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.readers._opening.OPEN_WITHIN_S", 0.3)
    began = time.monotonic()
    with pytest.raises(OSError, match="does not answer in time") as caught:
        VideoReader(silent_server)
    assert time.monotonic() - began < 5
    assert "hidden" not in str(caught.value) and "abc" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_ctrl_c_ends_the_wait_for_an_address(silent_server: str) -> None:
    import _thread

    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        VideoReader(silent_server)
    assert time.monotonic() - began < 5
    timer.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none.mp4", "does not exist"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: _pipe(folder / "x.mp4"), "is no file"),
        (lambda folder: folder / "bad\udcff.mp4", "does not exist"),
    ],
)
def test_what_is_no_clip_is_refused_in_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(OSError, match=message) as caught:
        VideoReader(make(tmp_path))
    str(caught.value).encode()


def _pipe(path: Path) -> Path:
    import os

    os.mkfifo(path)
    return path


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video", "mjpeg"])
def test_a_raw_stream_has_the_rate_of_its_headers_or_it_is_said(tmp_path: Path, codec: str) -> None:
    kind = {"libx264": "h264", "mpeg2video": "mpeg2video", "mjpeg": "mjpeg"}[codec]
    path = tmp_path / f"a.{'h264' if codec == 'libx264' else 'm2v' if codec != 'mjpeg' else codec}"
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=50)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(four_corners(), format="bgr24")))
        container.mux(stream.encode())
    frames, reader = read(path)
    is_known = codec != "mjpeg"
    assert len(frames) == 10
    assert reader.info.fps == (50 if is_known else 25)
    assert frames[-1].timestamp_s == pytest.approx(9 / reader.info.fps)
    said = ["the stream says no times: 25 frames a second are taken"]
    assert reader.report.warnings == ([] if is_known else said)
