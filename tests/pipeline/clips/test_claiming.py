"""Outputs replace neither what is read nor what others made, and are of one run in the end."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.clips import ClipJob, FolderInUseError, OutputPlan, run_job
from pipeline.clips.pictures import run_pictures
from pipeline.clips.worklist import attempt_job
from pipeline.readers import Span
from pipeline.sources import NetworkPoses
from pipeline.storage.inputs import unique_sources
from rmpe.formats import read_records
from tests.helpers.odd_clips import four_corners
from tests.helpers.squares import SquaresEstimator, make_squares


def poses() -> NetworkPoses:
    return NetworkPoses(SquaresEstimator())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip of 20 frames of squares."""
    from tests.helpers.kill_runs import write_clip

    write_clip(tmp_path / "walk.mp4", make_squares([2] * 20, step=0))
    return tmp_path / "walk.mp4"


def pictures(folder: Path, count: int, name: str = "p{}.png") -> list[Path]:
    """Write pictures of squares and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name.format(number) for number in range(count)]
    for path, frame in zip(paths, make_squares([1] * count)):
        assert cv2.imwrite(str(path), frame.image_bgr)
    return paths


def test_a_run_that_begins_again_leaves_nothing_of_the_one_before(
    clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    formats = ("openpose", "alphapose-open", "coco")
    run_job(ClipJob(str(clip), OutputPlan(out, formats)), poses)
    assert len(list((out / "openpose").iterdir())) == 20
    again = ClipJob(
        str(clip),
        OutputPlan(out, ("openpose",), video=False),
        span=Span(end_s=0.2),
        rerun="overwrite",
    )
    run_job(again, poses)
    assert sorted(path.name for path in out.iterdir()) == [
        "openpose",
        "poses.ndjson",
        "summary.json",
    ]
    assert len(list((out / "openpose").iterdir())) == 5
    assert len(list(read_records(out / "openpose", "openpose"))) == 5


def test_fewer_pictures_leave_none_of_the_earlier_ones(tmp_path: Path) -> None:
    found = pictures(tmp_path / "in", 4)
    plan = OutputPlan(tmp_path / "out", ("openpose",), video=False, images=True)
    run_pictures(found, poses, plan)
    with pytest.raises(ValueError, match="--overwrite replaces them"):
        run_pictures(found[:2], poses, plan)
    run_pictures(found[:2], poses, plan, overwrite=True)
    assert len(list((tmp_path / "out/annotated").iterdir())) == 2
    assert len(list((tmp_path / "out/openpose").iterdir())) == 2


def test_an_input_is_never_an_output(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_job(ClipJob(str(clip), OutputPlan(out)), poses)
    own = out / "annotated.mp4"
    before = own.read_bytes()
    for video in (True, False):
        job = ClipJob(str(own), OutputPlan(out, video=video), rerun="overwrite")
        with pytest.raises(ValueError, match=r"annotated\.mp4 is the file to read"):
            run_job(job, pytest.fail)
    assert own.read_bytes() == before
    found = pictures(tmp_path / "im/annotated", 2)
    for folder in (tmp_path / "im", tmp_path / "im/annotated/.."):
        plan = OutputPlan(folder, video=False, images=True)
        with pytest.raises(ValueError, match="is the file to read"):
            run_pictures(found, pytest.fail, plan, overwrite=True)


def test_pictures_of_equal_names_stay_inside_the_output(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    found = [*pictures(tmp_path / "x", 1), *pictures(tmp_path / "y", 1)]
    before = [path.read_bytes() for path in found]
    run_pictures(found, poses, OutputPlan(tmp_path / "out", video=False, images=True))
    assert [path.read_bytes() for path in found] == before
    drawn = sorted(path.relative_to(tmp_path) for path in (tmp_path / "out").rglob("*.png"))
    assert drawn == [Path("out/annotated/x/p0.png"), Path("out/annotated/y/p0.png")]


@pytest.mark.parametrize("name", ["openpose", "alphapose-open"])
def test_a_picture_whose_name_leaves_no_room_forbids_the_run(tmp_path: Path, name: str) -> None:
    found = pictures(tmp_path / "in", 2, "p" * 250 + "{}.png")
    plan = OutputPlan(tmp_path / "out", (name,), video=False, images=True)
    with pytest.raises(ValueError, match=r"a name of 2\d\d bytes, at most 255 are possible"):
        run_pictures(found, pytest.fail, plan)
    assert not (tmp_path / "out").exists()
    run_pictures(found, poses, replace(plan, formats=("coco",)))
    assert len(list((tmp_path / "out/annotated").iterdir())) == 2


@pytest.mark.parametrize("name", ["poses.ndjson", "annotated.mp4", "summary.json"])
def test_foreign_files_are_replaced_only_when_that_is_said(
    clip: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text('{"mine": 1}')
    job = ClipJob(str(clip), OutputPlan(out))
    outcome, _ = attempt_job(job, SquaresEstimator)
    assert outcome.state == "failed"
    assert name in outcome.reason and "--overwrite" in outcome.reason
    assert (out / name).read_text() == '{"mine": 1}'
    assert run_job(replace(job, rerun="overwrite"), poses).complete


def test_other_files_in_the_folder_are_let_alone(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "annotated").mkdir(parents=True)
    (out / "notes.txt").write_text("mine")
    assert cv2.imwrite(str(out / "annotated/mine.png"), four_corners())
    assert run_job(ClipJob(str(clip), OutputPlan(out)), poses).complete
    assert run_job(ClipJob(str(clip), OutputPlan(out), rerun="overwrite"), poses).complete
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "annotated/mine.png").exists()


def test_a_kind_that_is_read_but_not_written_is_drawn_as_png(tmp_path: Path) -> None:
    found = pictures(tmp_path / "in", 1, "p.png")
    found = [found[0].rename(tmp_path / "in/p.HEIC")]
    run_pictures(found, poses, OutputPlan(tmp_path / "out", video=False, images=True))
    assert [path.name for path in (tmp_path / "out/annotated").iterdir()] == ["p.HEIC.png"]


def test_two_runs_of_pictures_do_not_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.clips.folder_lock._PATIENCE_S", 0.1)
    found = pictures(tmp_path / "in", 3)
    plan = OutputPlan(tmp_path / "out", video=False)
    began, go_on = threading.Event(), threading.Event()

    def wait(result: object) -> None:
        began.set()
        go_on.wait(10)

    first = threading.Thread(target=lambda: run_pictures(found, poses, plan, on_frame=wait))
    first.start()
    assert began.wait(10)
    try:
        with pytest.raises(FolderInUseError):
            run_pictures(found, poses, plan, overwrite=True)
    finally:
        go_on.set()
        first.join()
    assert json.loads((tmp_path / "out/summary.json").read_text())["complete"]
    assert len(list(read_records(tmp_path / "out/poses.ndjson"))) == 3


@pytest.mark.parametrize(
    ("output", "message"),
    [("file", "is a file, needed is a folder"), ("/proc/x", "cannot be made: ")],
)
def test_a_folder_that_cannot_be_is_told_without_numbers(
    clip: Path, tmp_path: Path, output: str, message: str
) -> None:
    (tmp_path / "file").touch()
    outcome, _ = attempt_job(ClipJob(str(clip), OutputPlan(tmp_path / output)), SquaresEstimator)
    assert outcome.state == "failed"
    assert message in outcome.reason and "Errno" not in outcome.reason


def test_a_folder_of_frames_is_a_clip_with_times_and_an_annotated_video(tmp_path: Path) -> None:
    pictures(tmp_path / "frames", 12, "f_{:03d}.png")
    job = ClipJob(str(tmp_path / "frames"), OutputPlan(tmp_path / "out"), fps=5)
    summary = run_job(job, poses)
    assert (summary.frames, summary.identities) == (12, 1)
    records = read_records(tmp_path / "out/poses.ndjson")
    assert records.header.fps == 5
    assert [record.timestamp_s for record in records] == pytest.approx(np.arange(12) / 5)
    assert (tmp_path / "out/annotated.mp4").exists()
    assert run_job(job, pytest.fail).already_done
    pictures(tmp_path / "frames", 13, "f_{:03d}.png")
    with pytest.raises(ValueError, match="changed"):
        run_job(job, pytest.fail)


def test_a_further_format_of_a_clip_that_is_done_needs_no_run(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_job(ClipJob(str(clip), OutputPlan(out, ("coco",))), poses)
    more = ClipJob(str(clip), OutputPlan(out, ("coco", "openpose", "alphapose")))
    assert run_job(more, pytest.fail).already_done
    whole = ClipJob(str(clip), OutputPlan(tmp_path / "whole", more.plan.formats))
    run_job(whole, poses)
    for name in ("coco-results.json", "alphapose-results.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(list((out / "openpose").iterdir())) == 20
    assert run_job(more, pytest.fail).already_done
    other = ClipJob(str(clip), OutputPlan(out, ("coco", "posetrack"), video=False))
    with pytest.raises(ValueError, match="asked for otherwise"):
        run_job(other, pytest.fail)
    (out / "posetrack.json").write_text("mine")
    assert run_job(more, pytest.fail).already_done


def test_the_same_clip_named_twice_is_one(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.mp4").symlink_to(clip)
    named = [str(clip), "walk.mp4", "./walk.mp4", "link.mp4", "http://x/a", "http://x/a", "none"]
    assert unique_sources(named) == [str(clip), "http://x/a", "none"]


def test_a_secret_address_is_in_no_file(tmp_path: Path) -> None:
    secret = "http://me:hidden@127.0.0.1:9/b.mp4?token=abc"
    outcome, _ = attempt_job(ClipJob(secret, OutputPlan(tmp_path / "out")), SquaresEstimator)
    assert outcome.source == "http://127.0.0.1:9/b.mp4"
    assert "hidden" not in str(outcome) and "abc" not in str(outcome)
    request = json.dumps(ClipJob(secret, OutputPlan(tmp_path / "out")).whole_request())
    assert "hidden" not in request and "abc" not in request


def test_a_span_behind_the_end_is_a_failure_in_one_sentence(clip: Path, tmp_path: Path) -> None:
    job = ClipJob(str(clip), OutputPlan(tmp_path / "out"), span=Span(start_s=100))
    outcome, _ = attempt_job(job, SquaresEstimator)
    assert outcome.state == "failed"
    assert "before the start that was asked for, 100 s" in outcome.reason
    assert not (tmp_path / "out").exists()
