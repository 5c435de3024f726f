"""A program that kills its own runs again and again, and compares what is left in the end.

Children are forked from a process that has imported everything and computed nothing, so a run
costs no start-up. Prints one line of JSON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import sys
import time
from fractions import Fraction
from pathlib import Path

import av

from pipeline.assemble import RunOptions
from pipeline.jobs import ClipJob, run_job
from pipeline.outputs import OutputPlan

FRAMES = 64


def load_helpers(path):
    """The estimator and the pictures of the tests' conftest."""
    spec = importlib.util.spec_from_file_location("pipeline_helpers", path)
    helpers = sys.modules["pipeline_helpers"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(helpers)
    return helpers


def write_clip(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"qp": "5"})
        stream.width, stream.height, stream.pix_fmt = 200, 60, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def fork_run(job, estimator):
    """Start the run in a child and return its process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if run_job(job, lambda: estimator).succeeded else 3
        finally:
            os._exit(code)
    return child


def end_of(child, patience_s):
    """Exit status of a child, None if it still runs after the time given."""
    deadline = time.monotonic() + patience_s
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if time.monotonic() > deadline:
            return None
        time.sleep(0.001)


def outputs(folder):
    names = ("poses.ndjson", "coco-results.json", "annotated.mp4")
    return {name: (folder / name).read_bytes() for name in names}


def playable_frames(path):
    with av.open(str(path)) as container:
        return len(list(container.decode(video=0)))


def main(helpers_path, folder, kills, seed):
    helpers, folder, chance = load_helpers(helpers_path), Path(folder), random.Random(seed)
    counts = [chance.randrange(5) for _ in range(FRAMES)]
    write_clip(folder / "walk.mp4", helpers.make_squares(counts, step=0))
    killed = runs = 0
    differing, resumed = [], []
    for detect_every in (1, 3):

        def job(name, every=detect_every):
            return ClipJob(
                str(folder / "walk.mp4"),
                OutputPlan(folder / name, ("coco",)),
                options=RunOptions(section_frames=16, detect_every=every),
                smooth=every == 1,
                save_every_s=0.0,
            )

        estimator = helpers.SquaresEstimator(infer_pause_s=0.008)
        began = time.monotonic()
        reference = job(f"whole{detect_every}")
        assert end_of(fork_run(reference, estimator), 60) == 0
        lasts_s = time.monotonic() - began
        expected = outputs(reference.plan.folder)
        assert playable_frames(reference.plan.folder / "annotated.mp4") == FRAMES
        target = killed + kills // 2 + (kills % 2) * (detect_every == 1)
        while killed < target:
            runs += 1
            trial = job(f"killed{runs}")
            for attempt in range(6):
                child = fork_run(trial, estimator)
                last = attempt == 5 or killed >= target
                status = end_of(child, 60 if last else chance.uniform(0, 1.1 * lasts_s))
                if status is not None:
                    break
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                killed += 1
            summary = json.loads((trial.plan.folder / "summary.json").read_text())
            resumed.append(summary["resumed_at"])
            same = status == 0 and outputs(trial.plan.folder) == expected
            same &= not (trial.plan.folder / ".rmpe").exists()
            same &= summary["frames"] == FRAMES and summary["complete"]
            if not same:
                differing.append(trial.plan.folder.name)
    result = {"killed": killed, "runs": runs, "differing": differing, "resumed_at": resumed}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
