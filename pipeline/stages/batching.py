"""Gathers crops of several people and frames into batches of one size, and gives them back.

Which crops share a batch depends on the frames alone, never on timing: a batch is sent when it is
full, when ``max_frames`` frames have crops in it, when their pictures are large and at the end of a
chunk. Two runs over a clip make the same batches, also when one of them was cut at the end of a
chunk and resumed: an engine need not give the same bits in batches of another size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.engine.stage import Stage
from pipeline.items import CropBatch, CroppedFrame, FrameCrops
from rmpe.records import ImageArray

BATCH_BYTES = 24 * 2**20
"""A batch waits for no further frame when the pictures of its frames hold so many bytes."""


class BatchStage(Stage):
    """Frames with crops in, batches of at most ``batch_size`` crops out.

    Args:
        batch_size: crops of a full batch.
        max_frames: frames that may share a batch, so that a clip with few people neither waits
            long nor piles up pictures.
        chunk_frames: no batch spans a multiple of this many frames; 0: batches know no border.
        max_bytes: a batch is sent too when its frames' pictures hold so many bytes.

    Raises:
        ValueError: a limit is below 1.
    """

    name = "batch"

    def __init__(
        self,
        batch_size: int,
        max_frames: int = 8,
        chunk_frames: int = 0,
        max_bytes: int = BATCH_BYTES,
    ) -> None:
        if batch_size < 1 or max_frames < 1:
            raise ValueError(f"allowed is 1 or more, got {batch_size=}, {max_frames=}")
        self._max_bytes = max_bytes
        self._batch_size = batch_size
        self._max_frames = max_frames
        self._chunk_frames = chunk_frames
        self._seen = 0
        self._crops: list[ImageArray] = []
        self._frames: list[FrameCrops] = []
        self._count = 0
        self._bytes = 0

    def process(self, item: CroppedFrame) -> Iterator[CropBatch]:
        """Take the crops of one frame; yield the batches that became full."""
        start, total = 0, len(item.crops_bgr)
        self._seen += 1
        at_border = self._chunk_frames > 0 and self._seen % self._chunk_frames == 0
        while True:
            count = min(total - start, self._batch_size - self._count)
            last = start + count == total
            self._frames.append(FrameCrops(item.frame, item.boxes, item.transforms, count, last))
            if count:
                self._crops.append(item.crops_bgr[start : start + count])
            self._count += count
            self._bytes += item.frame.image_bgr.nbytes
            start += count
            is_full = (
                self._count == self._batch_size
                or len(self._frames) >= self._max_frames
                or self._bytes >= self._max_bytes
            )
            if is_full or (last and at_border):
                yield self._batch()
            if last:
                return

    def finish(self) -> Iterable[CropBatch]:
        """Return the last batch, if there is any."""
        return [self._batch()] if self._frames else []

    def _batch(self) -> CropBatch:
        empty = np.zeros((0, 1, 1, 3), np.uint8)
        crops = np.concatenate(self._crops) if self._crops else empty
        batch = CropBatch(crops, tuple(self._frames))
        self._crops, self._frames, self._count, self._bytes = [], [], 0, 0
        return batch
