"""A program that kills its own runs again and again, and compares what is left in the end.

Children are forked from a process that has imported everything and computed nothing, so a run
costs no start-up. Prints one line of JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import av

from benchmarks.killing import end_of, fork_run, kill, playable_frames
from pipeline.clips.jobs import ClipJob, run_job
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.worklist import attempt_job
from pipeline.fleet.run import run_in_parts
from pipeline.options import RunOptions
from pipeline.sources import NetworkPoses
from rmpe.formats.outputs import unfinished
from rmpe.records import Frame
from tests.helpers.squares import SquaresEstimator, make_squares

FRAMES = 48
PHASES = ("start", "run", "join")
"""When a run is killed: in its first tenth, at any time, while the clip's chunks are joined."""
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"options": RunOptions(chunk_frames=8), "smooth": True, "propagate": True},
    "every third": {"options": RunOptions(chunk_frames=8, detect_every=3)},
    "parts": {"options": RunOptions(chunk_frames=8), "propagate": True},
}
FILES = ["annotated.mp4", "coco-results.json", "poses.ndjson", "summary.json"]


def write_clip(path: Path, frames: Iterable[Frame]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5"})
        stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def interrupted(child: int, phase: str, folder: Path, lasts_s: float, chance: Random) -> int | None:
    """Kill a child in a phase of its run; exit status if it ended before, None if it was killed."""
    if phase == "join":
        status = end_of(child, 60, until=unfinished(folder / "annotated.mp4"))
        time.sleep(chance.uniform(0, 0.003))
    else:
        status = end_of(child, chance.uniform(0, (0.1 if phase == "start" else 1.1) * lasts_s))
    return kill(child) if status is None else status


def outputs(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES[:3]}


def main(target: str, kills: int, seed: int) -> None:
    folder, chance = Path(target), random.Random(seed)
    counts = [chance.randrange(5) for _ in range(FRAMES)]
    write_clip(folder / "walk.mp4", make_squares(counts, step=0))
    estimator: Any = SquaresEstimator(infer_pause_s=0.003, overlooks=True)
    killed, differing, resumed, runs = dict.fromkeys(PHASES, 0), [], [], 0
    for number, (kind, settings) in enumerate(KINDS.items()):

        def work(name: str, kind: str = kind, settings: dict[str, Any] = settings) -> bool:
            job = ClipJob(
                str(folder / "walk.mp4"),
                OutputPlan(folder / name, ("coco",)),
                save_every_s=0.0,
                **settings,
            )
            if kind != "parts":
                return run_job(job, lambda: NetworkPoses(estimator)).succeeded
            attempt_all = lambda jobs: [attempt_job(j, lambda: estimator)[0] for j in jobs]  # noqa: E731
            return run_in_parts([job], 3, attempt_all, get_estimator=lambda: estimator)[0].succeeded

        began = time.monotonic()
        assert end_of(fork_run(lambda: work(f"whole {kind}")), 60) == 0  # noqa: B023
        lasts_s = time.monotonic() - began
        expected = outputs(folder / f"whole {kind}")
        assert playable_frames(folder / f"whole {kind}" / "annotated.mp4") == FRAMES
        enough = kills * (number + 1) // len(KINDS)
        while sum(killed.values()) < enough:
            runs += 1
            trial = folder / f"trial{runs}"
            for _ in range(6):
                phase = PHASES[sum(killed.values()) % len(PHASES)]
                child = fork_run(lambda: work(trial.name))  # noqa: B023
                if sum(killed.values()) >= enough:
                    status = end_of(child, 60)
                else:
                    status = interrupted(child, phase, trial, lasts_s, chance)
                if status is not None:
                    break
                killed[phase] += 1
            else:
                status = end_of(fork_run(lambda: work(trial.name)), 60)  # noqa: B023
            summary = json.loads((trial / "summary.json").read_text())
            resumed.append(summary["resumed_at"])
            same = status == 0 and outputs(trial) == expected
            same &= sorted(path.name for path in trial.iterdir()) == FILES
            same &= summary["frames"] == FRAMES and summary["complete"]
            if not same:
                differing.append(trial.name)
            assert runs <= 10 * kills
    result = {"killed": killed, "runs": runs, "differing": differing, "resumed_at": resumed}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
