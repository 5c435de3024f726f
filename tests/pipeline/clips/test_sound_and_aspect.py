"""What a clip has beside its pictures: sound and pixels that are not square."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.assemble import assemble
from pipeline.clips import ClipJob, OutputPlan, run_job
from pipeline.options import RunOptions
from pipeline.readers import Span, VideoReader
from pipeline.sources import NetworkPoses
from pipeline.stages.square import Stretch
from pipeline.stored import render_records
from rmpe.drawing import Look
from rmpe.formats import read_records
from rmpe.records import Boxes, Frame, ImageArray
from tests.helpers.odd_clips import four_corners, joined, set_display_matrix, write_clip
from tests.helpers.squares import ListReader, SquaresEstimator, make_squares


def poses() -> NetworkPoses:
    return NetworkPoses(SquaresEstimator())


def drawn(count: int) -> list[ImageArray]:
    return [frame.image_bgr for frame in make_squares([1] * count, step=0)]


def heard(path: Path) -> tuple[str, float, float]:
    """Return the codec of a file's sound, its first and its last second; no sound: empty."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return "", 0.0, 0.0
        stream = container.streams.audio[0]
        times = [
            (float(p.pts * p.time_base), float((p.pts + p.duration) * p.time_base))
            for p in container.demux(stream)
            if p.pts is not None and p.size
        ]
        return stream.codec_context.name, times[0][0], times[-1][1]


