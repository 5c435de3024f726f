"""A clip in parts: the records of the whole run, identities included."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from pipeline.clips.folder_lock import FolderInUseError, FolderLock
from pipeline.clips.jobs import ClipJob, run_job
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.parts import Part, plan_parts
from pipeline.clips.worklist import ClipOutcome, attempt_job
from pipeline.fleet.run import run_in_parts
from pipeline.options import RunOptions
from pipeline.readers import Span
from pipeline.sources import NetworkPoses
from rmpe.estimator import PoseEstimator
from rmpe.formats import read_records
from rmpe.geometry.crop import CropTransform
from rmpe.records import Boxes, Frame, Poses
from rmpe.skeletons import Skeleton
from tests.helpers.squares import MakeFrames, SquaresEstimator

FIVE = Skeleton("five", ("a", "b", "c", "d", "e"), (), (0.1,) * 5)
RECORDS = "poses.ndjson"


@pytest.mark.parametrize(
    ("frames", "count", "section", "expected"),
    [
        (1000, 1, 64, [(0, None)]),
        (2000, 4, 64, [(0, 448), (448, 960), (960, 1472), (1472, None)]),
        (520, 4, 10, [(0, 130), (130, 260), (260, 390), (390, None)]),
        (50, 4, 16, [(0, 16), (16, 32), (32, None)]),
        (15, 4, 16, [(0, None)]),
        (0, 4, 64, [(0, None)]),
    ],
)
def test_parts_begin_at_sections_and_leave_nothing_out(
    frames: int, count: int, section: int, expected: list[Any]
) -> None:
    got = plan_parts(frames, count, section)
    assert got == [Part(first, end) for first, end in expected]


def write_clip(path: Path, frames: list[Frame], size: tuple[int, int], **options: Any) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5", **options})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def walkers_who_return(
    count: int, frames: int, size: tuple[int, int]
) -> Iterator[tuple[Frame, Poses]]:
    """Yield frames of people who walk out of the picture and come back, and their true poses.

    Everybody wears one colour and walks along a line of their own; at any time about a third are
    out of sight, some for longer than a part of the clip lasts.
    """
    generator = np.random.default_rng(5)
    wall = generator.integers(0, 255, (size[1] // 4, size[0] // 4, 3), np.uint8)
    wall = wall.repeat(4, 0).repeat(4, 1)
    colours = generator.integers(0, 255, (count, 3))
    body = np.array([[0, 0], [8, 10], [-8, 10], [6, 40], [-6, 40]], np.float32)
    rows = np.arange(count) * (size[1] - 50) / count + 4
    for index in range(frames):
        phase = index / (11 + 3 * np.arange(count)) + np.arange(count)
        x = size[0] / 2 + 0.75 * size[0] * np.sin(phase)
        points = np.stack([x, rows], 1)[:, None].astype(np.float32) + body
        boxes = np.concatenate([points.min(1), points.max(1)], 1)
        image = wall.copy()
        for (x1, y1, x2, y2), colour in zip(boxes.astype(int), colours):
            image[y1:y2, max(x1, 0) : max(x2, 0)] = colour
        here = (boxes[:, 0] > 0) & (boxes[:, 2] < size[0])
        ones = np.ones((count, 5))
        poses = Poses(boxes, ones[:, 0], points, ones, ones[:, 0], np.zeros(count)).select(here)
        yield Frame(index, index / 25, image), poses


@pytest.fixture
def knows_everybody(squares: type[SquaresEstimator]) -> Callable[..., SquaresEstimator]:
    """A class of estimators that know the poses of every frame by a number in the picture."""

    class Knows(SquaresEstimator):
        skeleton = FIVE

        def __init__(self, everybody: Any) -> None:
            super().__init__()
            self.everybody = everybody
            self.looked_at = []
            alone = [p.select([row]) for p in everybody for row in range(len(p))]
            self.by_box = {poses.boxes_xyxy.tobytes(): poses for poses in alone}

        def detect(self, images_bgr: list[np.ndarray]) -> list[Boxes]:
            found = []
            for image in images_bgr:
                tiles = image[-4, 4 : 4 + 12 * 8 : 8, 0] > 127
                number = int("".join(str(int(tile)) for tile in tiles), 2)
                self.looked_at.append(number)
                poses = self.everybody[number]
                found.append(Boxes(poses.boxes_xyxy, poses.box_scores))
            return found

        def decode(
            self, heatmaps: torch.Tensor, transforms: list[CropTransform], boxes: Boxes
        ) -> Poses:
            chosen = [self.by_box[box.tobytes()] for box in boxes.boxes_xyxy]
            joined = [np.concatenate([getattr(c, n) for c in chosen]) for n in vars(chosen[0])]
            return Poses(*joined)

    return Knows


def numbered(frame: Frame) -> Frame:
    """The frame with its index written into the picture's last rows, as black and white tiles."""
    image = frame.image_bgr.copy()
    for bit, digit in enumerate(f"{frame.index:012b}"):
        image[-8:, bit * 8 : bit * 8 + 8] = 255 * int(digit)
    return Frame(frame.index, frame.timestamp_s, image)


