"""Runs the pose network on batches and reads the joints of each frame from its heatmaps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from pipeline.engine.stage import Stage
from pipeline.items import BatchPart, CropBatch, HeatmapBatch, PosedFrame
from rmpe.records import Poses

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


class EstimateStage(Stage):
    """Batches of crops in, heatmaps out."""

    name = "estimate"

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def process(self, item: CropBatch) -> Iterable[HeatmapBatch]:
        """Run the network, unless there is nobody in the batch."""
        heatmaps = self._estimator.infer(item.crops_bgr) if len(item.crops_bgr) else None
        return [HeatmapBatch(heatmaps, item.parts)]


class DecodeStage(Stage):
    """Heatmaps of batches in, the poses of whole frames out."""

    name = "decode"

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator
        self._pieces: list[torch.Tensor] = []

    def process(self, item: HeatmapBatch) -> Iterable[PosedFrame]:
        """Give each frame its part of the batch; return the frames that are complete."""
        posed = []
        start = 0
        for part in item.parts:
            if part.count and item.heatmaps is not None:
                self._pieces.append(item.heatmaps[start : start + part.count])
                start += part.count
            if part.is_last:
                posed.append(PosedFrame(part.frame, self._poses(part)))
        return posed

    def _poses(self, part: BatchPart) -> Poses:
        pieces, self._pieces = self._pieces, []
        if not pieces:
            return Poses.empty(self._estimator.skeleton.joint_count)
        heatmaps = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
        return self._estimator.decode(heatmaps, part.transforms, part.boxes)
