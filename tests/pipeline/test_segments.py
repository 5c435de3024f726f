"""A clip in parts: the poses of the whole run, and its identities."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from pipeline.assemble import RunOptions
from pipeline.batch import run_in_parts
from pipeline.jobs import ClipJob, run_job
from pipeline.outputs import OutputPlan
from pipeline.segments import Part, StitchedRecords, plan_parts
from pipeline.worklist import attempt_job
from rmpe.formats import ClipHeader, NativeWriter
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton
from tracking import OnlineTracker

FIVE = Skeleton("five", ("a", "b", "c", "d", "e"), (), (0.1,) * 5)


@pytest.mark.parametrize(
    ("frames", "count", "section", "expected"),
    [
        (1000, 1, 64, [(0, None)]),
        (2000, 4, 64, [(0, 576), (448, 1088), (960, 1600), (1472, None)]),
        (520, 4, 10, [(0, 390), (260, None)]),
        (50, 4, 16, [(0, None)]),
        (0, 4, 64, [(0, None)]),
    ],
)
def test_parts_begin_at_sections_and_overlap_by_whole_ones(frames, count, section, expected):
    got = plan_parts(frames, count, section)
    assert got == [Part(first, end) for first, end in expected]


def part_of(folder, number, first, end, frames, skeleton, size):
    """Track a part of a clip with a tracker of its own and store it as a job would."""
    job = ClipJob("scene", OutputPlan(folder / f"part{number}"), first=first, end=end)
    job.plan.folder.mkdir()
    header = ClipHeader(skeleton, "scene", *size, 25.0)
    writer, tracker = NativeWriter(job.plan.folder / "poses.ndjson", header), OnlineTracker()
    for frame, poses in frames[first:end]:
        writer.write(frame.index, frame.timestamp_s, tracker.update(frame, poses))
    writer.close()
    return job


def swaying_people(count, frames, size):
    """Yield frames of people who walk to and fro before a wall, each in clothes of one colour."""
    generator = np.random.default_rng(5)
    wall = generator.integers(0, 255, (size[1], size[0], 3), np.uint8)
    colours = generator.integers(0, 255, (count, 3))
    body = np.array([[0, 0], [8, 10], [-8, 10], [6, 40], [-6, 40]], np.float32)
    columns = (np.arange(count) % 6 + 0.5) * size[0] / 6
    rows = np.arange(count) // 6 * 80 + 20
    for index in range(frames):
        swing = 12 * np.sin(index / (9 + np.arange(count)))
        points = np.stack([columns + swing, rows], 1)[:, None].astype(np.float32) + body
        boxes = np.concatenate([points.min(1), points.max(1)], 1)
        image = wall.copy()
        for (x1, y1, x2, y2), colour in zip(boxes.astype(int), colours):
            image[y1:y2, x1:x2] = colour
        # One by one they come: identities are not all given in the first frame.
        here = np.arange(count) * 12 <= index
        ones = np.ones((count, 5))
        poses = Poses(boxes, ones[:, 0], points, ones, ones[:, 0], np.zeros(count)).select(here)
        yield Frame(index, index / 25, image), poses


def test_parts_have_the_identities_of_the_whole_on_twelve_walkers(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.segments.LEAST_OVERLAP_FRAMES", 16)
    frames = list(swaying_people(12, 180, (320, 180)))
    tracker = OnlineTracker()
    whole = [tracker.update(frame, poses).ids for frame, poses in frames]
    parts = [
        part_of(tmp_path, number, part.first, part.end, frames, FIVE, (320, 180))
        for number, part in enumerate(plan_parts(180, 4, 16))
    ]
    assert len(parts) == 4
    stitched = [record.poses.ids for record in StitchedRecords(parts, 16)]
    assert [len(ids) for ids in stitched] == [len(ids) for ids in whole]
    same = np.concatenate(stitched) == np.concatenate(whole)
    assert len(same) > 1200
    assert same.mean() >= 0.99


@pytest.fixture
def job(tmp_path, people, monkeypatch):
    """A function that returns a job of a clip of squares that stand still, of 40 frames."""
    monkeypatch.setattr("pipeline.segments.LEAST_OVERLAP_FRAMES", 8)
    with av.open(str(tmp_path / "walk.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5"})
        stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
        counts = [2 + (i > 10) + (i > 30) for i in range(40)]
        for frame in people(counts, step=0):
            picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))

    def make(name, **settings):
        plan = OutputPlan(tmp_path / name, ("coco",))
        options = RunOptions(section_frames=8, detect_every=2)
        return ClipJob(str(tmp_path / "walk.mp4"), plan, options=options, **settings)

    return make


@pytest.mark.parametrize("settings", [{}, {"smooth": True}, {"track": False}])
def test_a_clip_in_parts_gives_the_records_of_the_whole_run(squares, job, settings):
    estimator = squares()
    ran = []

    def run(jobs):
        ran.extend((part.first, part.end) for part in jobs)
        return [attempt_job(part, lambda: estimator)[0] for part in jobs]

    run_job(job("whole", **settings), lambda: estimator)
    frames = []
    outcome = run_in_parts([job("parts", **settings)], 2, run, frames.append)[0]
    assert ran == [(0, 24), (16, None)]
    assert (outcome.state, outcome.frames, len(frames)) == ("done", 40, 40)
    whole, parts = job("whole").plan.folder, job("parts").plan.folder
    for name in ("poses.ndjson", "coco-results.json"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    with av.open(str(parts / "annotated.mp4")) as container:
        assert len(list(container.decode(video=0))) == 40
    assert not (parts / ".rmpe").exists()
    summary = json.loads((parts / "summary.json").read_text())
    assert summary["complete"]
    assert summary["network"] == "squares"

    again = run_in_parts([job("parts", **settings)], 2, run)[0]
    assert again.state == "already done"
    assert len(ran) == 2
    assert run_job(job("parts", **settings), pytest.fail).already_done


def test_a_part_that_fails_is_the_clips_reason_and_the_others_are_kept(squares, job, tmp_path):
    def run(jobs):
        outcomes = [attempt_job(part, squares)[0] for part in jobs]
        return [outcomes[0], replace(outcomes[1], state="failed", reason="its worker died")]

    (tmp_path / "none.mp4").write_text("no clip")
    bad = replace(job("bad"), source=str(tmp_path / "none.mp4"))
    outcomes = run_in_parts([job("parts"), bad], 2, run)
    assert [o.state for o in outcomes] == ["failed", "failed"]
    assert outcomes[0].reason == "its worker died"
    assert "cannot be opened" in outcomes[1].reason
    states = []

    def once_more(jobs):
        outcomes = [attempt_job(part, squares)[0] for part in jobs]
        states.extend(outcome.state for outcome in outcomes)
        return outcomes

    assert run_in_parts([job("parts")], 2, once_more)[0].state == "done"
    assert states == ["already done", "already done"]