def test_parts_have_the_identities_of_the_whole_when_people_leave_and_return(
    tmp_path: Path, knows_everybody: Callable[..., SquaresEstimator]
) -> None:
    size = (320, 400)
    frames = list(walkers_who_return(12, 128, size))
    write_clip(tmp_path / "walk.mp4", [numbered(frame) for frame, _ in frames], size, g="20")
    everybody = [poses for _, poses in frames]

    def job(name: str) -> ClipJob:
        plan = OutputPlan(tmp_path / name, video=False)
        return ClipJob(str(tmp_path / "walk.mp4"), plan, options=RunOptions(chunk_frames=16))

    run_job(job("whole"), lambda: NetworkPoses(knows_everybody(everybody)))
    estimators = []

    def run(jobs: list[ClipJob]) -> list[ClipOutcome]:
        estimators.extend(knows_everybody(everybody) for _ in jobs)
        return [
            attempt_job(part, lambda e=e: e)[0]  # type: ignore[misc]
            for part, e in zip(jobs, estimators)
        ]

    outcome = run_in_parts([job("parts")], 4, run)[0]
    assert (outcome.state, outcome.frames) == ("done", 128)
    assert [e.looked_at for e in estimators] == [
        list(range(first, first + 32)) for first in (0, 32, 64, 96)
    ]
    whole, parts = (tmp_path / name / RECORDS for name in ("whole", "parts"))
    assert parts.read_bytes() == whole.read_bytes()
    ids = [set(record.poses.ids.tolist()) for record in read_records(parts, "native")]
    returned = [
        identity
        for identity in set.union(*ids)
        if any(
            identity in a and identity not in b and any(identity in c for c in ids[place + 1 :])
            for place, (a, b) in enumerate(pairwise(ids))
        )
    ]
    assert len(returned) >= 4


@pytest.fixture
def job(tmp_path: Path, people: MakeFrames) -> Callable[..., ClipJob]:
    """A function that returns a job of a clip of squares that stand still, of 40 frames."""
    counts = [2 + (i > 10) + (i > 30) for i in range(40)]
    write_clip(tmp_path / "walk.mp4", people(counts, step=0), (200, 60), g="7")

    def make(name: str, **settings: Any) -> ClipJob:
        plan = OutputPlan(tmp_path / name, ("coco",))
        options = RunOptions(chunk_frames=8, detect_every=2)
        return ClipJob(str(tmp_path / "walk.mp4"), plan, options=options, **settings)

    return make


def one_after_another(estimator: PoseEstimator) -> Callable[[list[ClipJob]], list[ClipOutcome]]:
    """What runs jobs with one estimator."""
    return lambda jobs: [attempt_job(part, lambda: estimator)[0] for part in jobs]


