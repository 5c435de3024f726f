"""Drops poses that are copies of others or too weak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


class SuppressStage(Stage):
    """Poses of a frame in, the kept ones out."""

    name = "suppress"

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        """Suppress within one frame."""
        return [PosedFrame(item.frame, self._estimator.suppress(item.poses))]
