"""Lists of clips: one bad clip does not stop the rest, a second call does what is left."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from pipeline.clips.clip import ClipSummary
from pipeline.clips.jobs import ClipJob, run_job
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.worklist import (
    ClipOutcome,
    run_worklist,
    worklist_table,
    write_worklist_summary,
)
from pipeline.fleet import run_fleet, run_on_ray
from pipeline.options import RunOptions
from rmpe_cli.terminal.progress import FleetBar
from tests.helpers.squares import MakeFrames


class Recorder:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.starts, self.frames, self.ends = [], 0, []

    def started(self, job: ClipJob, info: Any, done: int) -> None:
        self.starts.append((job.plan.folder.name, info.width, done))

    def advanced(self, result: Any) -> None:
        self.frames += 1

    def ended(self, outcome: ClipOutcome, summary: ClipSummary | None) -> None:
        self.ends.append((outcome.state, summary is not None))


@pytest.fixture
def jobs(tmp_path: Path, people: MakeFrames) -> list[ClipJob]:
    """Jobs of the clips a, b (no clip at all) and c, of 6 frames."""
    for name in "ac":
        with av.open(str(tmp_path / f"{name}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5"})
            stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
            for frame in people([1, 2, 0, 2, 1, 1], step=0):
                picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    (tmp_path / "b.mp4").write_text("no clip")
    return [
        ClipJob(
            str(tmp_path / f"{name}.mp4"),
            OutputPlan(tmp_path / "out" / name, video=False),
            options=RunOptions(chunk_frames=4),
        )
        for name in "abc"
    ]


def test_a_bad_clip_is_reported_and_a_second_call_does_what_is_left(
    jobs: list[ClipJob], squares: Callable[..., Any], tmp_path: Path
) -> None:
    made = []

    def estimator() -> Any:
        made.append(squares())
        return made[-1]

    watcher = Recorder()
    outcomes = run_worklist(jobs, estimator, watcher)
    assert [o.state for o in outcomes] == ["done", "failed", "done"]
    assert "cannot be opened as a video" in outcomes[1].reason
    assert [(o.frames, o.most_people, o.identities) for o in outcomes[::2]] == [(6, 2, 2)] * 2
    assert watcher.starts == [("a", 200, 0), ("c", 200, 0)]
    assert watcher.frames == 12
    assert watcher.ends == [("done", True), ("failed", False), ("done", True)]
    assert len(made) == 1
    table = worklist_table(outcomes).splitlines()
    assert table[4] == "3 clips: 2 done, 1 failed"
    assert table[5].startswith(f"{tmp_path / 'b.mp4'} cannot be opened")
    assert len(worklist_table(outcomes, {outcomes[1].reason}).splitlines()) == 5

    (tmp_path / "a.mp4").rename(tmp_path / "kept")
    (tmp_path / "kept").rename(tmp_path / "b.mp4")
    jobs = jobs[1:]
    again = run_worklist(jobs, estimator, Recorder())
    assert [o.state for o in again] == ["done", "already done"]
    assert sum(estimator.detected for estimator in made) == 18


def test_fail_fast_leaves_out_the_rest(jobs: list[ClipJob], squares: Callable[..., Any]) -> None:
    outcomes = run_worklist(jobs, squares, Recorder(), fail_fast=True)
    assert [o.state for o in outcomes] == ["done", "failed", "not run"]
    assert not any(o.succeeded for o in outcomes[1:])


def test_nothing_to_do_builds_no_estimator(
    jobs: list[ClipJob], squares: Callable[..., Any], tmp_path: Path
) -> None:
    assert run_worklist([], pytest.fail, Recorder()) == []
    run_worklist(jobs[:1], squares, Recorder())
    assert run_worklist(jobs[:1], pytest.fail, Recorder())[0].state == "already done"


def test_the_summary_of_a_list_counts_states_and_frames(
    jobs: list[ClipJob], squares: Callable[..., Any], tmp_path: Path
) -> None:
    outcomes = run_worklist(jobs, squares, Recorder())
    write_worklist_summary(tmp_path / "new", outcomes)
    item = json.loads((tmp_path / "new/summary.json").read_text())
    assert item["clips"] == 3
    assert item["states"] == {"done": 2, "failed": 1}
    assert item["frames"] == 12
    assert item["outcomes"][1]["source"] == str(tmp_path / "b.mp4")


def test_failures_are_a_csv_with_a_line_each_and_none_is_left_when_all_is_well(
    jobs: list[ClipJob], squares: Callable[..., Any], tmp_path: Path
) -> None:
    outcomes = run_worklist(jobs, squares, Recorder())
    comma = replace(outcomes[1], source="odd, name.mp4")
    write_worklist_summary(tmp_path / "new", [outcomes[0], comma])
    with open(tmp_path / "new/failures.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["clip"], row["state"]) for row in rows] == [("odd, name.mp4", "failed")]
    assert "cannot be opened as a video" in rows[0]["reason"]
    write_worklist_summary(tmp_path / "new", outcomes[::2])
    assert not (tmp_path / "new/failures.csv").exists()


def test_a_fleet_in_this_process_counts_frames_and_tells_of_every_clip(
    jobs: list[ClipJob], squares: Callable[..., Any]
) -> None:
    ended, frames = [], []
    outcomes = run_fleet(
        jobs, lambda cores: squares(), None, on_frames=frames.append, on_end=ended.append
    )
    assert [o.state for o in outcomes] == ["done", "failed", "done"]
    assert ended == outcomes
    assert sum(frames) == 12
    again = run_fleet(jobs, lambda cores: squares(), None)
    assert [o.state for o in again] == ["already done", "failed", "already done"]


def test_the_fleets_bar_tells_of_every_clip_and_quiet_of_failures_alone(
    jobs: list[ClipJob], squares: Callable[..., Any]
) -> None:
    for quiet, states in [(False, ["done", "failed", "done"]), (True, ["failed"])]:
        told = []
        with FleetBar(told.append, quiet) as bar:
            outcomes = run_fleet(
                [replace(job, rerun="overwrite") for job in jobs],
                lambda cores: squares(),
                None,
                on_frames=bar.advance,
                on_end=bar.ended,
            )
        failures = [line for line in told if line.startswith("error: ")]
        assert len(failures) == 1
        assert f"{jobs[1].source} cannot be opened" in failures[0]
        assert len(told) == len(states)
        assert bar.told == {outcome.reason for outcome in outcomes if outcome.reason}


def test_a_fault_in_one_clip_does_not_cost_the_others(
    jobs: list[ClipJob], squares: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(job: ClipJob, *arguments: Any, **settings: Any) -> ClipSummary:
        if job.source.endswith("a.mp4"):
            raise AttributeError("a fault of ours")
        return run_job(job, *arguments, **settings)

    monkeypatch.setattr("pipeline.clips.worklist.run_job", breaks)
    outcomes = run_worklist(jobs, squares, Recorder())
    assert [o.state for o in outcomes] == ["failed", "failed", "done"]
    assert outcomes[0].reason == "AttributeError: a fault of ours"


def test_names_that_are_no_text_are_told_as_well_as_can_be(
    jobs: list[ClipJob], squares: Callable[..., Any], tmp_path: Path
) -> None:
    odd = tmp_path / "odd\udcff.mp4"
    (tmp_path / "a.mp4").rename(odd)
    outcomes = run_worklist([replace(jobs[0], source=str(odd)), jobs[2]], squares, Recorder())
    assert [o.state for o in outcomes] == ["done", "done"]
    assert outcomes[0].source.endswith("odd\ufffd.mp4")
    worklist_table(outcomes).encode()
    write_worklist_summary(tmp_path, outcomes)


def test_memory_of_one_process_is_refused_for_workers(jobs: list[ClipJob]) -> None:
    job = replace(jobs[0], plan=replace(jobs[0].plan, address="memory://out"))
    with pytest.raises(ValueError, match="memory://out is in this process alone"):
        run_on_ray([job], pytest.fail)
