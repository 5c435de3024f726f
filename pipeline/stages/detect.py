"""Finds the people of each frame, or of those that the rhythm chooses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from pipeline.engine.stage import Stage
from pipeline.items import DetectedFrame
from pipeline.stages.rhythm import DetectionRhythm, EveryNth
from rmpe.records import Boxes, Frame

FindBoxes = Callable[[Sequence[Frame]], list[Boxes]]
"""Gives the boxes of each of several frames."""


class DetectStage(Stage):
    """Frames in, frames with boxes out; those left out with ``boxes=None``, none held back.

    Args:
        find_boxes: gives the boxes of frames.
        rhythm: which frames are searched; every one when None.
    """

    name = "detect"

    def __init__(self, find_boxes: FindBoxes, rhythm: DetectionRhythm | None = None) -> None:
        self._find_boxes = find_boxes
        self._rhythm = rhythm or EveryNth(1)

    def process(self, item: Frame) -> Iterable[DetectedFrame]:
        """Search one frame, or leave it to the poses of the one before."""
        began_s = time.perf_counter()
        if not self._rhythm.wants(began_s):
            return [DetectedFrame(item, None)]
        boxes = self._find_boxes([item])[0]
        self._rhythm.note_detection(time.perf_counter() - began_s)
        return [DetectedFrame(item, boxes)]
