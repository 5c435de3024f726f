"""Finds the people of each frame, or of every n-th frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.engine.stage import Stage
from pipeline.items import DetectedFrame
from rmpe.records import Boxes, Frame

FindBoxes = Callable[[Sequence[Frame]], list[Boxes]]


class DetectStage(Stage):
    """Frames in, frames with boxes out.

    Args:
        find_boxes: gives the boxes of each of several frames.
        detect_every: look at every n-th frame that comes; the others leave with ``boxes=None``.
        batch_size: frames handed to ``find_boxes`` at once; more than 1 pays on a GPU.
        section_frames: no batch spans a multiple of this many frames; 0: batches know no border.

    Raises:
        ValueError: a number is below 1.
    """

    name = "detect"

    def __init__(
        self,
        find_boxes: FindBoxes,
        detect_every: int = 1,
        batch_size: int = 1,
        section_frames: int = 0,
    ) -> None:
        if detect_every < 1 or batch_size < 1:
            raise ValueError(f"allowed is 1 or more, got {detect_every=}, {batch_size=}")
        self._find_boxes = find_boxes
        self._detect_every = detect_every
        self._batch_size = batch_size
        self._section_frames = section_frames
        self._seen = 0
        self._held: list[tuple[Frame, bool]] = []

    def process(self, item: Frame) -> Iterable[DetectedFrame]:
        """Take one frame; return the frames whose boxes are known."""
        self._held.append((item, self._seen % self._detect_every == 0))
        self._seen += 1
        is_full = sum(key for _, key in self._held) >= self._batch_size
        at_border = self._section_frames > 0 and self._seen % self._section_frames == 0
        return self.finish() if is_full or at_border else ()

    def finish(self) -> Iterable[DetectedFrame]:
        """Return the frames held back, with boxes."""
        held, self._held = self._held, []
        keyframes = [frame for frame, is_key in held if is_key]
        found = iter(self._find_boxes(keyframes) if keyframes else [])
        return [DetectedFrame(frame, next(found) if is_key else None) for frame, is_key in held]
