"""Interrupted runs: what they keep, and that going on gives what an uninterrupted run gives."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import pytest

from pipeline.assemble import RunOptions
from pipeline.folder_lock import FolderInUseError, FolderLock
from pipeline.jobs import ClipJob, run_job
from pipeline.journal import Checkpoint
from pipeline.outputs import OutputPlan
from pipeline.stage import StageError
from pipeline.writers import RecordsWriter

FRAMES = 50


@pytest.fixture
def job(tmp_path, people):
    """A function that returns a job of one small clip into a folder."""
    with av.open(str(tmp_path / "walk.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5"})
        stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
        for frame in people([1 + i % 3 for i in range(FRAMES)], step=0):
            picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))

    def make(name="out", formats=("coco",), **settings):
        chosen = {"options": RunOptions(section_frames=8), "save_every_s": 0.0, **settings}
        return ClipJob(
            str(tmp_path / "walk.mp4"), OutputPlan(tmp_path / name, tuple(formats)), **chosen
        )

    return make


class StopsAtError(RuntimeError):
    """The pretended accident."""


def breaks_after(squares, frames, folder):
    """An estimator that fails after so many frames, when the run has saved how far it came."""
    saved = folder / ".rmpe/checkpoint.json"

    class Breaks(squares):
        left = frames

        def suppress(self, poses):
            if self.left == 0:
                deadline = time.monotonic() + 30
                while not saved.exists() and time.monotonic() < deadline:
                    time.sleep(0.01)
                raise StopsAtError("the accident")
            self.left -= 1
            return super().suppress(poses)

    return Breaks()


def contents(folder):
    names = ("poses.ndjson", "coco-results.json", "annotated.mp4")
    return {name: (folder / name).read_bytes() for name in names}


def run(job, estimator, **callbacks):
    return run_job(job, lambda: estimator, **callbacks)


@pytest.mark.parametrize("kills", [4, pytest.param(25, marks=pytest.mark.slow)])
def test_runs_killed_at_random_moments_end_with_the_same_bytes(tmp_path, repository, kills):
    here = Path(__file__).parent
    process = subprocess.run(
        [sys.executable, here / "kill_runs.py", here / "conftest.py", tmp_path, str(kills), "7"],
        env={**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=110,
    )
    result = json.loads(process.stdout)
    assert result["killed"] == kills
    assert result["differing"] == []


@pytest.mark.parametrize("track", [True, False])
def test_a_failed_run_goes_on_where_its_last_section_ended(squares, job, track):
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


def test_a_finished_clip_is_left_alone_unless_it_shall_be_overwritten(squares, job):
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


def test_results_of_another_run_are_not_replaced(squares, job):
    run(job(), squares())
    with pytest.raises(ValueError, match="finished run of another clip or with other options"):
        run(job(described={"min_score": 0.5}), squares())
    with pytest.raises(StageError):
        run(job("part"), breaks_after(squares, 30, job("part").plan.folder))
    with pytest.raises(ValueError, match=r"unfinished run .* other options, .* --overwrite"):
        run(job("part", described={"min_score": 0.5}), squares())
    other = squares()
    other.runtime.description = "another"
    with pytest.raises(ValueError, match=r"by another engine \(rmpe .*squares\)"):
        run(job("part"), other)
    assert run(job("part", rerun="overwrite"), squares()).resumed_at == 0


def test_a_changed_source_or_file_among_the_options_is_another_run(job, tmp_path):
    (tmp_path / "boxes.json").write_text("1")
    plain, with_boxes = job(), job(described={"boxes": str(tmp_path / "boxes.json")})
    before = plain.asked(), with_boxes.asked()
    assert before[0] != before[1]
    (tmp_path / "boxes.json").write_text("22")
    assert plain.asked() == before[0]
    assert with_boxes.asked() != before[1]
    os.utime(plain.source, ns=(1, 1))
    assert plain.asked() != before[0]


def test_a_torn_checkpoint_begins_again_and_too_few_records_are_refused(squares, job, caplog):
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


def test_the_second_process_on_a_folder_is_refused_in_one_line(squares, job):
    folder = job().plan.folder

    def second(info, done):
        with pytest.raises(FolderInUseError, match=rf"in use .*process {os.getpid()}") as refused:
            run(job(), squares())
        assert "\n" not in str(refused.value)

    assert run(job(), squares(), on_start=second).complete
    with FolderLock(folder), pytest.raises(FolderInUseError):
        FolderLock(folder)
    with FolderLock(folder):
        pass


def test_a_clip_that_cannot_be_opened_leaves_no_folder(squares, job, tmp_path):
    (tmp_path / "walk.mp4").write_text("no clip")
    with pytest.raises(OSError, match="cannot be opened"):
        run(job(), squares())
    assert not job().plan.folder.exists()


def test_a_full_disk_keeps_the_frames_that_were_written_and_names_the_reason(
    squares, job, monkeypatch
):
    written = []
    write = RecordsWriter.write

    def until_full(self, frame, poses):
        if frame.index == 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(frame.index)
        write(self, frame, poses)

    monkeypatch.setattr(RecordsWriter, "write", until_full)
    with pytest.raises(StageError, match=r"stage 'write native', frame 20: .*No space left"):
        run(job(formats=()), squares())
    folder = job().plan.folder
    assert len((folder / "poses.ndjson").read_text().splitlines()) == 1 + 20
    assert "No space left" in json.loads((folder / "summary.json").read_text())["failure"]
    monkeypatch.undo()
    run(job(formats=()), squares())
    run(job("whole", formats=()), squares())
    names = ("poses.ndjson", "annotated.mp4")
    for name in names:
        assert (folder / name).read_bytes() == (folder.parent / "whole" / name).read_bytes()


def test_a_checkpoint_that_cannot_be_written_is_a_warning_and_the_run_goes_on(
    squares, job, monkeypatch
):
    def refuse(self, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Checkpoint, "save", refuse)
    summary = run(job(), squares())
    assert summary.complete
    assert len(summary.warnings) == 1
    assert "progress cannot be saved" in summary.warnings[0]
    assert (
        "No space left"
        in json.loads((job().plan.folder / "summary.json").read_text())["warnings"][0]
    )
