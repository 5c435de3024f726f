"""Cuts the network's inputs out of the frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.engine.stage import Stage
from pipeline.items import CroppedFrame, DetectedFrame

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


class CropStage(Stage):
    """Frames with boxes in, frames with crops out."""

    name = "crop"

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def process(self, item: DetectedFrame) -> Iterable[CroppedFrame]:
        """Crop every person of one frame."""
        if item.boxes is None:
            raise ValueError("a frame without boxes cannot be cropped")
        crops, transforms = self._estimator.crop(item.frame.image_bgr, item.boxes)
        return [CroppedFrame(item.frame, item.boxes, crops, tuple(transforms))]
