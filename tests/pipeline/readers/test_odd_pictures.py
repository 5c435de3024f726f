"""Pictures and folders as people bring them: read right, or named with what is odd about them."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.readers import ImageReader, Span
from pipeline.readers.finding import LeftOut, find_clips, find_images, read_list
from pipeline.readers.frames import FrameFolderReader, open_clip
from pipeline.storage.inputs import output_folders
from rmpe.records import ImageArray
from tests.helpers.odd_clips import four_corners, quarters, write_clip
from tests.helpers.squares import MakeFrames

GREY = np.array([[40, 100], [160, 220]])


def save(path: Path, image: ImageArray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), four_corners() if image is None else image)
    return path


def read(path: Path) -> tuple[ImageArray | None, ImageReader]:
    reader = ImageReader([path])
    frames = list(reader)
    return (frames[0].image_bgr if frames else None), reader


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_fewer_bits_in_sixteen_are_read_by_their_own_range(
    tmp_path: Path, bits: int, suffix: str
) -> None:
    deep = np.rint(four_corners(level=30) / 255.0 * (2**bits - 1)).astype(np.uint16)
    image, reader = read(save(tmp_path / f"deep{suffix}", deep))
    assert image is not None
    assert np.abs(image.astype(int) - four_corners(level=30)).max() <= 1
    assert reader.report.warnings == [
        f"deep{suffix}: {bits} of 16 bits are used: it is read by that range"
    ]


def test_a_full_range_of_sixteen_bits_needs_no_guess(tmp_path: Path) -> None:
    deep = four_corners(level=30).astype(np.uint16) * 257
    image, reader = read(save(tmp_path / "deep.png", deep))
    assert image is not None and (image == four_corners(level=30)).all()
    assert reader.report.warnings == []


@pytest.mark.parametrize(("most", "note"), [(1.0, "1 is taken for white"), (8.0, "up to 8")])
def test_floating_point_pictures_are_read(tmp_path: Path, most: float, note: str) -> None:
    values = four_corners(level=35).astype(np.float32) / 255 * most
    image, reader = read(save(tmp_path / "f.tif", values))
    assert image is not None
    assert np.abs(image.astype(int) - four_corners(level=35)).max() <= 1
    assert note in reader.report.warnings[0]


@pytest.mark.parametrize(("kind", "most"), [(np.float32, 1.0), (np.float32, 9.0), (np.int32, 4095)])
def test_pictures_of_one_channel_of_large_numbers_are_read(
    tmp_path: Path, kind: type, most: float
) -> None:
    grey = four_corners(level=35)[..., 0]
    Image.fromarray((grey / 255.0 * most).astype(kind)).save(tmp_path / "n.tif")
    image, reader = read(tmp_path / "n.tif")
    assert image is not None and image.shape == (48, 64, 3)
    assert np.abs(image[..., 0].astype(int) - grey).max() <= 1
    assert len(reader.report.warnings) == 1


@pytest.mark.parametrize("suffix", [".avif", ".gif", ".webp", ".jp2"])
def test_kinds_beside_jpeg_are_read(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(four_corners()[..., ::-1]).save(tmp_path / f"a{suffix}")
    image, _ = read(tmp_path / f"a{suffix}")
    assert image is not None and quarters(image) == GREY.tolist()
    assert find_images([tmp_path]) == [tmp_path / f"a{suffix}"]


@pytest.mark.parametrize(
    ("suffix", "kind"), [(".jfif", "JPEG"), (".jpe", "JPEG"), (".mpo", "MPO"), (".ppm", "PPM")]
)
def test_other_endings_of_kinds_that_are_read_are_found(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(four_corners()).save(path, format=kind)
    image, _ = read(path)
    assert image is not None and quarters(image) == GREY.tolist()
    assert find_images([tmp_path]) == [path]


def test_heic_is_read_with_the_extra_and_named_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(four_corners()[..., ::-1])).save(tmp_path / "a.heic")
    image, _ = read(tmp_path / "a.heic")
    assert image is not None and quarters(image) == GREY.tolist()
    (tmp_path / "b.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    _, reader = read(tmp_path / "b.heic")
    assert "rmpe[heif]" in reader.report.errors[0]


def test_a_picture_turned_by_exif_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees clockwise to be shown
    Image.fromarray(four_corners()[..., ::-1]).save(tmp_path / "a.jpg", exif=exif, quality=95)
    image, _ = read(tmp_path / "a.jpg")
    assert image is not None and quarters(image) == np.rot90(GREY, -1).tolist()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
def test_the_first_of_several_pages_is_read_and_said(tmp_path: Path) -> None:
    pages = [Image.fromarray(four_corners(level=n)[..., ::-1]) for n in (0, 9)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    image, reader = read(tmp_path / "a.tif")
    assert image is not None and quarters(image) == GREY.tolist()
    assert "2 pages" in reader.report.warnings[0]


def huge_png(path: Path) -> Path:
    """Write the head of a PNG of 60,000 x 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def text(path: Path) -> Path:
    path.write_text("no picture")
    return path


