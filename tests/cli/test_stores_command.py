"""Commands on addresses of stores: S3 and Google Cloud Storage by local servers, and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import fsspec
import numpy as np
import pytest
from fsspec.registry import _registry

from pipeline.storage.store import Stored
from rmpe.skeletons import COCO_17
from tests.helpers.command_line import CommandLine

OUTPUTS = ["annotated.mp4", "poses.ndjson", "summary.json"]


def names(address: str) -> list[str]:
    """Return the files below an address, relative to it."""
    place = Stored.at(address)
    return [file.path[len(place.path) + 1 :] for file in place.files(recursive=True)]


def content(address: str) -> bytes:
    return Stored.at(address).read()


def put(address: str, data: bytes) -> None:
    fs, path = fsspec.core.url_to_fs(address)
    fs.pipe_file(path, data)


def left_on_disk(staging: Path) -> list[Path]:
    return [path for path in staging.rglob("*") if path.is_file()]


def test_a_clip_of_a_store_gives_the_same_files_there_as_one_of_the_disk(
    rmpe: CommandLine, store: str, tmp_path: Path, staging: Path
) -> None:
    code, out, err = rmpe("video", f"{store}/in/walk.mp4", "-o", f"{store}/out", "--quiet")
    assert (code, err) == (0, "")
    assert out == f"{store}/out: 12 frames, up to 2 people\n"
    assert names(f"{store}/out") == OUTPUTS
    rmpe("video", tmp_path / "walk.mp4", "-o", tmp_path / "here", "--quiet")
    assert content(f"{store}/out/annotated.mp4") == (tmp_path / "here/annotated.mp4").read_bytes()
    lines = content(f"{store}/out/poses.ndjson").splitlines()
    assert lines[1:] == (tmp_path / "here/poses.ndjson").read_bytes().splitlines()[1:]
    assert json.loads(lines[0])["source"] == f"{store}/in/walk.mp4"
    summary = json.loads(content(f"{store}/out/summary.json"))
    assert summary["folder"] == f"{store}/out"
    assert summary["files"] == OUTPUTS[:2]
    assert left_on_disk(staging) == []


def test_a_second_call_finds_the_finished_run_and_a_further_format_is_made_from_its_records(
    rmpe: CommandLine, store: str, staging: Path
) -> None:
    line = ["video", f"{store}/in/walk.mp4", "-o", f"{store}/out", "--quiet"]
    rmpe(*line)
    before = {name: content(f"{store}/out/{name}") for name in OUTPUTS}
    code, out, _ = rmpe(*line)
    assert (code, out) == (0, f"{store}/out: already done, 12 frames, up to 2 people\n")
    assert {name: content(f"{store}/out/{name}") for name in OUTPUTS} == before
    code, out, _ = rmpe(*line, "--format", "coco")
    assert "already done" in out
    assert names(f"{store}/out") == [OUTPUTS[0], "coco-results.json", *OUTPUTS[1:]]
    assert content(f"{store}/out/annotated.mp4") == before["annotated.mp4"]
    code, _, err = rmpe(*line, "--min-score", "0.5")
    assert code == 1
    assert f"{store}/out holds a finished run that was asked for otherwise (min_score" in err
    code, _, err = rmpe(*line, "--no-video", "--overwrite")
    assert (code, err) == (0, "")
    assert names(f"{store}/out") == OUTPUTS[1:]
    assert left_on_disk(staging) == []


def test_folders_patterns_and_lists_name_clips_of_a_store(
    rmpe: CommandLine, store: str, tmp_path: Path
) -> None:
    walk = content(f"{store}/in/walk.mp4")
    for name in ("in/b.mp4", "in/deep/c.mp4", "in/.hidden.mp4", "in/note.txt"):
        put(f"{store}/{name}", walk)
    listed = tmp_path / "list.txt"
    listed.write_text(f"{store}/in/walk.mp4\n{store}/in/b.mp4\n")
    code, out, err = rmpe(
        *("video", f"{store}/in/", f"{store}/in/w*.mp4", "--list", listed),
        *("-o", f"{store}/out", "--no-video"),
    )
    assert code == 0, err
    assert "2 clips: 2 done" in out
    made = names(f"{store}/out")
    assert "b_rmpe/poses.ndjson" in made[0]
    assert [name for name in made if "/" not in name] == ["summary.json"]
    assert json.loads(content(f"{store}/out/summary.json"))["clips"] == 2
    code, out, _ = rmpe("video", f"{store}/in", "--recursive", "-o", tmp_path / "o", "--no-video")
    assert "3 clips: 3 done" in out


def test_the_same_clip_of_a_store_in_two_spellings_runs_once(
    rmpe: CommandLine, s3_server: str, store: str, tmp_path: Path
) -> None:
    if not store.startswith("s3"):
        pytest.skip("memory has one spelling")
    again = store.replace("s3://", "s3a://")
    code, out, _ = rmpe(
        "video", f"{store}/in/walk.mp4", f"{again}/in/walk.mp4", "-o", tmp_path / "o", "--no-video"
    )
    assert code == 0
    assert len(out.splitlines()) == 1


def test_what_others_put_there_and_what_is_read_is_not_replaced(
    rmpe: CommandLine, store: str
) -> None:
    put(f"{store}/out/poses.ndjson", b"precious")
    code, _, err = rmpe("video", f"{store}/in/walk.mp4", "-o", f"{store}/out", "--quiet")
    assert code == 1
    assert f"{store}/out/poses.ndjson is there already" in err
    assert names(f"{store}/out") == ["poses.ndjson"]
    put(f"{store}/in/annotated.mp4", content(f"{store}/in/walk.mp4"))
    code, _, err = rmpe(
        "video", f"{store}/in/annotated.mp4", "-o", f"{store}/in", "--quiet", "--overwrite"
    )
    assert code == 1
    assert f"{store}/in/annotated.mp4 is the file to read" in err
    assert names(f"{store}/in") == ["annotated.mp4", "walk.mp4"]


def test_pictures_of_a_store_are_a_clip_or_pictures(
    rmpe: CommandLine, store: str, tmp_path: Path
) -> None:
    picture = np.zeros((60, 200, 3), np.uint8)
    picture[20:32, 30:42] = 200
    for number in range(3):
        put(f"{store}/pics/p{number}.png", cv2.imencode(".png", picture)[1].tobytes())
    code, out, err = rmpe("video", f"{store}/pics", "--fps", "10", "-o", tmp_path / "o", "--quiet")
    assert (code, err) == (0, "")
    assert "3 frames" in out
    code, out, err = rmpe("images", f"{store}/pics", "-o", f"{store}/seen", "--quiet")
    assert (code, err) == (0, "")
    assert out == f"{store}/seen: 3 frames, up to 1 people\n"
    drawn = [f"annotated/p{number}.png" for number in range(3)]
    assert names(f"{store}/seen") == [*drawn, "poses.ndjson", "summary.json"]
    code, _, err = rmpe("images", f"{store}/pics", "-o", f"{store}/seen", "--quiet")
    assert code == 1
    assert f"{store}/seen holds the results of an earlier run" in err
    code, _, err = rmpe("images", f"{store}/pics", "-o", f"{store}/seen", "--overwrite", "--quiet")
    assert (code, err) == (0, "")


def test_stored_records_are_read_from_a_store_and_what_is_made_of_them_lies_there(
    rmpe: CommandLine, store: str, tmp_path: Path
) -> None:
    rmpe("video", f"{store}/in/walk.mp4", "-o", f"{store}/out", "--no-video", "--quiet")
    code, out, err = rmpe("convert", f"{store}/out", "--to", "coco", "-o", f"{store}/c.json")
    assert (code, out, err) == (0, f"12 frames -> {store}/c.json\n", "")
    assert len(json.loads(content(f"{store}/c.json"))) == 24
    code, _, err = rmpe("convert", f"{store}/out", "--to", "coco", "-o", f"{store}/c.json")
    assert (code, err) == (2, f"error: {store}/c.json is there already; --overwrite replaces it\n")
    code, out, err = rmpe(
        "track", f"{store}/out/poses.ndjson", "--video", f"{store}/in/walk.mp4", "--quiet"
    )
    assert (code, out, err) == (0, f"2 people -> {store}/out/tracked.ndjson\n", "")
    first = content(f"{store}/out/tracked.ndjson").splitlines()[0]
    assert json.loads(first)["source"] == f"{store}/in/walk.mp4"
    code, out, err = rmpe("report", f"{store}/out", "-o", f"{store}/page.html")
    assert code == 0 and err.startswith(f"warning: {store}/out: its clip"), err
    put(f"{store}/cut/poses.ndjson", b"{\n")
    code, _, err = rmpe("measure", f"{store}/cut/poses.ndjson", "-o", f"{store}/measures")
    assert code == 1 and err.startswith(f"error: {store}/cut/poses.ndjson"), err
    assert content(f"{store}/page.html").lower().startswith(b"<!doctype html>")
    code, out, err = rmpe(
        *("render", f"{store}/out", "--video", f"{store}/in/walk.mp4", "--quiet"),
        *("-o", tmp_path / "drawn.mp4"),
    )
    assert (code, err) == (0, "")
    assert (tmp_path / "drawn.mp4").stat().st_size > 0


def test_scores_are_made_of_a_store_and_lie_there(rmpe: CommandLine, store: str) -> None:
    truth: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "person", "keypoints": COCO_17.joints}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "area": 2500,
                "bbox": [10, 10, 50, 50],
                "num_keypoints": 17,
                "keypoints": [value for joint in range(17) for value in (20 + joint, 30, 2)],
            }
        ],
    }
    found = [truth["annotations"][0] | {"score": 0.9}]
    put(f"{store}/truth.json", json.dumps(truth).encode())
    put(f"{store}/found.json", json.dumps(found).encode())
    line = ["evaluate", "coco", "--annotations", f"{store}/truth.json"]
    line += ["--predictions", f"{store}/found.json", "--json", f"{store}/scores.json"]
    code, _, err = rmpe(*line)
    assert code == 0, err
    assert json.loads(content(f"{store}/scores.json"))["stats"]["AP"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["video", "s3://no-such-bucket/a.mp4"],
            2,
            "s3://no-such-bucket/a.mp4 does not exist",
        ),
        (
            ["video", "{clip}", "-o", "s3://no-such-bucket/out"],
            1,
            "s3://no-such-bucket/out: The specified bucket does not exist",
        ),
        (
            ["video", "gs://bucket/a.mp4"],
            2,
            "gs://bucket/a.mp4 cannot be opened: pip install 'rmpe[remote]'",
        ),
        (["convert", "s3://clips/none", "--to", "coco"], 2, "s3://clips/none does not exist"),
        (["video", "{clip}", "-o", "https://a.b/c"], 2, "nothing can be written to https://a.b/c"),
        (
            ["train", "compact_coco", "--annotations", "s3://clips/my.json", "--output", "run"],
            2,
            "s3://clips/my.json is an address; needed here is a path of this disk",
        ),
        (
            ["train", "compact_coco", "--data", ".", "--output", "s3://clips/run"],
            2,
            "s3://clips/run is an address; needed here is a path of this disk",
        ),
        (["export", "compact", "-o", "gs://clips/a.onnx"], 2, "gs://clips/a.onnx is an address"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    rmpe: CommandLine,
    s3_server: str,
    staging: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    for scheme in ("gs", "gcs"):  # not what an earlier test has loaded
        monkeypatch.delitem(_registry, scheme, raising=False)
    clip = str(tmp_path / "walk.mp4")
    if "{clip}" in arguments:
        from tests.helpers.kill_runs import write_clip
        from tests.helpers.squares import make_squares

        write_clip(clip, make_squares([2] * 4, step=0))
    found, _, err = (
        rmpe(*(clip if word == "{clip}" else word for word in arguments), "--quiet")
        if arguments[0] == "video"
        else rmpe(*arguments)
    )
    assert found == code
    assert words in err
    assert len(err.splitlines()) == 1
    assert "secret-of-nobody" not in err


def test_credentials_are_nowhere_in_what_is_written(
    rmpe: CommandLine, s3_server: str, store: str, staging: Path, tmp_path: Path
) -> None:
    rmpe("video", f"{store}/in/walk.mp4", "-o", tmp_path / "o", "--no-video", "--quiet")
    for path in (tmp_path / "o").rglob("*"):
        assert not path.is_file() or b"of-nobody" not in path.read_bytes()


BREAKS = """
import sys
sys.path.insert(0, {repository!r})
import os
import cli
from pipeline.storage import store
from tests.helpers.squares import SquaresEstimator
from rmpe_cli import building

