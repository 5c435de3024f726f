"""The page is one file that needs nothing else, whatever the records hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from cli import rmpe_command
from rmpe.formats import ClipHeader, NativeWriter
from rmpe.records import Poses
from rmpe.report import PictureOptions, ReportOptions, write_report
from rmpe.report.pictures import playable_type
from rmpe.skeletons import COCO_17, HALPE_26, MPII_16, Skeleton

WIDTH, HEIGHT, FPS = 320, 180, 25.0  # of the records that write_records makes
ADDRESSES = ("src", "href", "action", "data", "poster", "srcset", "formaction", "background")


class PageParser(HTMLParser):
    """Collects addresses in attributes, and the text of every script element by its id."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses, self.scripts, self.styles = [], {}, ""
        self._open: tuple[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.addresses += [attributes[name] for name in ADDRESSES if attributes.get(name)]
        if tag in ("script", "style"):
            self._open = (tag, attributes.get("id", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open and self._open[0] == "script":
            self.scripts[self._open[1]] = self.scripts.get(self._open[1], "") + data
        elif self._open:
            self.styles += data


def parse(path: Path) -> PageParser:
    parser = PageParser()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def header_of(path: Path, number: int = 0) -> Any:
    return json.loads(parse(path).scripts[f"clip-{number}"])


def test_the_page_refers_to_nothing_outside(clip_records: Path, tmp_path: Path) -> None:
    written = write_report(tmp_path / "report.html", [clip_records])
    page = parse(written.path)
    assert page.addresses == ["data:,"]
    assert not re.search(r"url\(|@import", page.styles)
    code = page.scripts[""]
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|\bimport\b|https?:", code)
    text = written.path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text and not re.search(r"https?://", text)
    assert written.size_bytes == written.path.stat().st_size
    assert "{{" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_a_playable_clip_is_embedded_and_the_stages_come_along(
    clip_records: Path,
    tmp_path: Path,
    stage_times: dict[str, Any],
) -> None:
    written = write_report(tmp_path / "report.html", [clip_records])
    (clip,) = written.clips
    assert (clip.name, clip.frames, clip.identities, clip.pictures) == ("walk.mp4", 50, 3, "embed")
    header = header_of(written.path)
    assert header["timing"] == stage_times and header["pictures"]["mime"] == "video/mp4"
    assert header["joints"] == list(COCO_17.joints) and header["fps"] == FPS


def test_a_large_or_unplayable_clip_becomes_a_strip(
    clip_records: Path,
    tmp_path: Path,
    write_records: Callable[..., Path],
    write_clip: Callable[..., Path],
) -> None:
    few = PictureOptions(largest_embedded_bytes=10, strip_pictures=4, strip_width=64)
    page = write_report(tmp_path / "a.html", [clip_records], ReportOptions(pictures=few)).path
    strip = header_of(page)["pictures"]["strip"]
    assert [(p["slot"], p["width"], p["height"]) for p in strip] == [
        (0, WIDTH, HEIGHT), (12, WIDTH, HEIGHT), (25, WIDTH, HEIGHT), (37, WIDTH, HEIGHT)
    ]  # fmt: skip
    write_clip(tmp_path / "old.avi", 3, "mpeg4")
    records = write_records(tmp_path / "old.ndjson", 3, source="old.avi")
    assert write_report(tmp_path / "b.html", [records]).clips[0].pictures == "strip"
    embed = ReportOptions(pictures=PictureOptions("embed"))
    with pytest.raises(ValueError, match="browsers do not play"):
        write_report(tmp_path / "b.html", [records], embed)


@pytest.mark.parametrize(
    ("name", "codec", "mime"),
    [
        ("a.mp4", "libx264", "video/mp4"),
        ("a.mov", "libx264", "video/mp4"),
        ("a.webm", "libvpx-vp9", "video/webm"),
        ("a.webm", "libvpx", "video/webm"),
        ("a.mkv", "mpeg4", ""),
        ("a.avi", "libx264", ""),
    ],
)
def test_browsers_play_what_is_said_of_them(
    tmp_path: Path, write_clip: Callable[..., Path], name: str, codec: str, mime: str
) -> None:
    assert playable_type(write_clip(tmp_path / name, 2, codec)) == mime


def test_a_linked_clip_is_named_relative_to_the_page(clip_records: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    linked = ReportOptions(pictures=PictureOptions("link"))
    page = write_report(tmp_path / "out" / "r.html", [clip_records], linked).path
    assert header_of(page)["pictures"]["address"] == "../walk.mp4"
    assert page.stat().st_size < 100_000


def test_pictures_of_a_folder_make_the_strip(tmp_path: Path, walkers: ModuleType) -> None:
    for name, shade in (("a.png", 0), ("b.png", 200)):
        cv2.imwrite(str(tmp_path / name), np.full((40, 60, 3), shade, np.uint8))
    names = ("a.png", "b.png", "gone.png")
    writer = NativeWriter(
        tmp_path / "p.ndjson", ClipHeader(COCO_17, str(tmp_path), image_names=names)
    )
    for index in range(3):
        writer.write(index, 0.0, walkers(index, 1))
    writer.close()
    written = write_report(tmp_path / "r.html", [tmp_path / "p.ndjson"])
    strip = header_of(written.path)["pictures"]["strip"]
    assert [(p["slot"], p["width"]) for p in strip] == [(0, 60), (1, 60)]


def test_single_pictures_are_found_again_by_the_first_that_records_name(
    tmp_path: Path, walkers: ModuleType
) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    source = str(tmp_path / "a.png")
    header = ClipHeader(COCO_17, source, WIDTH, HEIGHT, image_names=("a.png", "b.png"))
    (tmp_path / "a_rmpe").mkdir()
    writer = NativeWriter(tmp_path / "a_rmpe" / "poses.ndjson", header)
    for index in range(2):
        writer.write(index, 0.0, walkers(index, 1))
    writer.close()
    written = write_report(tmp_path / "report.html", [tmp_path / "a_rmpe" / "poses.ndjson"])
    assert written.warnings == () and written.clips[0].pictures == "strip"
    assert len(header_of(written.path)["pictures"]["strip"]) == 2


def test_a_clip_that_is_gone_is_said_and_left_out(
    tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    records = write_records(tmp_path / "p.ndjson", 2, source="gone.mp4")
    written = write_report(tmp_path / "r.html", [records])
    assert written.clips[0].pictures == "none" and "gone.mp4" in written.warnings[0]
    camera = write_records(tmp_path / "q.ndjson", 2, source="rtsp://camera/1")
    assert write_report(tmp_path / "r.html", [camera]).clips[0].pictures == "none"


@pytest.mark.parametrize(
    ("frames", "people", "first_id", "skeleton", "identities"),
    [(0, 0, 1, COCO_17, 0), (1, 2, 1, HALPE_26, 2), (5, 0, 1, MPII_16, 0), (3, 4, 0, COCO_17, 0)],
)
def test_odd_records_have_a_page(
    tmp_path: Path,
    frames: int,
    people: int,
    first_id: int,
    skeleton: Skeleton,
    identities: int,
    write_records: Callable[..., Path],
) -> None:
    path = write_records(tmp_path / "p.ndjson", frames, people, "", skeleton, first_id)
    (clip,) = write_report(tmp_path / "r.html", [path]).clips
    assert (clip.frames, clip.identities) == (frames, identities)


def test_several_records_stand_on_one_page(
    tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    paths = [
        write_records(tmp_path / "a" / "poses.ndjson", 3, source="one.mp4"),
        write_records(tmp_path / "b" / "poses.ndjson", 2, source="two.mp4", skeleton=MPII_16),
    ]
    written = write_report(tmp_path / "r.html", paths)
    assert [clip.name for clip in written.clips] == ["one.mp4", "two.mp4"]
    assert header_of(written.path, 1)["skeleton"] == "mpii16"
    with pytest.raises(ValueError, match="2 records"):
        write_report(tmp_path / "r.html", paths, ReportOptions(clip=tmp_path / "one.mp4"))
    with pytest.raises(ValueError, match="needs records"):
        write_report(tmp_path / "r.html", [])


def test_names_cannot_break_out_of_the_page(
    tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    nasty = "</script><script>alert(1)</script>{{clips}}.mp4"
    records = write_records(tmp_path / "p.ndjson", 1, source=nasty)
    written = write_report(tmp_path / "r.html", [records])
    scripts = parse(written.path).scripts
    assert json.loads(scripts["clip-0"])["source"] == nasty
    assert "alert(1)" not in scripts[""]


def test_a_cut_off_run_is_marked_and_a_torn_summary_is_said(tmp_path: Path) -> None:
    path = tmp_path / "p.ndjson"
    writer = NativeWriter(path, ClipHeader(COCO_17, "", WIDTH, HEIGHT, FPS))
    writer.write(0, 0.0, Poses.empty(17))
    writer.close(complete=False)
    (tmp_path / "summary.json").write_text("{")
    written = write_report(tmp_path / "r.html", [path])
    assert header_of(written.path)["complete"] is False
    assert any("no stage table" in warning for warning in written.warnings)


TIMES = '"busy_s": 1, "cpu_s": 1, "wait_input_s": 0, "wait_output_s": 0'


@pytest.mark.parametrize(
    "timing",
    [
        f'{{"wall_s": NaN, "frames_per_s": 2, "stages": [{{"stage": "read", {TIMES}}}]}}',
        '{"wall_s": 1, "frames_per_s": 2, "stages": [{"stage": "read", "busy_s": NaN}]}',
        f'{{"wall_s": "x", "frames_per_s": 2, "stages": [{{"stage": "read", {TIMES}}}]}}',
        '{"stages": [5]}',
        "5",
    ],
)
def test_times_that_are_none_leave_the_page_without_their_table(
    timing: str, tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    write_records(tmp_path / "poses.ndjson", 3)
    (tmp_path / "summary.json").write_text(f'{{"timing": {timing}}}')
    written = write_report(tmp_path / "r.html", [tmp_path])
    assert any("no stage table" in warning for warning in written.warnings)
    assert "NaN" not in parse(written.path).scripts["clip-0"]
    assert header_of(written.path)["timing"] == {}


def test_the_folder_of_a_run_brings_its_times(
    tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    write_records(tmp_path / "poses.ndjson", 3)
    timing = json.loads(f'{{"wall_s": 1, "frames_per_s": 3, "stages": [{{{TIMES}}}]}}')
    (tmp_path / "summary.json").write_text(json.dumps({"timing": timing}))
    for given in (tmp_path, tmp_path / "poses.ndjson"):
        page = write_report(tmp_path / "r.html", [given]).path
        assert header_of(page)["timing"] == timing


def test_the_command_writes_the_page_and_says_its_size(clip_records: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    run = CliRunner().invoke(rmpe_command, ["report", str(clip_records), "-o", str(page)])
    assert run.exit_code == 0, run.output
    assert "walk.mp4: 50 frames, 3 ids, clip in the page" in run.output
    assert f"{page.stat().st_size / 1e6:.1f} MB -> {page}" in run.output
    wrong = CliRunner().invoke(rmpe_command, ["report", str(tmp_path / "walk.mp4")])
    assert wrong.exit_code == 2


@pytest.mark.parametrize(("mode", "width"), [("film", 64), ("auto", 2)])
def test_wrong_picture_options_are_refused(mode: str, width: int) -> None:
    with pytest.raises(ValueError, match=r"there are|needed are"):
        PictureOptions(mode, strip_width=width)
