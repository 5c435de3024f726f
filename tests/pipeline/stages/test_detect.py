"""Frames share a call of the detector by their number alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from pipeline.options import RunOptions
from pipeline.stages.detect import DetectStage
from rmpe.records import Boxes, Frame
from rmpe_cli import building
from rmpe_cli.options import EstimatorChoices


class Counting:
    """A detector whose box of a frame has its number as its left side."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []

    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        self.groups.append([frame.index for frame in frames])
        corners = [np.array([[f.index, 0, f.index + 5, 5]], np.float32) for f in frames]
        return [Boxes(box, np.ones(1, np.float32)) for box in corners]


@pytest.mark.parametrize(
    ("batch", "chunk", "groups"),
    [
        (1, 4, [[0], [1], [2], [3], [4], [5], [6]]),
        (3, 0, [[0, 1, 2], [3, 4, 5], [6]]),
        # Nothing is shared across the border of a chunk, where a run may be cut.
        (3, 4, [[0, 1, 2], [3], [4, 5, 6]]),
        (8, 4, [[0, 1, 2, 3], [4, 5, 6]]),
    ],
)
def test_groups_are_full_or_end_with_a_chunk(
    batch: int, chunk: int, groups: list[list[int]]
) -> None:
    detector = Counting()
    stage = DetectStage(detector, None, batch, chunk)
    picture = np.zeros((4, 4, 3), np.uint8)
    found = [out for index in range(7) for out in stage.process(Frame(index, 0.0, picture))]
    found += stage.finish()
    assert detector.groups == groups
    assert [item.frame.index for item in found] == list(range(7))
    assert [int(item.boxes.boxes_xyxy[0, 0]) for item in found if item.boxes] == list(range(7))
    assert list(stage.finish()) == []


def test_groups_need_every_frame_to_be_searched() -> None:
    with pytest.raises(ValueError, match="detect_batch is 4, which needs every frame"):
        RunOptions(detect_batch=4, detect_every=2)
    with pytest.raises(ValueError, match="detect_batch is 0, allowed is 1 or more"):
        RunOptions(detect_batch=0)


@pytest.mark.parametrize(
    ("device", "every", "given", "taken"),
    [("cpu", 1, 0, 1), ("cuda", 1, 0, 8), ("cuda", 2, 0, 1), ("cuda", 1, 3, 3), ("cpu", 1, 4, 4)],
)
def test_a_gpu_gets_several_frames_at_a_time_unless_told_otherwise(
    device: str, every: int, given: int, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rmpe.runtimes.choose_device", torch.device)
    options = building.run_options(EstimatorChoices(device=device), every, given)
    assert options.detect_batch == taken