@pytest.mark.parametrize("make", [huge_png, pipe, text])
def test_a_bad_picture_is_named_and_the_others_are_read(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    make(tmp_path / "a.png")
    save(tmp_path / "b.png")
    reader = ImageReader(find_images([tmp_path]))
    assert [frame.index for frame in reader] == [1]
    assert reader.report.error_count == 1
    assert "a.png" in reader.report.errors[0]


def test_kinds_that_are_not_read_are_counted_and_named(tmp_path: Path) -> None:
    for name in ("a.CR2", "b.cr2", "c.jxl"):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match=r"not read: 2 \.cr2, 1 \.jxl"):
        find_images([tmp_path])
    save(tmp_path / "d.jpg")
    left_out = LeftOut()
    assert find_images([tmp_path], left_out=left_out) == [tmp_path / "d.jpg"]
    assert left_out.lines() == ["left out because they are not read: 2 .cr2, 1 .jxl"]


def test_hidden_files_and_own_outputs_are_no_inputs(tmp_path: Path) -> None:
    records = '{"schema": "rmpe/1", "skeleton": {}}\n'
    for name in ("one.mp4", "._one.mp4", "one_rmpe/annotated.mp4", ".rmpe/video/0-0.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("x.jpg", "._x.jpg", "out/annotated/x.jpg", "out/annotated/deep/x.jpg"):
        save(tmp_path / name)
    for name in ("one_rmpe", "out"):
        (tmp_path / name / "poses.ndjson").write_text(records)
    left_out = LeftOut()
    assert find_clips([tmp_path], True, left_out=left_out) == [str(tmp_path / "one.mp4")]
    assert left_out.lines() == ["left out: 1 files that earlier runs made"]
    left_out = LeftOut()
    assert find_images([tmp_path], True, left_out) == [tmp_path / "x.jpg"]
    assert left_out.own == 2
    with pytest.raises(FileNotFoundError, match="but 1 that earlier runs made"):
        find_clips([tmp_path / "one_rmpe"])
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/annotated.mp4").touch()
    assert find_clips([tmp_path / "foreign"]) == [str(tmp_path / "foreign/annotated.mp4")]


def test_patterns_of_pictures(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        save(tmp_path / f"p_{number:04d}.jpg")
    expected = [tmp_path / f"p_{number:04d}.jpg" for number in (1, 9, 10)]
    assert find_images([tmp_path / "*.jpg"]) == expected
    assert find_images([tmp_path / "p_%04d.jpg"]) == expected
    with pytest.raises(FileNotFoundError, match="fits no picture"):
        find_images([tmp_path / "*.bmp"])


def test_a_list_with_a_byte_order_mark_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes('\ufeff"C:/a b.mp4"\r\n\'c.mp4\'\r\nd".mp4\r\n'.encode())
    assert read_list(path) == ["C:/a b.mp4", "c.mp4", 'd".mp4']


def test_names_that_other_programs_stumble_over(tmp_path: Path) -> None:
    for name in ("1²2.mp4", "1³.mp4", "2.mp4"):
        (tmp_path / name).touch()
    assert len(find_clips([tmp_path])) == 3
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert output_folders([str(tmp_path / "loop")], None) == [Path("loop_rmpe")]
    with pytest.raises(FileNotFoundError, match="loop does not exist"):
        find_clips([tmp_path / "loop"])
    secret = "http://u:hidden@cam/b.mp4?token=abc"
    assert output_folders([secret], None) == [Path("cam_b_mp4_rmpe")]


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A folder of ten pictures, frame_0001.png to frame_0011.png without 0005."""
    for number in [*range(1, 5), *range(6, 12)]:
        save(tmp_path / f"frames/frame_{number:04d}.png", four_corners(level=number))
    return tmp_path / "frames"


@pytest.mark.parametrize("pattern", ["", "*.png", "frame_%04d.png"])
def test_a_folder_or_pattern_of_frames_is_one_clip(frames: MakeFrames, pattern: str) -> None:
    source = str(frames / pattern) if pattern else str(frames)
    assert find_clips([source], frames=True) == [source]
    reader = open_clip(source, fps=10)
    got = list(reader)
    assert [(f.index, f.timestamp_s) for f in got] == [(n, n / 10) for n in range(10)]
    assert [int(f.image_bgr[0, 0, 0]) - 40 for f in got] == [*range(1, 5), *range(6, 12)]
    assert (reader.info.width, reader.info.height, reader.info.fps) == (64, 48, 10)
    assert reader.report.warnings == ["1 numbers are missing among the names of the frames"]
    with pytest.raises(FileNotFoundError, match="10 pictures and no video: --fps N"):
        find_clips([source])


def test_a_span_of_frames_and_parts_of_it(frames: MakeFrames) -> None:
    def indices(**settings: Any) -> list[int]:
        return [frame.index for frame in FrameFolderReader(frames, 10, **settings)]

    assert indices(span=Span(0.2, 0.8, 2)) == [2, 4, 6]
    assert indices(first=2, skip=1, end=6) == [3, 4, 5]
    with pytest.raises(OSError, match=r"ends at 1\.00 s, before the start"):
        FrameFolderReader(frames, 10, Span(5.0))
    with pytest.raises(ValueError, match="more than 0"):
        FrameFolderReader(frames, 0)


def test_frames_of_another_size_and_broken_ones(frames: MakeFrames) -> None:
    save(frames / "frame_0003.png", four_corners(32, 24))
    (frames / "frame_0004.png").write_text("no picture")
    reader = FrameFolderReader(frames, 10)
    got = list(reader)
    assert [frame.index for frame in got] == [0, 1, 2, *range(4, 10)]
    assert {frame.image_bgr.shape for frame in got} == {(48, 64, 3)}
    assert reader.report.error_count == 1
    assert reader.report.warnings[1:] == [
        "frame_0003.png is 32x24; pictures of another size are fitted into 64x48, and all "
        "coordinates are in that"
    ]


def test_a_single_picture_is_no_clip(frames: MakeFrames) -> None:
    with pytest.raises(OSError, match="is a picture: images reads pictures"):
        find_clips([frames / "frame_0001.png"])


def test_a_folder_of_videos_is_still_one_clip_each(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", [four_corners()])
    save(tmp_path / "b.png")
    assert find_clips([tmp_path], frames=True) == [str(tmp_path / "a.mp4")]


@pytest.mark.parametrize("ending", [".webp", ".png", ".gif"])
def test_the_first_picture_of_a_moving_one_is_read_and_said(tmp_path: Path, ending: str) -> None:
    pages = [Image.fromarray(four_corners(level=n)[..., ::-1]) for n in (0, 9, 20)]
    pages[0].save(tmp_path / f"a{ending}", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / f"b{ending}")
    _, reader = read(tmp_path / f"a{ending}")
    assert "3 pages, the first is read" in reader.report.warnings[0]
    assert read(tmp_path / f"b{ending}")[1].report.warnings == []


def test_twelve_bits_packed_in_a_tiff_are_read(tmp_path: Path) -> None:
    values = (0xFFF, 0x800, 0x000, 0x400, 0x200, 0xC00)  # two pixels of red, green and blue
    packed = bytes.fromhex("".join(f"{value:03x}" for value in values))
    tags = [(256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 140), (277, 3, 1, 3), (278, 3, 1, 1), (279, 4, 1, len(packed))]
    tags += [(284, 3, 1, 1)]
    entries = b"".join(
        struct.pack("<HHI", tag, kind, count)
        + (struct.pack("<HH", value, 0) if kind == 3 and count == 1 else struct.pack("<I", value))
        for tag, kind, count, value in tags
    )
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)
    path = tmp_path / "a.tif"
    path.write_bytes(head + struct.pack("<3H", 12, 12, 12) + packed)
    assert len(head) == 134
    image, _ = read(path)
    assert image is not None
    assert image[0, :, ::-1].tolist() == [[255, 128, 0], [64, 32, 192]]
