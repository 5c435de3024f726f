"""The map of the building: which stages a run has, top to bottom."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

from pipeline.engine.runner import ChannelLimits, Pipeline, Source
from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame
from pipeline.readers.base import Reader
from pipeline.readers.video import Span, VideoReader
from pipeline.stages.batching import BatchStage
from pipeline.stages.crop import CropStage
from pipeline.stages.detect import DetectStage, FindBoxes
from pipeline.stages.estimate import DecodeStage, EstimateStage
from pipeline.stages.follow import FollowStage
from pipeline.stages.following import FollowRule
from pipeline.stages.stored import StoredPoses, StoredStage
from pipeline.stages.suppress import SuppressStage
from pipeline.stages.track import Tracker, TrackStage, build_tracker
from pipeline.writers.base import Writer, WriteStage
from rmpe.detectors.precomputed import PrecomputedBoxes
from rmpe.records import Boxes, Frame, ImageArray

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

PoseSource: TypeAlias = Union["PoseEstimator", StoredPoses]
"""Where the poses of a run come from."""


@dataclass(frozen=True)
class RunOptions:
    """What a run does beside the estimator's own options."""

    detect_every: int = 1
    """Detect people in every n-th frame; in between, look around their last poses."""
    detect_batch: int = 1
    """Frames that the detector gets at once; more than 1 pays on a GPU."""
    boxes: PrecomputedBoxes | None = None
    """Boxes by frame index to use instead of the detector."""
    follow: FollowRule = field(default_factory=FollowRule)
    """How a pose becomes the next frame's box, with ``detect_every`` above 1."""
    limits: ChannelLimits = field(default_factory=ChannelLimits)
    """How much may wait between stages."""
    section_frames: int = 64
    """Batches start afresh after this many frames; a run can be cut there without any effect."""

    def __post_init__(self) -> None:
        for name in ("detect_every", "detect_batch", "section_frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, allowed is 1 or more")

    @property
    def section(self) -> int:
        """Frames of one section: ``section_frames`` made a multiple of ``detect_every``.

        The first frame of a section is looked at by the detector and shares no batch with frames
        before, so its poses do not depend on where a run began.
        """
        return -(-self.section_frames // self.detect_every) * self.detect_every


def assemble(
    reader: Reader,
    estimator: PoseSource,
    options: RunOptions | None = None,
    tracker: Tracker | None = None,
    writers: Iterable[tuple[str, Writer]] = (),
) -> Pipeline:
    """Return the pipeline of one clip; iterating it gives :class:`PosedFrame` in frame order.

    Args:
        reader: where frames come from; it is closed at the end.
        estimator: finds people and their joints; it may serve one clip after another. Or poses
            that are stored.
        options: how the run goes.
        tracker: gives identities; None leaves every id 0.
        writers: what is written, as (name, writer); they are closed at the end.
    """
    options = options or RunOptions()
    stages = pose_stages(estimator, options)
    if tracker is not None:
        stages += [TrackStage(tracker)]
    stages += [WriteStage(f"write {name}", writer) for name, writer in writers]
    return Pipeline(Source(reader, close=reader.close), stages, options.limits)


def pose_stages(estimator: PoseSource, options: RunOptions) -> list[Stage]:
    """Return the stages from frames to poses without identities."""
    if isinstance(estimator, StoredPoses):
        return [StoredStage(estimator)]
    detect = DetectStage(
        boxes_finder(estimator, options),
        options.detect_every,
        options.detect_batch,
        options.section,
    )
    if options.detect_every > 1:
        return [detect, FollowStage(estimator, options.follow)]
    return [
        detect,
        CropStage(estimator),
        BatchStage(estimator.options.batch_size, section_frames=options.section),
        EstimateStage(estimator),
        DecodeStage(estimator),
        SuppressStage(estimator),
    ]


def boxes_finder(estimator: PoseEstimator, options: RunOptions) -> FindBoxes:
    """Return what gives a frame's boxes: the file of boxes if there is one, else the detector."""
    precomputed = options.boxes
    if precomputed is None:
        return lambda frames: estimator.detect([frame.image_bgr for frame in frames])

    def from_file(frames: Sequence[Frame]) -> list[Boxes]:
        found = precomputed.find(frames)
        return [estimator.limit(boxes, frame.image_bgr) for boxes, frame in zip(found, frames)]

    return from_file


def find_nobody(images_bgr: Sequence[ImageArray]) -> list[Boxes]:
    """Be the detector of an estimator whose boxes all come from a file."""
    return [Boxes.empty() for _ in images_bgr]


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
    yield from assemble(reader, estimator, options, tracker, writers)
