"""Finds the people of each frame, or of those that the rhythm chooses; several frames at a time.

As with crops, which frames share a call of the detector depends on the frames alone: a group is
searched when it is full and at the end of a chunk.
"""

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
    """Frames in, frames with boxes out; those left out with ``boxes=None``.

    Args:
        find_boxes: gives the boxes of frames.
        rhythm: which frames are searched; every one when None.
        batch_frames: frames in one call of ``find_boxes``; more than 1 hold frames back, and go
            with a rhythm that leaves none out.
        chunk_frames: no group spans a multiple of this many frames; 0: groups know no border.

    Raises:
        ValueError: ``batch_frames`` is below 1.
    """

    name = "detect"

    def __init__(
        self,
        find_boxes: FindBoxes,
        rhythm: DetectionRhythm | None = None,
        batch_frames: int = 1,
        chunk_frames: int = 0,
    ) -> None:
        if batch_frames < 1:
            raise ValueError(f"allowed is 1 or more, got {batch_frames=}")
        self._find_boxes = find_boxes
        self._rhythm = rhythm or EveryNth(1)
        self._batch_frames = batch_frames
        self._chunk_frames = chunk_frames
        self._seen = 0
        self._held: list[Frame] = []

    def process(self, item: Frame) -> Iterable[DetectedFrame]:
        """Search one frame or a full group, or leave a frame to the poses of the one before."""
        began_s = time.perf_counter()
        if not self._rhythm.wants(began_s):
            return [DetectedFrame(item, None)]
        self._seen += 1
        self._held.append(item)
        at_border = self._chunk_frames > 0 and self._seen % self._chunk_frames == 0
        if len(self._held) < self._batch_frames and not at_border:
            return ()
        found = self._search()
        self._rhythm.note_detection(time.perf_counter() - began_s)
        return found

    def finish(self) -> Iterable[DetectedFrame]:
        """Search the last group, if there is any."""
        return self._search() if self._held else ()

    def _search(self) -> list[DetectedFrame]:
        frames, self._held = self._held, []
        return [DetectedFrame(*pair) for pair in zip(frames, self._find_boxes(frames))]
