"""Parts of `bench_pipeline.py`: searching fewer frames, and memory by the size of the pictures."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from statistics import median

import av
import cv2
from measuring import LoopedReader, Settings, Timed, run_pipeline
from parity import EXAMPLE, differences
from tables import Table, as_table

from pipeline.options import RunOptions
from pipeline.readers import VideoReader
from pipeline.stages.rhythm import DetectEvery
from rmpe.estimator import PoseEstimator
from rmpe.records import Frame, Poses

RHYTHMS: tuple[DetectEvery, ...] = (1, 2, 3, 5, "auto")
RHYTHM_FRAMES = 100
FOUR_K = (3840, 2160)
FOUR_K_FRAMES = 48
QUEUES = (8, 64)


class PacedReader(LoopedReader):
    """Gives every frame at its time, as a camera does."""

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames, none before its time."""
        began_s = time.monotonic()
        for frame in super().__iter__():
            time.sleep(max(began_s + frame.timestamp_s - time.monotonic(), 0))
            yield frame


def part_rhythm(settings: Settings) -> Table:
    """What searching fewer frames for people saves, and whom it loses."""
    estimator = PoseEstimator.from_preset("compact")
    timed = replace(settings, frames=min(settings.frames, RHYTHM_FRAMES))
    runs: dict[DetectEvery, list[Timed]] = {every: [] for every in RHYTHMS}
    poses: dict[DetectEvery, list[Poses]] = {}
    for _ in range(settings.rounds):
        for every, found in runs.items():
            seen = poses[every] = []
            options = RunOptions(detect_every=every)
            reader = PacedReader if every == "auto" else LoopedReader
            run = run_pipeline(
                timed,
                estimator,
                video=False,
                propagate=True,
                options=options,
                reader_type=reader,
                on_frame=lambda result, seen=seen: seen.append(result.poses),
            )
            found.append(run)
    rows = []
    for every, found in runs.items():
        cost_ms = median(run.processor_ms_a_frame for run in found)
        people = found[-1].people / timed.frames
        both, same, middle, *_ = differences(poses[1], poses[every])
        name = "auto, at the clip's own speed" if every == "auto" else str(every)
        rows.append((name, f"{cost_ms:.0f} ms", f"{people:.2f}", both, same, middle))
    return as_table(
        f"`--detect-every`, records only, {timed.frames} frames; people a frame, and beside a "
        "search of every frame (joints: the median)",
        ("every", "processor a frame", "people", "found by both", "same identity", "joints apart"),
        rows,
    )


def part_memory(settings: Settings) -> Table:
    """Most memory by the size of the pictures, and by how many items may wait in a queue."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.mp4"
        write_large(settings.clip, large)
        rows = [
            _held("example clip", EXAMPLE, 150, QUEUES[0]),
            _held(settings.clip.stem, settings.clip, 150, QUEUES[0]),
            *(_held("its pictures as 4K", large, FOUR_K_FRAMES, queue) for queue in QUEUES),
            _held("its pictures as 4K", large, 2 * FOUR_K_FRAMES, QUEUES[0]),
        ]
    return as_table(
        "Memory, records and video, by the size of a picture (BGR) and what may wait in a queue",
        ("clip", "size", "frames", "a queue", "a picture", "most memory"),
        rows,
    )


def write_large(source: Path, target: Path) -> None:
    """Write the first frames of a clip in 4K."""
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast"})
        stream.width, stream.height = FOUR_K
        stream.pix_fmt = "yuv420p"
        for frame in islice(VideoReader(source), FOUR_K_FRAMES):
            picture = cv2.resize(frame.image_bgr, FOUR_K)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))


def _held(name: str, clip: Path, frames: int, queue: int) -> tuple[str, ...]:
    """Return a row: most memory of a process that runs so many frames of a clip."""
    script = str(Path(__file__).with_name("measuring.py"))
    command = [sys.executable, script, str(clip), str(frames), "--queue", str(queue)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    memory_mb, _ = json.loads(done.stdout)
    info = VideoReader(clip).info
    picture_mb = 3 * info.width * info.height / 2**20
    size = f"{info.width}x{info.height}"
    cells = (str(frames), f"{queue} items", f"{picture_mb:.1f} MB", f"{memory_mb:.0f} MB")
    return (name, size, *cells)
