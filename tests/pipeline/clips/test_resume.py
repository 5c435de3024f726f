"""Interrupted runs: what they keep, and that going on gives what an uninterrupted run gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import torch

from pipeline.clips.clip import ClipSummary
from pipeline.clips.folder_lock import FolderInUseError, FolderLock
from pipeline.clips.jobs import ClipJob, run_job
from pipeline.clips.journal import Checkpoint
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.worklist import attempt_job
from pipeline.engine.stage import StageError
from pipeline.options import RunOptions
from pipeline.sources import NetworkPoses, find_nobody
from rmpe.drawing import Look
from rmpe.estimator import PoseEstimator
from rmpe.records import Poses
from rmpe.runtimes import PreprocessedNetwork, build_runtime
from rmpe.zoo.conventions import CONVENTIONS
from tests.helpers.squares import MakeFrames, SquaresEstimator

FRAMES = 50


@pytest.fixture
def job(tmp_path: Path, people: MakeFrames) -> Callable[..., ClipJob]:
    """A function that returns a job of one small clip into a folder."""
    with av.open(str(tmp_path / "walk.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5"})
        stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
        for frame in people([1 + i % 3 for i in range(FRAMES)], step=0):
            picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))

    def make(name: str = "out", formats: tuple[str] = ("coco",), **settings: Any) -> ClipJob:
        chosen = {"options": RunOptions(chunk_frames=8), "save_every_s": 0.0, **settings}
        return ClipJob(
            str(tmp_path / "walk.mp4"), OutputPlan(tmp_path / name, tuple(formats)), **chosen
        )

    return make


class StopsAtError(RuntimeError):
    """The pretended accident."""


def breaks_after(squares: type[SquaresEstimator], frames: int, folder: Path) -> SquaresEstimator:
    """An estimator that fails after so many frames, when the run has saved how far it came."""
    saved = folder / ".rmpe/checkpoint.json"

    class Breaks(SquaresEstimator):
        left = frames

        def suppress(self, poses: Poses) -> Poses:
            if self.left == 0:
                deadline = time.monotonic() + 30
                while not saved.exists() and time.monotonic() < deadline:
                    time.sleep(0.01)
                raise StopsAtError("the accident")
            self.left -= 1
            return super().suppress(poses)

    return Breaks()


def contents(folder: Path) -> dict[str, bytes]:
    names = ("poses.ndjson", "coco-results.json", "annotated.mp4")
    return {name: (folder / name).read_bytes() for name in names}


def run(job: ClipJob, estimator: SquaresEstimator, **callbacks: Any) -> ClipSummary:
    return run_job(job, lambda: NetworkPoses(estimator), **callbacks)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
@pytest.mark.timeout(600)
def test_runs_killed_at_25_random_moments_end_with_the_same_bytes(
    tmp_path: Path, repository: Path
) -> None:
    kills = 25
    process = subprocess.run(
        [sys.executable, "-m", "tests.helpers.kill_runs", tmp_path, str(kills), "7"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=580,
    )
    result = json.loads(process.stdout)
    assert sum(result["killed"].values()) == kills
    assert min(result["killed"].values()) >= kills // 3
    assert result["differing"] == []


@pytest.mark.parametrize("track", [True, False])
def test_a_failed_run_goes_on_where_its_last_chunk_ended(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob], track: bool
) -> None:
    expected = run(job("whole", track=track), squares())
    with pytest.raises(StageError, match="the accident"):
        run(job(track=track), breaks_after(squares, 30, job().plan.folder))
    work = job().plan.folder / ".rmpe"
    saved = Checkpoint.load(work / "checkpoint.json")
    assert saved.frames in (8, 16, 24)
    summary = json.loads((work.parent / "summary.json").read_text())
    assert "the accident" in summary["failure"]

    started = []
    got = run(job(track=track), squares(), on_start=lambda info, done: started.append(done))
    assert started == [saved.frames]
    assert got.resumed_at == saved.frames
    assert contents(job().plan.folder) == contents(job("whole").plan.folder)
    assert (got.frames, got.people, got.identities) == (
        expected.frames,
        expected.people,
        expected.identities,
    )
    assert sorted(path.name for path in work.parent.iterdir()) == [
        *("annotated.mp4", "coco-results.json", "poses.ndjson", "summary.json")
    ]


@pytest.mark.parametrize("look", [Look(trails=20), Look(trails=3, only=(1, 2), width=320)])
def test_trails_go_on_where_a_run_goes_on(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob], look: Any
) -> None:
    def with_trails(name: str) -> ClipJob:
        made = job(name, track=True)
        return replace(made, plan=replace(made.plan, look=look))

    run(with_trails("whole"), squares())
    with pytest.raises(StageError, match="the accident"):
        run(with_trails("out"), breaks_after(squares, 30, job().plan.folder))
    assert run(with_trails("out"), squares()).resumed_at >= 8
    assert contents(job().plan.folder) == contents(job("whole").plan.folder)
    run(job("plain", track=True), squares())
    assert (
        contents(job("plain").plan.folder)["annotated.mp4"]
        != (contents(job("whole").plan.folder)["annotated.mp4"])
    )


def test_a_finished_clip_is_left_alone_unless_it_shall_be_overwritten(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob]
) -> None:
    first = run(job(), squares())
    before = contents(job().plan.folder)
    again = run_job(job(), pytest.fail)
    assert again.already_done
    assert not first.already_done
    assert again.frames == FRAMES
    assert contents(job().plan.folder) == before
    estimator = squares()
    assert not run(job(rerun="overwrite"), estimator).already_done
    assert estimator.detected == FRAMES


def test_results_of_another_run_are_not_replaced(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob]
) -> None:
    run(job(), squares())
    with pytest.raises(ValueError, match=r"otherwise \(min_score was not given, now"):
        run(job(request={"min_score": 0.5}), squares())
    with pytest.raises(StageError):
        run(job("part"), breaks_after(squares, 30, job("part").plan.folder))
    with pytest.raises(ValueError, match=r"unfinished run of \d+ frames, .*; --overwrite"):
        run(job("part", request={"min_score": 0.5}), squares())
    other = squares()
    other.engine = "squares, other weights"
    message = r"with other weights \(.*squares, no weights; now .*squares, other weights\)"
    with pytest.raises(ValueError, match=message):
        run(job("part"), other)
    assert run(job("part", rerun="overwrite"), squares()).resumed_at == 0


def test_a_changed_source_or_file_among_the_options_is_another_run(
    job: Callable[..., ClipJob], tmp_path: Path
) -> None:
    (tmp_path / "boxes.json").write_text("1")
    plain, with_boxes = job(), job(files=(tmp_path / "boxes.json",))
    before = plain.whole_request(), with_boxes.whole_request()
    assert before[0] != before[1]
    (tmp_path / "boxes.json").write_text("22")
    assert plain.whole_request() == before[0]
    assert with_boxes.whole_request() != before[1]
    os.utime(plain.source, ns=(1, 1))
    assert plain.whole_request() != before[0]


def test_a_torn_checkpoint_begins_again_and_too_few_records_are_refused(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StageError):
        run(job(), breaks_after(squares, 30, job().plan.folder))
    folder = job().plan.folder
    records = folder / "poses.ndjson"
    whole = records.read_bytes()
    records.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]))
    with pytest.raises(ValueError, match="has 2 whole frames, needed"):
        run(job(), squares())
    (folder / ".rmpe/checkpoint.json").write_text('{"schema": "rmpe-check')
    assert run(job(), squares()).resumed_at == 0
    assert "checkpoint.json cannot be read" in caplog.text


def test_the_second_process_on_a_folder_is_refused_in_one_line(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.clips.folder_lock._PATIENCE_S", 0.1)
    folder = job().plan.folder

    def second(info: Any, done: int) -> None:
        with pytest.raises(FolderInUseError, match="in use by another run") as refused:
            run(job(), squares())
        assert "\n" not in str(refused.value)

    assert run(job(), squares(), on_start=second).complete
    with FolderLock(folder), pytest.raises(FolderInUseError):
        FolderLock(folder)
    with FolderLock(folder):
        pass


def test_a_clip_that_cannot_be_opened_leaves_no_folder(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob], tmp_path: Path
) -> None:
    (tmp_path / "walk.mp4").write_text("no clip")
    with pytest.raises(OSError, match="cannot be opened"):
        run(job(), squares())
    assert not job().plan.folder.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A function that mounts a disk of so many kB on a folder, or gives that disk a new size."""
    folder, mounted = tmp_path / "small", []
    folder.mkdir()

    def mount(kilobytes: int) -> Path:
        options = f"size={kilobytes}k" + (",remount" if mounted else "")
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk needs root and the right to mount")
        mounted.append(folder)
        return folder

    yield mount
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("kilobytes", [48, 64, 80])
def test_a_full_disk_keeps_what_was_written_names_the_reason_and_can_go_on(
    squares: type[SquaresEstimator],
    job: Callable[..., ClipJob],
    small_disk: Callable[[int], Path],
    kilobytes: int,
) -> None:
    folder = small_disk(kilobytes) / "out"
    plan = OutputPlan(folder, ("coco",))
    outcome, _ = attempt_job(replace(job(), plan=plan), squares)
    assert outcome.state == "failed"
    assert "no space left on device" in outcome.reason
    kept = Checkpoint.load(folder / ".rmpe/checkpoint.json").frames
    assert kept % 8 == 0
    assert f"its first {kept} frames are kept and the same command goes on" in outcome.reason
    lines = (folder / "poses.ndjson").read_text().splitlines()
    assert len(lines) > kept
    assert [json.loads(line)["frame"] for line in lines[1 : kept + 1]] == list(range(kept))
    assert not list(folder.rglob("*.new"))

    small_disk(8192)
    again, _ = attempt_job(replace(job(), plan=plan), squares)
    assert again.state == "done"
    run(job("whole"), squares())
    assert contents(folder) == contents(job("whole").plan.folder)


def test_a_checkpoint_that_cannot_be_written_is_a_warning_and_the_run_goes_on(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob]
) -> None:
    def block(info: Any, done: int) -> None:
        (job().plan.folder / ".rmpe/checkpoint.json.new").mkdir()

    summary = run(job(), squares(), on_start=block)
    assert summary.complete
    assert summary.frames == FRAMES
    assert len(summary.warnings) == 1
    assert "progress cannot be saved" in summary.warnings[0]
    written = json.loads((job().plan.folder / "summary.json").read_text())
    assert "is a directory" in written["warnings"][0]


def test_other_weights_are_another_engine(tmp_path: Path) -> None:
    described = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        door = PreprocessedNetwork(torch.nn.Conv2d(3, 17, 1), "rgb", (0.5,) * 3, (0.2,) * 3)
        runtime = build_runtime(door, runtime="torch", device="cpu", precision="fp32")
        estimator = PoseEstimator(find_nobody, runtime, CONVENTIONS["openmmlab"])
        described.append(estimator.engine)
    assert described[0] == described[1] != described[2]
    assert "torch" in described[0]
