"""Runs the pose network on batches and reads the joints of each frame from its heatmaps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.engine.stage import Stage
from pipeline.items import CropBatch, FrameCrops, HeatmapBatch, PosedFrame
from rmpe.heatmaps import Maps, join_maps
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
        return [HeatmapBatch(heatmaps, item.frames)]


class DecodeStage(Stage):
    """Heatmaps of batches in, the poses of whole frames out."""

    name = "decode"

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator
        self._held: list[Maps] = []

    def process(self, item: HeatmapBatch) -> Iterable[PosedFrame]:
        """Give each frame its share of the batch; return the frames that are complete."""
        posed = []
        start = 0
        for its in item.frames:
            if its.count and item.heatmaps is not None:
                self._held.append(item.heatmaps[start : start + its.count])
                start += its.count
            if its.is_last:
                posed.append(PosedFrame(its.frame, self._poses(its)))
        return posed

    def _poses(self, its: FrameCrops) -> Poses:
        held, self._held = self._held, []
        if not held:
            return Poses.empty(self._estimator.skeleton.joint_count)
        heatmaps = join_maps(held)
        return self._estimator.decode(heatmaps, its.transforms, its.boxes)
