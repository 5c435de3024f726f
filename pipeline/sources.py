"""Where the poses of a run come from: a network, or files. Each gives the stages that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import rmpe
from pipeline.engine.stage import Stage
from pipeline.options import RunOptions
from pipeline.stages.batching import BatchStage
from pipeline.stages.crop import CropStage
from pipeline.stages.detect import DetectStage, FindBoxes
from pipeline.stages.estimate import DecodeStage, EstimateStage
from pipeline.stages.follow import FollowStage
from pipeline.stages.rhythm import build_rhythm
from pipeline.stages.square import Stretch, in_square_pixels
from pipeline.stages.suppress import SuppressStage
from rmpe.records import Boxes, Frame, ImageArray
from rmpe.skeletons import Skeleton

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


class PoseSource(Protocol):
    """What gives every frame its people."""

    @property
    def skeleton(self) -> Skeleton:
        """Joints of the poses."""

    @property
    def network(self) -> str:
        """What computes them: runtime, device and precision in words."""

    @property
    def engine(self) -> str:
        """The same with digests of the weights; a run goes on only with an equal one."""

    def stages(self, options: RunOptions) -> list[Stage]:
        """Return the stages from frames to poses without identities, for one run."""

    def looker(self) -> PoseEstimator | None:
        """Return the estimator that looks for people who are missing; None if there is none."""


@dataclass(frozen=True)
class NetworkPoses:
    """Poses that an estimator computes; it may serve one run after another."""

    estimator: PoseEstimator
    """Finds people and their joints."""

    @property
    def skeleton(self) -> Skeleton:
        """Joints of the network."""
        return self.estimator.skeleton

    @property
    def network(self) -> str:
        """Runtime, device and precision in words."""
        return self.estimator.runtime.description

    @property
    def engine(self) -> str:
        """Version of this package and the estimator's own words."""
        return f"rmpe {rmpe.__version__}, {self.estimator.engine}"

    def stages(self, options: RunOptions) -> list[Stage]:
        """Return the one list of stages that clips, live runs and the plain loop share."""
        estimator = self.estimator
        find_boxes = boxes_finder(estimator, options)
        rhythm = build_rhythm(options.detect_every)
        detect = DetectStage(find_boxes, rhythm, options.detect_batch, options.chunk)
        if options.detect_every != 1:
            # A frame between two searches looks where its people were: it must wait for them.
            stages: list[Stage] = [detect, FollowStage(estimator, options.follow, rhythm)]
        else:
            stages = [
                detect,
                CropStage(estimator),
                BatchStage(estimator.batch_size, options.batch_frames, options.chunk),
                EstimateStage(estimator),
                DecodeStage(estimator),
                SuppressStage(estimator),
            ]
        return in_square_pixels(stages, *options.pixel_aspect)

    def looker(self) -> PoseEstimator:
        """Return the estimator, which looks for people who are missing too."""
        return self.estimator


def boxes_finder(estimator: PoseEstimator, options: RunOptions) -> FindBoxes:
    """Return what gives a frame's boxes: the file of boxes if there is one, else the detector."""
    precomputed = options.boxes
    if precomputed is None:
        return lambda frames: estimator.detect([frame.image_bgr for frame in frames])

    def from_file(frames: Sequence[Frame]) -> list[Boxes]:
        found = precomputed.find(frames)
        if options.pixel_aspect != (1, 1):
            found = [Stretch.of_aspect(*options.pixel_aspect).boxes_to_square(b) for b in found]
        return [estimator.limit(boxes, frame.image_bgr) for boxes, frame in zip(found, frames)]

    return from_file


def find_nobody(images_bgr: Sequence[ImageArray]) -> list[Boxes]:
    """Be the detector of an estimator whose boxes all come from a file."""
    return [Boxes.empty() for _ in images_bgr]
