"""One set of networks for several cameras: crops that wait at the same time share a network call.

Nobody is made to wait for a fuller batch. While the network works on one call, those of other
cameras gather; whoever is next takes them all along.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from rmpe.estimator import PoseEstimator
from rmpe.heatmaps import Maps
from rmpe.records import Boxes, ImageArray

Part = TypeVar("Part")
Answer = TypeVar("Answer")


class _Call(Generic[Part, Answer]):
    """What one thread asked, and what it gets."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.answers: list[Answer] = []
        self.failure: BaseException | None = None

    @property
    def is_over(self) -> bool:
        return bool(self.answers) or self.failure is not None


class GatheredCalls(Generic[Part, Answer]):
    """Answers calls from several threads, those that wait at the same time in one go.

    Args:
        answer_all: answers several parts together, in their order; never runs twice at a time.
            What it raises reaches every thread whose part was among them.

    Attributes:
        runs: how often ``answer_all`` ran.
        parts: how many parts it answered.
    """

    def __init__(self, answer_all: Callable[[list[Part]], list[Answer]]) -> None:
        self.runs = self.parts = 0
        self._answer_all = answer_all
        self._waiting: list[_Call[Part, Answer]] = []
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def __call__(self, part: Part) -> Answer:
        """Return the answer to one part."""
        call: _Call[Part, Answer] = _Call(part)
        with self._lock:
            self._waiting.append(call)
        with self._turn:
            if not call.is_over:
                self._answer_waiting()
        if call.failure is not None:
            raise call.failure
        return call.answers[0]

    def _answer_waiting(self) -> None:
        with self._lock:
            calls, self._waiting = self._waiting, []
        self.runs += 1
        self.parts += len(calls)
        try:
            answers = self._answer_all([call.part for call in calls])
        except BaseException as error:  # everybody who waits must hear of it
            for call in calls:
                call.failure = error
        else:
            for call, answer in zip(calls, answers):
                call.answers.append(answer)


class SharedEstimator(PoseEstimator):
    """An estimator for several cameras at once, on the networks of another one.

    Args:
        estimator: whose detector and network are used; nobody else may use it meanwhile.

    Attributes:
        crops: the calls of the pose network.
    """

    def __init__(self, estimator: PoseEstimator) -> None:
        super().__init__(
            estimator.detector, estimator.runtime, estimator.conventions, estimator.options
        )
        self.crops: GatheredCalls[ImageArray, Maps] = GatheredCalls(self._infer_all)
        self._pictures: GatheredCalls[Sequence[ImageArray], list[Boxes]] = GatheredCalls(
            self._detect_all
        )

    def detect(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people's boxes in each picture, found together with other cameras' pictures.

        See :meth:`~rmpe.estimator.PoseEstimator.detect`.
        """
        return self._pictures(images_bgr)

    def infer(self, crops_bgr: ImageArray) -> Maps:
        """Return heatmaps (N, V, K, h, w) of crops, which may share a batch with other cameras'.

        See :meth:`~rmpe.estimator.PoseEstimator.infer`.

        Raises:
            ValueError: there is no crop.
        """
        if len(crops_bgr) == 0:
            raise ValueError("infer needs at least one crop, got none")
        return self.crops(crops_bgr)

    def _infer_all(self, parts: list[ImageArray]) -> list[Maps]:
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
        maps = super().infer(joined)
        ends = np.cumsum([len(part) for part in parts]).tolist()
        return [maps[end - len(part) : end] for part, end in zip(parts, ends)]

    def _detect_all(self, parts: list[Sequence[ImageArray]]) -> list[list[Boxes]]:
        found = super().detect([image for part in parts for image in part])
        ends = np.cumsum([len(part) for part in parts]).tolist()
        return [found[end - len(part) : end] for part, end in zip(parts, ends)]
