"""Crop, network, decoding and suppression in one step, for frames that depend on the one before.

With ``--detect-every N`` the boxes of a frame come from the poses of the frame before, so frames
cannot share batches: a batch holds the people of one frame. Reading, detection of the next
keyframe, tracking, drawing and encoding still run beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.engine.stage import Stage
from pipeline.items import DetectedFrame, PosedFrame
from pipeline.stages.following import FollowParameters
from pipeline.stages.rhythm import DetectionRhythm
from rmpe.records import Poses

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


class FollowStage(Stage):
    """Frames with or without boxes in, suppressed poses out.

    Args:
        estimator: finds joints in boxes.
        parameters: how a pose becomes the next frame's box.
        rhythm: told how long each frame took; None tells nobody.
    """

    name = "estimate"

    def __init__(
        self,
        estimator: PoseEstimator,
        parameters: FollowParameters | None = None,
        rhythm: DetectionRhythm | None = None,
    ) -> None:
        self._estimator = estimator
        self._rhythm = rhythm
        self._parameters = parameters or FollowParameters()
        self._last = Poses.empty(estimator.skeleton.joint_count)

    def process(self, item: DetectedFrame) -> Iterable[PosedFrame]:
        """Estimate one frame, in its own boxes or around the last poses."""
        began_s = time.perf_counter()
        image = item.frame.image_bgr
        boxes = item.boxes
        if boxes is None:
            boxes = self._estimator.limit(self._parameters.next_boxes(self._last), image)
        self._last = self._estimator.suppress(self._estimator.estimate(image, boxes))
        if self._rhythm is not None:
            self._rhythm.note_estimate(time.perf_counter() - began_s)
        return [PosedFrame(item.frame, self._last)]
