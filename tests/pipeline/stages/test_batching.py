"""Batches across people and frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from pipeline.items import CroppedFrame
from pipeline.stages.batching import BatchStage
from rmpe.records import Boxes, Frame

BLANK = np.zeros((2, 2, 3), np.uint8)


def cropped(index: int, count: int) -> CroppedFrame:
    """A frame of ``count`` people whose crops hold 10 * index + number."""
    crops = np.zeros((count, 1, 1, 3), np.uint8)
    crops[:] = (10 * index + np.arange(count)).reshape(-1, 1, 1, 1)
    boxes = Boxes(np.zeros((count, 4)), np.zeros(count))
    return CroppedFrame(Frame(index, 0.0, BLANK), boxes, crops, tuple(range(count)))


def batches(counts: Iterable[int], batch_size: int, max_frames: int = 8, **limits: Any) -> Any:
    """What comes out: (crops' values, [(frame, crops of it, is it complete)])."""
    stage = BatchStage(batch_size, max_frames, **limits)
    made = [b for i, count in enumerate(counts) for b in stage.process(cropped(i, count))]
    return [
        (
            batch.crops_bgr[:, 0, 0, 0].tolist() if len(batch.crops_bgr) else [],
            [(its.frame.index, its.count, its.is_last) for its in batch.frames],
        )
        for batch in [*made, *stage.finish()]
    ]


def test_a_batch_is_filled_over_frames_and_a_crowd_is_spread_over_batches() -> None:
    assert batches([3, 7], batch_size=4) == [
        ([0, 1, 2, 10], [(0, 3, True), (1, 1, False)]),
        ([11, 12, 13, 14], [(1, 4, False)]),
        ([15, 16], [(1, 2, True)]),
    ]


def test_frames_without_people_travel_along_in_order() -> None:
    assert batches([0, 2, 0, 2], batch_size=4) == [
        ([10, 11, 30, 31], [(0, 0, True), (1, 2, True), (2, 0, True), (3, 2, True)])
    ]


def test_an_exactly_full_frame_leaves_nothing_behind() -> None:
    assert batches([4, 0], batch_size=4) == [([0, 1, 2, 3], [(0, 4, True)]), ([], [(1, 0, True)])]


def test_few_people_do_not_hold_frames_for_ever() -> None:
    made = batches([0] * 5, batch_size=4, max_frames=2)
    assert [len(parts) for _, parts in made] == [2, 2, 1]
    assert all(values == [] for values, _ in made)


def test_large_pictures_do_not_wait_for_each_other() -> None:
    made = batches([1] * 5, batch_size=4, max_bytes=2 * BLANK.nbytes)
    assert [len(parts) for _, parts in made] == [2, 2, 1]
    made = batches([1, 6], batch_size=4, max_bytes=1)
    assert [values for values, _ in made] == [[0], [10, 11, 12, 13], [14, 15]]


def test_nothing_in_nothing_out() -> None:
    assert batches([], batch_size=4) == []


@pytest.mark.parametrize("sizes", [(0, 8), (4, 0)])
def test_sizes_below_one_are_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        BatchStage(*sizes)


def test_no_batch_spans_the_border_of_a_chunk_so_a_cut_there_changes_nothing() -> None:
    stage = BatchStage(4, chunk_frames=3)
    made = [b for i in range(7) for b in stage.process(cropped(i, 3))]
    frames = [[its.frame.index for its in batch.frames] for batch in [*made, *stage.finish()]]
    assert frames == [[0, 1], [1, 2], [2], [3, 4], [4, 5], [5], [6]]
