"""Small stages, sources and an estimator for these tests, and a check that no thread is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch._tensor import Tensor

from pipeline.engine.stage import Stage
from pipeline.readers.base import ClipInfo, ReadReport
from rmpe.geometry.crop import ALPHAPOSE, CropTransform
from rmpe.records import Boxes, Frame, Poses
from rmpe.skeletons import Skeleton

MakeFrames = Callable[..., Iterator[Frame]]
"""What makes frames: the fixtures ``frames`` and ``people``."""


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and set(threading.enumerate()) - before:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()


def make_frames(count: int, size: tuple[int, int] = (4, 4), start: int = 0) -> Iterator[Frame]:
    """Yield frames 0..count-1 whose every pixel is the frame's index modulo 256."""
    for index in range(start, start + count):
        image = np.full((*size, 3), index % 256, np.uint8)
        yield Frame(index, index / 10, image)


@dataclass
class FunctionStage(Stage):
    """A stage out of a function of one item; remembers how it was closed."""

    function: Callable[[Any], Any]
    name: str = "work"
    last: tuple = ()
    closed: list = field(default_factory=list)

    def process(self, item: Any) -> list[Any]:
        return [self.function(item)]

    def finish(self) -> Sequence[Any]:
        return self.last

    def close(self, complete: bool) -> None:
        self.closed.append(complete)


@pytest.fixture
def frames() -> MakeFrames:
    """The function :func:`make_frames`."""
    return make_frames


@pytest.fixture
def stage() -> type[FunctionStage]:
    """The class :class:`FunctionStage`."""
    return FunctionStage


TRIANGLE = Skeleton("triangle", ("a", "b", "c"), ((0, 1), (1, 2)), (0.1, 0.1, 0.1))


class SquaresEstimator:
    """An estimator of its own small world: every bright square is a person.

    Joints are where the crop, its mirror image and its negative are brightest on an 8x8 grid, so
    every step from box to joint has an effect on the result. With ``overlooks`` the detector does
    not see the last of an odd number of people.
    """

    skeleton = TRIANGLE

    def __init__(
        self,
        batch_size: int = 4,
        min_score: float = 0.0,
        max_people: int = 0,
        infer_pause_s: float = 0.0,
        overlooks: bool = False,
    ) -> None:
        self.batch_size = batch_size
        self.options = SimpleNamespace(max_people=max_people, association=None)
        self.runtime = SimpleNamespace(description="squares")
        self.engine = "squares, no weights"
        self.min_score, self.max_people = min_score, max_people
        self.infer_pause_s = infer_pause_s
        self.overlooks = overlooks
        self.batches = []
        self.detected = 0

    def detect(self, images_bgr: list[np.ndarray]) -> list[Boxes]:
        self.detected += len(images_bgr)
        found = []
        for image in images_bgr:
            mask = (image[..., 0] > 40).astype(np.uint8)
            table = cv2.connectedComponentsWithStats(mask)[2][1:]
            boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], 1)
            if self.overlooks and len(boxes) % 2:
                boxes = boxes[:-1]
            found.append(self.limit(Boxes(boxes, np.ones(len(boxes))), image))
        return found

    def limit(self, boxes: Boxes, image_bgr: np.ndarray) -> Boxes:
        return boxes.select(np.arange(len(boxes))[: self.max_people or None])

    def crop(self, image_bgr: np.ndarray, boxes: Boxes) -> tuple[np.ndarray, list[CropTransform]]:
        transforms = [CropTransform.from_person_box(b, 32, 32, ALPHAPOSE) for b in boxes.boxes_xyxy]
        crops = [transform.warp(image_bgr) for transform in transforms]
        return np.array(crops, np.uint8).reshape(-1, 32, 32, 3), transforms

    def infer(self, crops_bgr: np.ndarray) -> Tensor:
        assert len(crops_bgr)
        time.sleep(self.infer_pause_s)
        self.batches.append(len(crops_bgr))
        grey = torch.from_numpy(crops_bgr[..., 0].astype(np.float32) / 255)
        small = torch.nn.functional.avg_pool2d(grey, 4)
        return torch.stack([small, small.flip(2), 1 - small], 1)

    def decode(self, heatmaps: Tensor, transforms: list[CropTransform], boxes: Boxes) -> Poses:
        count = len(boxes)
        assert heatmaps.shape == (count, 3, 8, 8)
        assert len(transforms) == count
        best = heatmaps.reshape(count, 3, 64).max(2)
        grid = torch.stack([best.indices % 8, best.indices // 8], 2).numpy() * 4 + 2
        points = np.stack([t.to_image(p) for t, p in zip(transforms, grid)])
        scores = best.values.numpy()
        return Poses(
            boxes.boxes_xyxy, boxes.scores, points, scores, scores.mean(1), np.zeros(count)
        )

    def estimate(self, image_bgr: np.ndarray, boxes: Boxes) -> Poses:
        if not len(boxes):
            return Poses.empty(3)
        crops, transforms = self.crop(image_bgr, boxes)
        return self.decode(self.infer(crops), transforms, boxes)

    def suppress(self, poses: Poses) -> Poses:
        return poses.select(poses.scores >= self.min_score)


@pytest.fixture
def squares() -> type[SquaresEstimator]:
    """The class :class:`SquaresEstimator`."""
    return SquaresEstimator


def make_squares(
    counts: Iterable[int], size: tuple[int, int] = (60, 200), step: int = 1
) -> Iterator[Frame]:
    """Yield frames with ``counts[i]`` squares of 12 px that walk ``step`` px a frame."""
    for index, count in enumerate(counts):
        image = np.zeros((*size, 3), np.uint8)
        for number in range(count):
            left, top = 8 + 26 * number + step * index, 10 + 5 * number
            image[top : top + 12, left : left + 12] = 80 + 20 * number
            image[top + 2 : top + 5, left + 2 : left + 6] = 250
        yield Frame(index, index / 25, image)


@pytest.fixture
def people() -> MakeFrames:
    """The function :func:`make_squares`."""
    return make_squares


@dataclass
class ListReader:
    """A reader over frames in memory."""

    frames: list
    fps: float = 25.0
    closed: int = 0
    report: ReadReport = field(default_factory=ReadReport)

    @property
    def info(self) -> ClipInfo:
        height, width = self.frames[0].image_bgr.shape[:2] if self.frames else (0, 0)
        return ClipInfo("memory", width, height, self.fps, len(self.frames))

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            self.report.frames += 1
            yield frame

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def reader() -> type[ListReader]:
    """The class :class:`ListReader`."""
    return ListReader