class Breaks(SquaresEstimator):
    def detect(self, images):
        if self.detected >= int(os.environ["BREAK_AT"]):
            os._exit(9)
        return super().detect(images)

building.build_estimator = lambda given, threads: Breaks()
puts = []
put = store.Stored.put

def slow_put(self, source):
    put(self, source)
    puts.append(self.name)
    if len(puts) == int(os.environ["BREAK_AT_PUT"]):
        os._exit(9)

store.Stored.put = slow_put
cli.main()
"""


def test_a_killed_run_leaves_nothing_in_the_store_and_goes_on(
    rmpe: CommandLine, s3_server: str, store: str, staging: Path, tmp_path: Path, repository: Path
) -> None:
    if not store.startswith("s3"):
        pytest.skip("memory ends with its process")
    program = tmp_path / "program.py"
    program.write_text(BREAKS.format(repository=str(repository)))
    line = [sys.executable, str(program), "video", f"{store}/in/walk.mp4", "-o", f"{store}/out"]

    def run(**settings: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*line, "--quiet"], env={**os.environ, **settings}, capture_output=True, text=True
        )

    broken = run(BREAK_AT="6", BREAK_AT_PUT="0")
    assert broken.returncode == 9, broken.stderr
    assert Stored.at(f"{store}/out").kind() == ""
    broken = run(BREAK_AT="99", BREAK_AT_PUT="2")  # the mark and one file are there
    assert broken.returncode == 9, broken.stderr
    assert "summary.json" not in names(f"{store}/out")
    code, out, err = rmpe("video", f"{store}/in/walk.mp4", "-o", f"{store}/out", "--quiet")
    assert (code, err) == (0, "")
    assert "already done" in out
    assert names(f"{store}/out") == OUTPUTS
    assert left_on_disk(staging) == []


def test_an_upload_that_fails_takes_back_what_it_wrote(
    rmpe: CommandLine, store: str, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_whole = Stored.put

    def fails(self: Stored, source: str) -> None:
        if self.name == "poses.ndjson":
            raise OSError(f"{self.shown} cannot be used: the line is cut")
        put_whole(self, source)

    line = ["video", f"{store}/in/walk.mp4", "-o", f"{store}/out", "--quiet"]
    monkeypatch.setattr(Stored, "put", fails)
    code, _, err = rmpe(*line)
    assert code == 1
    assert "the line is cut; the results are kept on this disk and the same command" in err
    assert [name for name in names(f"{store}/out") if not name.startswith(".")] == []
    monkeypatch.setattr(Stored, "put", put_whole)
    code, _, err = rmpe(*line)
    assert (code, err) == (0, "")
    assert names(f"{store}/out") == OUTPUTS


def test_parts_of_a_clip_of_a_store_give_the_files_of_a_run_in_one_go(
    rmpe: CommandLine, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rmpe_cli import building
    from tests.helpers.squares import SquaresEstimator

    monkeypatch.setattr(building, "build_on_worker", lambda given, cores: SquaresEstimator())
    rmpe("video", f"{store}/in/walk.mp4", "-o", f"{store}/whole", "--quiet")
    line = ["batch", f"{store}/in/walk.mp4", "--engine", "local", "--segments", "2"]
    code, _, err = rmpe(*line, "-o", f"{store}/parts", "--quiet")
    assert (code, err) == (0, "")
    assert names(f"{store}/parts") == OUTPUTS
    for name in OUTPUTS[:2]:
        assert content(f"{store}/parts/{name}") == content(f"{store}/whole/{name}")
    code, _, err = rmpe(*line, "-o", f"{store}/parts", "--quiet", "--format", "coco")
    assert (code, err) == (0, "")
    assert "coco-results.json" in names(f"{store}/parts")
