"""The same run without threads, one frame after another: the yardstick of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pipeline.assemble import RunOptions, boxes_finder
from pipeline.items import PosedFrame
from pipeline.stages.track import Tracker
from rmpe.records import Boxes, Frame, Poses

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


def run_plain(
    frames: Iterable[Frame],
    estimator: PoseEstimator,
    options: RunOptions | None = None,
    tracker: Tracker | None = None,
) -> Iterator[PosedFrame]:
    """Yield (frame, poses) for every frame, as :func:`pipeline.assemble.assemble` would.

    Args:
        frames: a reader, or any frames in order.
        estimator: finds people and their joints.
        options: ``detect_every``, ``boxes`` and ``follow`` are used.
        tracker: gives identities; None leaves every id 0.
    """
    options = options or RunOptions()
    find_boxes = boxes_finder(estimator, options)
    last = Poses.empty(estimator.skeleton.joint_count)
    for count, frame in enumerate(frames):
        boxes: Boxes
        if count % options.detect_every == 0:
            boxes = find_boxes([frame])[0]
        else:
            boxes = estimator.limit(options.follow.next_boxes(last), frame.image_bgr)
        last = estimator.suppress(estimator.estimate(frame.image_bgr, boxes))
        yield PosedFrame(frame, last if tracker is None else tracker.update(frame, last))
