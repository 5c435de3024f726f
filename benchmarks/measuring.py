"""What the parts of `bench_pipeline.py` share: settings, a clip without end, one timed run."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import click

from pipeline.assemble import clip_limits
from pipeline.clips.clip import OutputPlan, process_clip
from pipeline.engine.memory import peak_memory_bytes
from pipeline.engine.runner import ChannelLimits
from pipeline.engine.stats import RunStats
from pipeline.items import PosedFrame
from pipeline.options import RunOptions
from pipeline.readers import ClipInfo, ReadReport, VideoReader
from pipeline.sources import NetworkPoses
from pipeline.stages.track import build_tracker
from rmpe.estimator import PoseEstimator
from rmpe.records import Boxes, Frame, ImageArray
from rmpe.runtimes import limit_threads

CLIP = Path(__file__).parents[2] / "shared/data/samples/video/street_crossing_720p.avi"


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    clip: Path
    """A video file."""
    frames: int
    """Frames of the timed runs."""
    rounds: int
    """Runs of each, in turn."""
    ref: str
    """Of git: what this tree is compared with."""
    video_threads: int
    """Threads of the decoder and of the encoder."""


class LoopedReader:
    """A clip played again and again until ``count`` frames have come."""

    def __init__(self, path: Path, count: int, threads: int) -> None:
        self._path, self._count, self._threads = path, count, threads
        self._reader = VideoReader(path, threads=threads)
        self.report = ReadReport()

    @property
    def info(self) -> ClipInfo:
        """The clip's own, but for the number of frames."""
        return replace(self._reader.info, frames_expected=self._count)

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames numbered on over the repetitions."""
        step_s = 1 / (self._reader.info.fps or 25)
        while True:
            for frame in self._reader:
                if self.report.frames == self._count:
                    return
                index = self.report.frames
                self.report.frames += 1
                yield Frame(index, index * step_s, frame.image_bgr)
            self._reader.close()
            self._reader = VideoReader(self._path, threads=self._threads)

    def close(self) -> None:
        """Close the clip."""
        self._reader.close()


class StoredBoxes:
    """Stands for boxes of a file: the same people in every picture, spread evenly over it."""

    def __init__(self, people: int) -> None:
        self._people = people

    def __call__(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the boxes of every picture."""
        found = []
        for image in images_bgr:
            height, width = image.shape[:2]
            columns = min(self._people, 20)
            rows = -(-self._people // columns)
            corners = [
                (
                    place % columns * width / columns,
                    place // columns * height / rows,
                    (place % columns + 1) * width / columns,
                    (place // columns + 1) * height / rows,
                )
                for place in range(self._people)
            ]
            found.append(Boxes(corners, [0.9] * self._people))
        return found


@dataclass(frozen=True)
class Timed:
    """One run of the pipeline."""

    stats: RunStats
    processor_s: float
    """Of all threads."""
    people: int
    identities: int
    written_bytes: dict[str, int]
    """Of every file of the output, by its name."""

    @property
    def cores_busy(self) -> float:
        """Processor seconds a second of the clock."""
        return self.processor_s / self.stats.wall_s

    @property
    def processor_ms_a_frame(self) -> float:
        """Milliseconds."""
        return 1000 * self.processor_s / self.stats.results


def run_pipeline(
    settings: Settings,
    estimator: PoseEstimator,
    *,
    video: bool,
    propagate: bool = False,
    options: RunOptions | None = None,
    reader_type: type[LoopedReader] = LoopedReader,
    on_frame: Callable[[PosedFrame], None] | None = None,
) -> Timed:
    """Time one run of the pipeline."""
    tracker = build_tracker(look=estimator if propagate else None)
    with tempfile.TemporaryDirectory() as folder:
        plan = OutputPlan(Path(folder), video=video, video_threads=settings.video_threads)
        reader = reader_type(settings.clip, settings.frames, settings.video_threads)
        before_s = time.process_time()
        summary = process_clip(
            reader,
            NetworkPoses(estimator),
            plan,
            tracker=tracker,
            options=options,
            on_frame=on_frame,
        )
        processor_s = time.process_time() - before_s
        written = {path.name: path.stat().st_size for path in Path(folder).iterdir()}
    assert summary.stats is not None
    return Timed(summary.stats, processor_s, summary.people, summary.identities, written)


def peak_of_a_run(settings: Settings, queue: int) -> str:
    """Run once with video; return most memory in MB and processor seconds, as JSON."""
    info = VideoReader(settings.clip).info
    limits = replace(clip_limits(RunOptions(), 3 * info.width * info.height), max_items=queue)
    estimator = PoseEstimator.from_preset("compact")
    run = run_pipeline(settings, estimator, video=True, options=RunOptions(limits=limits))
    return json.dumps([peak_memory_bytes() / 2**20, run.processor_s])


def in_turn(calls: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median of what each call gives; each is called once in every round."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(call())
    return {name: median(values) for name, values in found.items()}


@click.command()
@click.argument("clip", type=click.Path(exists=True, dir_okay=False))
@click.argument("frames", type=int)
@click.option("--queue", default=ChannelLimits.max_items, help="Items that may wait in one.")
def main(clip: str, frames: int, queue: int) -> None:
    """Print the most memory of one run, in a process that loads nothing else, and its seconds."""
    settings = Settings(Path(clip), frames, 1, "", limit_threads().video)
    click.echo(peak_of_a_run(settings, queue))


if __name__ == "__main__":
    main()