def loud(path: Path) -> float:
    """Return the frequency of a file's sound in Hz, by its zero crossings."""
    with av.open(str(path)) as container:
        blocks = [frame.to_ndarray()[0].astype(float) for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    wave = np.concatenate(blocks)[2000:-2000]
    return float((np.diff(np.signbit(wave)) != 0).sum() / 2 / (len(wave) / rate))


@pytest.mark.parametrize(
    ("suffix", "codec", "kept"),
    [
        (".mp4", "aac", "aac"),
        (".mkv", "libopus", "opus"),
        (".mov", "pcm_s16le", "aac"),
        (".ts", "mp3", "mp3float"),
    ],
)
def test_the_sound_of_a_clip_is_in_its_annotated_copy(
    tmp_path: Path, suffix: str, codec: str, kept: str
) -> None:
    clip = write_clip(tmp_path / f"a{suffix}", drawn(50), sound_s=2.0, sound_codec=codec)
    run_job(ClipJob(str(clip), OutputPlan(tmp_path / "out")), poses)
    name, first_s, last_s = heard(tmp_path / "out/annotated.mp4")
    assert name in (kept, kept.removesuffix("float"))
    assert first_s == pytest.approx(0, abs=0.06)
    assert last_s == pytest.approx(2, abs=0.12)
    assert loud(tmp_path / "out/annotated.mp4") == pytest.approx(440, rel=0.02)
    with av.open(str(tmp_path / "out/annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 50


def test_a_span_takes_its_own_sound_and_no_audio_takes_none(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", drawn(75), sound_s=3.0)
    span = Span(1.0, 2.0)
    run_job(ClipJob(str(clip), OutputPlan(tmp_path / "out"), span=span), poses)
    _, first_s, last_s = heard(tmp_path / "out/annotated.mp4")
    assert (first_s, last_s) == (pytest.approx(0, abs=0.06), pytest.approx(1, abs=0.12))
    run_job(ClipJob(str(clip), OutputPlan(tmp_path / "mute", audio=False)), poses)
    assert heard(tmp_path / "mute/annotated.mp4")[0] == ""
    silent = write_clip(tmp_path / "silent.mp4", drawn(5))
    run_job(ClipJob(str(silent), OutputPlan(tmp_path / "silent")), poses)
    assert heard(tmp_path / "silent/annotated.mp4")[0] == ""


def test_joined_streams_keep_pictures_and_sound_together(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / f"{n}.ts", drawn(25), sound_s=1.0, container="mpegts")
        for n in range(2)
    ]
    both = joined(tmp_path / "both.ts", parts)
    run_job(ClipJob(str(both), OutputPlan(tmp_path / "out")), poses)
    assert heard(tmp_path / "out/annotated.mp4")[2] == pytest.approx(2, abs=0.2)


def test_render_copies_the_sound_too(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", drawn(25), sound_s=1.0)
    run_job(ClipJob(str(clip), OutputPlan(tmp_path / "out", video=False)), poses)
    records = read_records(tmp_path / "out/poses.ndjson")
    target = tmp_path / "x:1.mp4"
    assert render_records(VideoReader(clip), records, target, sound_of=str(clip)) == 25
    assert heard(target)[2] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("background", ["original", "transparent"])
def test_a_webm_has_the_sound_as_opus_and_keeps_its_transparency(
    tmp_path: Path, background: str
) -> None:
    clip = write_clip(tmp_path / "a.mp4", drawn(25), sound_s=1.0)
    run_job(ClipJob(str(clip), OutputPlan(tmp_path / "out", video=False)), poses)
    records = read_records(tmp_path / "out/poses.ndjson")
    target = tmp_path / "x.webm"
    look = Look(background=background)
    assert render_records(VideoReader(clip), records, target, look=look, sound_of=str(clip)) == 25
    name, first_s, last_s = heard(target)
    assert name == "opus"
    assert (first_s, last_s) == (pytest.approx(0, abs=0.06), pytest.approx(1, abs=0.1))
    assert loud(target) == pytest.approx(440, rel=0.02)
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.metadata.get("ALPHA_MODE") == ("1" if background == "transparent" else None)
        packets = [p for p in container.demux(stream) if p.size]
    assert [round(float(p.pts * p.time_base) * 25) for p in packets] == list(range(25))
    if background == "transparent":
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        picture = next(frame for packet in packets for frame in decoder.decode(packet))
        assert picture.format.name == "yuva420p"
        assert picture.to_ndarray(format="bgra")[..., 3].min() == 0


def test_the_aspect_of_pixels_is_kept_in_header_and_annotated_clip(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", [four_corners()] * 5, aspect=Fraction(64, 45))
    run_job(ClipJob(str(clip), OutputPlan(tmp_path / "out")), poses)
    with av.open(str(tmp_path / "out/annotated.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(64, 45)
    assert read_records(tmp_path / "out/poses.ndjson").header.pixel_aspect == (64, 45)
    set_display_matrix(clip, 0, 1, -1, 0)
    assert VideoReader(clip).info.pixel_aspect == (45, 64)
    records = read_records(tmp_path / "out/poses.ndjson")
    assert records.header.width == 64


class SeesShape(SquaresEstimator):
    """Remembers how wide and high the people are that it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, float]] = []

    def detect(self, images_bgr: list[ImageArray]) -> list[Boxes]:
        found = super().detect(images_bgr)
        self.seen += [tuple(box[2:] - box[:2]) for boxes in found for box in boxes.boxes_xyxy]
        return found


@pytest.mark.parametrize("detect_every", [1, 3])
@pytest.mark.parametrize("aspect", [(2, 1), (1, 2)])
def test_people_are_searched_in_square_pixels_and_told_in_stored_ones(
    reader: type[ListReader],
    monkeypatch: pytest.MonkeyPatch,
    aspect: tuple[int, int],
    detect_every: int,
) -> None:
    """A person of 12 x 24 shown pixels, stored squeezed in one direction."""
    stored = np.zeros((60, 200, 3), np.uint8)
    width, height = (6, 24) if aspect == (2, 1) else (12, 12)
    stored[20 : 20 + height, 40 : 40 + width] = 200

    shown = [Frame(index, index / 25, stored) for index in range(4)]
    source = reader(shown)
    info = replace(source.info, pixel_aspect=aspect)
    monkeypatch.setattr(type(source), "info", property(lambda self: info))
    estimator = SeesShape()
    results = list(assemble(source, NetworkPoses(estimator), RunOptions(detect_every=detect_every)))
    assert len(results) == 4
    for seen in estimator.seen:
        assert seen == (pytest.approx(12, abs=2.1), pytest.approx(24, abs=2.1))
    for frame, found in results[:1]:
        assert frame.image_bgr is stored
        box = found.boxes_xyxy[0]
        assert box[:2] == pytest.approx([40, 20], abs=1.1)
        assert box[2:] - box[:2] == pytest.approx([width, height], abs=1.1)


def test_points_go_there_and_back() -> None:
    stretch = Stretch.of_aspect(64, 45)
    points = np.array([[0, 0], [10, 20], [99, 59]], np.float32)
    boxes = Boxes(np.array([[3, 4, 50, 60]], np.float32), np.ones(1, np.float32))
    square = stretch.boxes_to_square(boxes).boxes_xyxy.reshape(-1, 2)
    np.testing.assert_allclose(stretch.to_stored(square).ravel(), [3, 4, 50, 60], atol=1e-4)
    assert stretch.columns == pytest.approx(64 / 45)
    # the centre of the first stored pixel lies in the middle of the first 1.42 shown ones
    np.testing.assert_allclose(stretch.to_stored(points)[0], [0.5 * 45 / 64 - 0.5, 0], atol=1e-6)


def test_sound_that_is_announced_and_not_there_leaves_the_pictures(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.ts", drawn(10), sound_s=0.4)
    data, sound_pid = clip.read_bytes(), 0x101
    packets = [data[place : place + 188] for place in range(0, len(data), 188)]
    kept = [p for p in packets if int.from_bytes(p[1:3], "big") & 0x1FFF != sound_pid]
    assert len(kept) < len(packets)
    clip.write_bytes(b"".join(kept))
    result = run_job(ClipJob(str(clip), OutputPlan(tmp_path / "out")), poses)
    assert result.frames == 10
    assert heard(tmp_path / "out/annotated.mp4")[0] == ""
    assert any("announces sound and has none" in line for line in result.warnings)
