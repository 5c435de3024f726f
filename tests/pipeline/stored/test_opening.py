"""Stored poses meet the clip or the pictures that they are of, or are refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

import cli
from rmpe.formats import read_records
from tests.helpers.foreign import alphapose_list, counts, native_records, openpose_folder

FRAMES = 12


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.rmpe_command, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 12 frames, 64x48."""
    path = tmp_path_factory.mktemp("clip") / "b.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for index in range(FRAMES):
            image = np.full((48, 64, 3), 20 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def folder_of(path: Path, names: list[str]) -> Path:
    path.mkdir()
    for name in names:
        cv2.imwrite(str(path / name), np.zeros((48, 64, 3), np.uint8))
    return path


def where(records: Path) -> list[int]:
    """Return the frames that have people; each knows its own place by its first joint."""
    return [index for index, count in enumerate(counts(read_records(records))) if count]


PRESENT = [0, 1, 2, 7, 8, 11]


@pytest.mark.parametrize("pattern", ["frame_{:06d}.jpg", "{}.jpg", "{:05d}.png", "x{}.jpg"])
def test_gaps_in_alphaposes_list_shift_nobody(tmp_path: Path, clip: Path, pattern: str) -> None:
    path = alphapose_list(tmp_path / "a.json", [pattern.format(n) for n in PRESENT])
    result = run("track", path, "--video", clip, "-o", tmp_path / "t.ndjson")
    assert result.exit_code == 0
    assert where(tmp_path / "t.ndjson") == PRESENT
    # The same by way of a conversion.
    assert (
        CliRunner()
        .invoke(
            cli.rmpe_command,
            ["convert", str(path), "--to", "native", "-o", str(tmp_path / "n.ndjson")],
        )
        .exit_code
        == 0
    )
    run("track", tmp_path / "n.ndjson", "--video", clip, "-o", tmp_path / "u.ndjson")
    assert where(tmp_path / "u.ndjson") == PRESENT
    assert run("render", path, "--video", clip, "-o", tmp_path / "r.mp4").exit_code == 0


def test_frames_numbered_from_one_are_moved_and_that_is_said(tmp_path: Path, clip: Path) -> None:
    path = alphapose_list(tmp_path / "a.json", ["f_0003.jpg", "f_0012.jpg"])
    result = run("track", path, "--video", clip, "-o", tmp_path / "t.ndjson")
    assert "note: the highest number is 12, so pictures are numbered from 1" in result.output
    assert where(tmp_path / "t.ndjson") == [2, 11]
    path = alphapose_list(tmp_path / "b.json", ["f_0003.jpg", "f_0011.jpg"])
    for first, expected in (("0", [3, 11]), ("1", [2, 10])):
        out = tmp_path / f"u{first}.ndjson"
        run("track", path, "--video", clip, "-o", out, "--first-number", first)
        assert where(out) == expected


@pytest.mark.parametrize(
    "names", [["000001.jpg", "000002.jpg", "000003.jpg"], ["30.jpg", "32.jpg", "34.jpg"]]
)
def test_numeric_names_of_pictures_are_names(tmp_path: Path, names: list[str]) -> None:
    pictures = folder_of(tmp_path / "p", names)
    path = alphapose_list(tmp_path / "a.json", [names[0], names[2]])
    assert run("track", path, "--images", pictures, "-o", tmp_path / "t.ndjson").exit_code == 0
    placed = read_records(tmp_path / "t.ndjson")
    assert counts(placed) == [1, 0, 1]
    assert placed.header.image_names == tuple(names)
    assert run("render", path, "--images", pictures, "-o", tmp_path / "r").exit_code == 0


def test_openpose_files_of_pictures_meet_the_pictures(tmp_path: Path) -> None:
    pictures = folder_of(tmp_path / "p", ["girl.png", "man.png", "nobody.png"])
    records = openpose_folder(tmp_path / "o", ["girl", "man"])
    assert run("track", records, "--images", pictures, "-o", tmp_path / "t.ndjson").exit_code == 0
    assert counts(read_records(tmp_path / "t.ndjson")) == [1, 1, 0]
    (pictures / "man.png").unlink()
    result = run("track", records, "--images", pictures, "-o", tmp_path / "u.ndjson")
    assert result.exit_code == 2
    assert "man.jpg, which is not among the pictures" in result.output
    assert not (tmp_path / "u.ndjson").exists()


@pytest.mark.parametrize("frames", [[0, 1, 13], list(range(14)), [12]])
def test_records_beyond_the_clip_are_refused_with_and_without_a_gap(
    tmp_path: Path, clip: Path, frames: list[int]
) -> None:
    records = native_records(tmp_path / "n.ndjson", frames, max(frames) + 1, source=str(clip))
    for command, out in (("render", "r.mp4"), ("track", "t.ndjson")):
        result = run(command, records, "-o", tmp_path / out)
        assert result.exit_code != 0
        assert "ended after 12 frames and the records have frame 12" in str(
            result.exception or result.output
        )


@pytest.mark.parametrize("command", ["track", "render"])
def test_records_that_name_no_clip_ask_for_one(tmp_path: Path, command: str) -> None:
    path = alphapose_list(tmp_path / "a.json", ["0.jpg"])
    result = run(command, path, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 2
    assert "names no clip: give --video CLIP, or --images FOLDER" in result.output


@pytest.mark.parametrize("command", ["track", "render"])
def test_an_address_in_a_file_of_somebody_else_is_not_asked(tmp_path: Path, command: str) -> None:
    records = native_records(tmp_path / "n.ndjson", [0], 1, source="http://127.0.0.1:9/b.mp4")
    result = run(command, records, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 2
    assert "names the address http://127.0.0.1:9/b.mp4: give it with --video" in result.output


def test_the_folder_of_a_run_is_opened_with_its_clip(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "b_rmpe").mkdir()
    native_records(tmp_path / "b_rmpe" / "poses.ndjson", [3], FRAMES, source=str(clip))
    assert run("track", tmp_path / "b_rmpe").exit_code == 0
    assert where(tmp_path / "b_rmpe" / "tracked.ndjson") == [3]


def test_no_command_writes_over_what_it_reads_or_what_is_there(tmp_path: Path, clip: Path) -> None:
    records = native_records(tmp_path / "n.ndjson", [0], FRAMES, source=str(clip))
    before = {path: path.read_bytes() for path in (records, clip)}
    foreign = tmp_path / "foreign.mp4"
    foreign.write_text("of somebody")
    for command, more in (("track", []), ("render", []), ("report", [])):
        for output, words in ((records, "file to read"), (foreign, "is there already")):
            for overwrite in ([], ["--overwrite"]):
                if output is foreign and overwrite:
                    continue
                quiet = [] if command == "report" else ["--quiet"]
                given = [command, str(records), "-o", str(output), *more, *overwrite, *quiet]
                result = CliRunner().invoke(cli.rmpe_command, given)
                assert result.exit_code == 2, given
                assert words in result.output or (command, output) == ("render", records)
    for command in ("track", "render", "report"):
        quiet = [] if command == "report" else ["--quiet"]
        given = [command, str(records), "-o", str(clip), "--overwrite", *quiet]
        assert CliRunner().invoke(cli.rmpe_command, given).exit_code == 2
    assert foreign.read_text() == "of somebody"
    assert {path: path.read_bytes() for path in before} == before


def test_convert_replaces_only_when_told_and_leaves_no_old_files(tmp_path: Path) -> None:
    def convert(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli.rmpe_command, ["convert", *map(str, arguments)])

    long = native_records(tmp_path / "long.ndjson", [0, 1, 2], 3)
    short = native_records(tmp_path / "short.ndjson", [0], 1)
    for form, pattern in (("openpose", "*"), ("alphapose-open", "sep-json/*")):
        out = tmp_path / form / ("r.json" if form != "openpose" else "files")
        assert convert(long, "--to", form, "-o", out).exit_code == 0
        assert convert(short, "--to", form, "-o", out).exit_code == 2
        assert convert(short, "--to", form, "-o", out, "--overwrite").exit_code == 0
        found = list((out if form == "openpose" else out.parent).glob(pattern))
        assert len(found) == 1
    assert convert(long, "--to", "native", "-o", long, "--overwrite").exit_code == 2
    assert counts(read_records(long)) == [1, 1, 1]


def test_results_may_have_the_longest_names_that_there_are(tmp_path: Path, clip: Path) -> None:
    records = native_records(tmp_path / "n.ndjson", [0, 3], FRAMES, source=str(clip))
    for command, ending in (("render", ".mp4"), ("track", ".ndjson"), ("convert", ".json")):
        output = tmp_path / ("a" * (255 - len(ending)) + ending)
        given = [command, str(records), "-o", str(output)]
        given += ["--to", "alphapose"] if command == "convert" else ["--quiet"]
        assert CliRunner().invoke(cli.rmpe_command, given).exit_code == 0
        assert output.stat().st_size > 100
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("command", "more"),
    [("track", []), ("render", []), ("report", []), ("measure", []), ("convert", ["--to", "coco"])],
)
def test_a_clip_or_picture_in_place_of_poses_is_called_so(
    command: str, more: list[str], tmp_path: Path, clip: Path
) -> None:
    picture = folder_of(tmp_path / "p", ["a.JPG"]) / "a.JPG"
    for given, words in ((clip, "video, needed are stored poses"), (picture, "is a picture")):
        result = CliRunner().invoke(cli.rmpe_command, [command, str(given), *more])
        assert result.exit_code == 2
        assert words in result.output
    picture.rename(tmp_path / "p/a.bin")
    result = CliRunner().invoke(cli.rmpe_command, [command, str(tmp_path / "p/a.bin"), *more])
    assert result.exit_code in (1, 2)
    assert (
        "a.bin is not a text file in UTF-8, needed is JSON" in f"{result.output}{result.exception}"
    )


def test_convert_lists_every_target_and_keeps_names_of_pictures(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.rmpe_command, ["convert", "--help"])
    for name in ("native", "alphapose-cmu", "openpose18", "posetrack17", "parquet", "csv"):
        assert name in result.output
    pictures = folder_of(tmp_path / "p", ["000001.jpg", "000002.jpg"])
    path = alphapose_list(tmp_path / "a.json", ["000002.jpg"])
    command = ["convert", str(path), "--to", "coco", "--images", str(pictures)]
    out = tmp_path / "c.json"
    assert CliRunner().invoke(cli.rmpe_command, [*command, "-o", str(out)]).exit_code == 0
    (item,) = json.loads(out.read_text())
    assert (item["image_id"], item["file_name"]) == (2, "000002.jpg")


def test_the_report_puts_names_of_frames_to_the_clip_as_the_others_do(
    tmp_path: Path, clip: Path
) -> None:
    path = alphapose_list(tmp_path / "a.json", [f"frame_{n:06d}.jpg" for n in (1, 2, 12)])
    page = tmp_path / "report.html"
    command = ["report", str(path), "--video", str(clip), "-o", str(page)]
    result = CliRunner().invoke(cli.rmpe_command, command)
    assert result.exit_code == 0
    assert "pictures are numbered from 1" in result.output
    assert "12 frames" in result.output
    assert CliRunner().invoke(cli.rmpe_command, command).exit_code == 2