@pytest.mark.parametrize("settings", [{}, {"smooth": True}, {"track": False}])
def test_a_clip_in_parts_gives_the_outputs_of_the_whole_run(
    squares: type[SquaresEstimator],
    job: Callable[..., ClipJob],
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estimator = squares()
    ran = []

    def run(jobs: list[ClipJob]) -> list[ClipOutcome]:
        ran.extend((part.first, part.end) for part in jobs)
        if jobs:
            with pytest.raises(FolderInUseError):
                FolderLock(job("parts").plan.folder)
        return one_after_another(estimator)(jobs)

    monkeypatch.setattr("pipeline.clips.folder_lock._PATIENCE_S", 0.1)
    run_job(job("whole", **settings), lambda: NetworkPoses(estimator))
    frames = []
    outcome = run_in_parts([job("parts", **settings)], 2, run, frames.append)[0]
    assert ran == [(0, 16), (16, None)]
    assert (outcome.state, outcome.frames, len(frames)) == ("done", 40, 40)
    whole, parts = job("whole").plan.folder, job("parts").plan.folder
    for name in (RECORDS, "coco-results.json", "annotated.mp4"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    assert not (parts / ".rmpe").exists()
    summary = json.loads((parts / "summary.json").read_text())
    assert summary["complete"]
    assert summary["network"] == "squares"
    assert "no weights" in summary["engine"]

    again = run_in_parts([job("parts", **settings)], 2, run)[0]
    assert again.state == "already done"
    assert len(ran) == 2
    assert run_job(job("parts", **settings), pytest.fail).already_done


def test_what_a_run_killed_while_it_tidied_up_left_is_removed(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob]
) -> None:
    parts, run = job("parts"), one_after_another(squares())
    assert run_in_parts([parts], 2, run)[0].state == "done"
    folder = parts.plan.folder
    kept = sorted(path.name for path in folder.iterdir())
    (folder / ".rmpe/part000000000-16").mkdir(parents=True)
    (folder / ".rmpe.lock").write_text("1")
    assert run_in_parts([parts], 2, run)[0].succeeded
    assert sorted(path.name for path in folder.iterdir()) == kept


def test_a_part_that_fails_is_the_clips_reason_and_the_others_are_kept(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob], tmp_path: Path
) -> None:
    def run(jobs: list[ClipJob]) -> list[ClipOutcome]:
        outcomes = one_after_another(squares())(jobs)
        return [outcomes[0], replace(outcomes[1], state="failed", reason="its worker died")]

    (tmp_path / "none.mp4").write_text("no clip")
    bad = replace(job("bad"), source=str(tmp_path / "none.mp4"))
    outcomes = run_in_parts([job("parts"), bad], 2, run)
    assert [o.state for o in outcomes] == ["failed", "failed"]
    assert outcomes[0].reason == "its worker died"
    assert "cannot be opened" in outcomes[1].reason
    states = []

    def once_more(jobs: list[ClipJob]) -> list[ClipOutcome]:
        outcomes = one_after_another(squares())(jobs)
        states.extend(outcome.state for outcome in outcomes)
        return outcomes

    assert run_in_parts([job("parts")], 2, once_more)[0].state == "done"
    assert states == ["already done", "already done"]


def test_parts_of_different_engines_are_not_joined(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob]
) -> None:
    def run(jobs: list[ClipJob]) -> list[ClipOutcome]:
        outcomes = []
        for number, part in enumerate(jobs):
            estimator = squares()
            estimator.engine = f"squares, weights {number}"
            outcomes.append(attempt_job(part, lambda e=estimator: e)[0])  # type: ignore[misc]
        return outcomes

    outcome = run_in_parts([job("parts")], 2, run)[0]
    assert outcome.state == "failed"
    assert "different engines" in outcome.reason
    assert "weights 0; " in outcome.reason


def test_a_damaged_clip_is_run_in_one_go(
    squares: type[SquaresEstimator], job: Callable[..., ClipJob], tmp_path: Path
) -> None:
    clip = tmp_path / "walk.mp4"
    with av.open(str(clip)) as container:
        packet = [p for p in container.demux(video=0) if p.size][12]
        at, size = packet.pos, packet.size
    content = bytearray(clip.read_bytes())
    content[at : at + size] = bytes(size)
    clip.write_bytes(content)
    ran = []

    def run(jobs: list[ClipJob]) -> list[ClipOutcome]:
        ran.append(len(jobs))
        return one_after_another(squares())(jobs)

    whole = attempt_job(job("whole"), squares)[0]
    outcome = run_in_parts([job("parts")], 2, run)[0]
    assert (outcome.state, whole.state) == ("damaged", "damaged")
    assert ran == [2, 1]
    names = [job(name).plan.folder / RECORDS for name in ("whole", "parts")]
    assert names[0].read_bytes() == names[1].read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_real_clip_in_four_parts_gives_the_records_of_the_whole_run(
    shared_dir: Path, tmp_path: Path
) -> None:
    estimator = PoseEstimator.from_preset("compact", device="cpu", threads=1)
    clip = str(shared_dir / "data/samples/video/vtest_480x360.avi")

    def job(name: str) -> ClipJob:
        plan = OutputPlan(tmp_path / name)
        options = RunOptions(chunk_frames=16)
        return ClipJob(clip, plan, span=Span(0.0, 12.8), options=options)

    whole = run_job(job("whole"), lambda: NetworkPoses(estimator))
    outcome = run_in_parts([job("parts")], 4, one_after_another(estimator))[0]
    assert (outcome.state, outcome.frames) == ("done", whole.frames)
    for name in (RECORDS, "annotated.mp4"):
        there, here = tmp_path / "parts" / name, tmp_path / "whole" / name
        assert there.read_bytes() == here.read_bytes()
    assert outcome.identities > 1
