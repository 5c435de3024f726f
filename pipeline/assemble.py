"""The map of the building: a reader, the stages of a pose source, a tracker, writers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.engine.inline import run_inline
from pipeline.engine.runner import ChannelLimits, Pipeline, Source
from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame, bytes_of, frame_index_of
from pipeline.options import RunOptions
from pipeline.readers.base import Reader
from pipeline.readers.span import Span
from pipeline.readers.video import VideoReader
from pipeline.sources import NetworkPoses, PoseSource
from pipeline.stages.batching import BATCH_BYTES
from pipeline.stages.track import FRAMES_HELD_BACK, Tracker, TrackStage, build_tracker
from pipeline.writers.base import Writer, WriteStage
from rmpe.records import Frame
from rmpe.runtimes.threads import available_cores

_CORES_FED = 8

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


def assemble(
    reader: Reader,
    poses: PoseSource,
    options: RunOptions | None = None,
    tracker: Tracker | None = None,
    writers: Iterable[tuple[str, Writer]] = (),
    *,
    late_names: bool = True,
    watch: Sequence[Stage] = (),
    interrupt: Callable[[], None] = lambda: None,
) -> Pipeline:
    """Return the pipeline of one run; iterating it gives :class:`PosedFrame` in frame order.

    Args:
        reader: where frames come from; it is closed at the end.
        poses: gives every frame its people.
        options: how the run goes.
        tracker: gives identities; None leaves every id 0.
        writers: what is written, as (name, writer); they are closed at the end.
        late_names: hold frames back for a moment, so that who waits for an identity has it from the
            first sighting on.
        watch: stages between tracker and writers that look at results and hand them on.
        interrupt: wakes a reader that waits for a camera, when the run is over.
    """
    options = replace(options or RunOptions(), pixel_aspect=reader.info.pixel_aspect)
    stages = [
        *poses.stages(options),
        *([] if tracker is None else [TrackStage(tracker, options.chunk if late_names else 0)]),
        *watch,
        *(WriteStage(f"write {name}", writer) for name, writer in writers),
    ]
    source = Source(reader, close=reader.close, interrupt=interrupt)
    limits = options.limits or clip_limits(options, 3 * reader.info.width * reader.info.height)
    return Pipeline(source, stages, limits, size_of=bytes_of, index_of=frame_index_of)


def clip_limits(options: RunOptions, frame_bytes: int) -> ChannelLimits:
    """Return how much of a clip may be under way: what stages hold back, and two frames a core.

    Args:
        options: how the run goes.
        frame_bytes: of one picture; 0 if they differ.
    """
    for_batch = options.batch_frames
    if frame_bytes:
        for_batch = min(for_batch, BATCH_BYTES // frame_bytes + 1)
    held_back = options.detect_batch + for_batch + FRAMES_HELD_BACK
    beside = 2 * min(available_cores(), _CORES_FED)
    return ChannelLimits(under_way_items=held_back + beside, under_way_least=held_back + 2)


def run_plain(
    frames: Iterable[Frame],
    estimator: PoseEstimator,
    options: RunOptions | None = None,
    tracker: Tracker | None = None,
) -> Generator[PosedFrame, None, None]:
    """Yield (frame, poses) for every frame, without threads and one frame after another.

    It is the yardstick of :func:`assemble`: the same stages, but every frame's crops are a batch.

    Args:
        frames: a reader, or any frames in order.
        estimator: finds people and their joints.
        options: how the run goes.
        tracker: gives identities; None leaves every id 0.
    """
    alone = replace(options or RunOptions(), batch_frames=1)
    stages = NetworkPoses(estimator).stages(alone)
    if tracker is not None:
        stages.append(TrackStage(tracker, alone.chunk))
    yield from run_inline(frames, stages)


def run_video(
    source: str | Path | Reader,
    estimator: PoseEstimator | None = None,
    *,
    span: Span | None = None,
    options: RunOptions | None = None,
    track: bool = True,
    smooth: bool = False,
    propagate: bool = True,
    writers: Iterable[tuple[str, Writer]] = (),
) -> Generator[PosedFrame, None, None]:
    """Yield (frame, poses) for every frame of a clip, in order; nothing is kept.

    Leaving the loop early (or closing the generator) ends the run and its threads.

    Args:
        source: a video file, an address, or any reader.
        estimator: the compact preset's when None.
        span: part of the clip, for a file or address.
        options: how the run goes.
        track: give people identities that last for the clip.
        smooth: smooth the joints of every identity over time.
        propagate: with identities, look for people whom the detector missed where they should be;
            not where boxes come from a file.
        writers: see :func:`assemble`.

    Raises:
        OSError: the source cannot be opened.
        StageError: a stage failed; ``__cause__`` says why.
    """
    build_tracker(track, smooth)
    reader = VideoReader(source, span) if isinstance(source, (str, Path)) else source
    if estimator is None:
        from rmpe.estimator import PoseEstimator

        estimator = PoseEstimator.from_preset("compact")
    look = estimator if propagate and (options is None or options.boxes is None) else None
    tracker = build_tracker(track, smooth, look)
    yield from assemble(reader, NetworkPoses(estimator), options, tracker, writers)
