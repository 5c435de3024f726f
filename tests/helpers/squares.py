"""Small stages, sources and an estimator for these tests, and a check that no thread is left."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from pipeline.engine.stage import Stage
from pipeline.readers.base import ClipInfo, ReadReport
from rmpe.geometry.crop import ALPHAPOSE, CropTransform
from rmpe.records import Boxes, Frame, Poses
from rmpe.skeletons import Skeleton


@pytest.fixture(autouse=True)
def no_thread_left():
    """Fail a test that leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and set(threading.enumerate()) - before:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()


def make_frames(count, size=(4, 4), start=0):
    """Yield frames 0..count-1 whose every pixel is the frame's index modulo 256."""
    for index in range(start, start + count):
        image = np.full((*size, 3), index % 256, np.uint8)
        yield Frame(index, index / 10, image)


@dataclass
class FunctionStage(Stage):
    """A stage out of a function of one item; remembers how it was closed."""

    function: object
    name: str = "work"
    last: tuple = ()
    closed: list = field(default_factory=list)

    def process(self, item):
        return [self.function(item)]

    def finish(self):
        return self.last

    def close(self, complete):
        self.closed.append(complete)


@pytest.fixture
def frames():
    """The function :func:`make_frames`."""
    return make_frames


@pytest.fixture
def stage():
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
        self, batch_size=4, min_score=0.0, max_people=0, infer_pause_s=0.0, overlooks=False
    ):
        self.batch_size = batch_size
        self.options = SimpleNamespace(max_people=max_people, association=None)
        self.runtime = SimpleNamespace(description="squares")
        self.engine = "squares, no weights"
        self.min_score, self.max_people = min_score, max_people
        self.infer_pause_s = infer_pause_s
        self.overlooks = overlooks
        self.batches = []
        self.detected = 0

    def detect(self, images_bgr):
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

    def limit(self, boxes, image_bgr):
        return boxes.select(np.arange(len(boxes))[: self.max_people or None])

    def crop(self, image_bgr, boxes):
        transforms = [CropTransform.from_person_box(b, 32, 32, ALPHAPOSE) for b in boxes.boxes_xyxy]
        crops = [transform.warp(image_bgr) for transform in transforms]
        return np.array(crops, np.uint8).reshape(-1, 32, 32, 3), transforms

    def infer(self, crops_bgr):
        assert len(crops_bgr)
        time.sleep(self.infer_pause_s)
        self.batches.append(len(crops_bgr))
        grey = torch.from_numpy(crops_bgr[..., 0].astype(np.float32) / 255)
        small = torch.nn.functional.avg_pool2d(grey, 4)
        return torch.stack([small, small.flip(2), 1 - small], 1)

    def decode(self, heatmaps, transforms, boxes):
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

    def estimate(self, image_bgr, boxes):
        if not len(boxes):
            return Poses.empty(3)
        crops, transforms = self.crop(image_bgr, boxes)
        return self.decode(self.infer(crops), transforms, boxes)

    def suppress(self, poses):
        return poses.select(poses.scores >= self.min_score)


@pytest.fixture
def squares():
    """The class :class:`SquaresEstimator`."""
    return SquaresEstimator


def make_squares(counts, size=(60, 200), step=1):
    """Yield frames with ``counts[i]`` squares of 12 px that walk ``step`` px a frame."""
    for index, count in enumerate(counts):
        image = np.zeros((*size, 3), np.uint8)
        for number in range(count):
            left, top = 8 + 26 * number + step * index, 10 + 5 * number
            image[top : top + 12, left : left + 12] = 80 + 20 * number
            image[top + 2 : top + 5, left + 2 : left + 6] = 250
        yield Frame(index, index / 25, image)


@pytest.fixture
def people():
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
    def info(self):
        height, width = self.frames[0].image_bgr.shape[:2] if self.frames else (0, 0)
        return ClipInfo("memory", width, height, self.fps, len(self.frames))

    def __iter__(self):
        for frame in self.frames:
            self.report.frames += 1
            yield frame

    def close(self):
        self.closed += 1


@pytest.fixture
def reader():
    """The class :class:`ListReader`."""
    return ListReader
