"""What batching crops across clips could save: many clips of few frames beside one long clip.

    python benchmarks/bench_short_clips.py [--clip FILE] [--clips 20] [--frames 5]

A worklist of short clips is compared with one clip that has all their frames, where crops share
batches throughout. Processor time is that of the whole process with its networks warm, so a busy
machine hardly matters; the difference holds opening and closing files and the smaller batches
together, so it is more than batching alone could save. Below it, the pose network's time for a
crop in batches of different size.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipeline.clips.clip import ClipSummary
from pipeline.clips.jobs import ClipJob
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.worklist import ClipOutcome, run_worklist
from pipeline.items import PosedFrame
from pipeline.readers import ClipInfo, Span, VideoReader
from rmpe.estimator import PoseEstimator
from rmpe.records import ImageArray
from rmpe.runtimes import limit_threads

CLIP = Path(__file__).parents[2] / "shared/data/samples/video/street_crossing_720p.avi"


class Silent:
    """A watcher that tells nothing."""

    def started(self, job: ClipJob, info: ClipInfo, done: int) -> None:
        """Nothing."""

    def advanced(self, result: PosedFrame) -> None:
        """Nothing."""

    def ended(self, outcome: ClipOutcome, summary: ClipSummary | None) -> None:
        """Nothing."""


def write_clip(path: Path, pictures: list[ImageArray]) -> None:
    """Write pictures as a clip of 25 frames a second, each its own keyframe."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        options = {"crf": "20", "preset": "ultrafast", "g": "1"}
        stream = container.add_stream("libx264", rate=Fraction(25), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))


def seconds_of(sources: list[Path], output: Path, estimator: PoseEstimator) -> float:
    """Return the processor seconds of a worklist."""
    jobs = [ClipJob(str(path), OutputPlan(output / path.stem)) for path in sources]
    began = time.process_time()
    outcomes = run_worklist(jobs, lambda: estimator, Silent())
    if not all(outcome.succeeded for outcome in outcomes):
        raise SystemExit(outcomes[0].reason)
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--frames", type=int, default=5)
    given = parser.parse_args()
    threads = limit_threads(1)
    estimator = PoseEstimator.from_preset("compact", device="cpu", threads=threads.openvino)
    total = given.clips * given.frames
    reader = VideoReader(given.clip, Span(), end=total)
    pictures = [frame.image_bgr for frame in reader]
    reader.close()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        short = [folder / f"short{number}.mp4" for number in range(given.clips)]
        for number, path in enumerate(short):
            write_clip(path, pictures[number * given.frames : (number + 1) * given.frames])
        write_clip(folder / "long.mp4", pictures)
        seconds_of(short[:2], folder / "warm", estimator)
        apart = seconds_of(short, folder / "apart", estimator)
        together = seconds_of([folder / "long.mp4"], folder / "together", estimator)
    print(f"{given.clips} clips of {given.frames} frames: {1e3 * apart / total:.1f} ms a frame")
    print(f"one clip of {total} frames: {1e3 * together / total:.1f} ms a frame")
    crops = np.concatenate(
        [estimator.crop(image, estimator.detect([image])[0])[0] for image in pictures[:8]]
    )
    print(f"{len(crops) / 8:.1f} crops a frame; pose network, ms a crop in a batch of:")
    for size in (1, 2, 4, 8, 16):
        calls = max(32 // size, 2)
        estimator.infer(crops[:size])
        began = time.process_time()
        for _ in range(calls):
            estimator.infer(crops[:size])
        print(f"  {size}: {1e3 * (time.process_time() - began) / calls / size:.2f}")


if __name__ == "__main__":
    main()
