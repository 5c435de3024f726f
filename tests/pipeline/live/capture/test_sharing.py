"""One set of networks for several cameras: who waits shares a call, and gets its own answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy import ndarray

from pipeline.live.sharing import GatheredCalls, SharedEstimator
from rmpe.estimator import PoseEstimator
from rmpe.synthetic import walkers_scene

PATIENCE_S = 10


def test_who_waits_while_the_network_works_shares_the_next_call(
    wait_for: Callable[..., None],
) -> None:
    began, go_on, sizes = threading.Event(), threading.Event(), []

    def double_all(parts: Any) -> Any:
        sizes.append(len(parts))
        began.set()
        assert go_on.wait(PATIENCE_S)
        return [2 * part for part in parts]

    calls = GatheredCalls(double_all)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(calls, 1)
        assert began.wait(PATIENCE_S)
        others = [pool.submit(calls, number) for number in range(2, 7)]
        wait_for(lambda: len(calls._waiting) == 5)
        go_on.set()
        assert [first.result(), *(other.result() for other in others)] == [2, 4, 6, 8, 10, 12]
    assert sizes == [1, 5], "one call alone, then all that waited"
    assert (calls.runs, calls.parts) == (2, 6)


def test_what_a_call_fails_of_reaches_who_shared_it_and_nobody_later() -> None:
    def fail_at_zero(parts: Any) -> Any:
        return [1 / part for part in parts]

    calls = GatheredCalls(fail_at_zero)
    with pytest.raises(ZeroDivisionError):
        calls(0)
    assert calls(4) == 0.25


@pytest.fixture(scope="module")
def compact() -> PoseEstimator:
    """The bundled networks."""
    return PoseEstimator("compact")


@pytest.fixture(scope="module")
def scenes() -> list[ndarray]:
    """Two drawn pictures of different sizes with people in them."""
    sizes = ((640, 480), (480, 360))
    return [
        walkers_scene(2, width, height, seed=seed).frame_at(60).image_bgr
        for seed, (width, height) in enumerate(sizes)
    ]


def test_cameras_get_the_poses_of_their_own_pictures(
    compact: PoseEstimator, scenes: list[ndarray]
) -> None:
    alone = [compact(scene) for scene in scenes]
    assert all(len(found) for found in alone)
    shared = SharedEstimator(compact)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(shared, [*scenes, *scenes, *scenes, *scenes]))
    for place, found in enumerate(together):
        wanted = alone[place % 2]
        assert len(found) == len(wanted)
        np.testing.assert_allclose(found.boxes_xyxy, wanted.boxes_xyxy, atol=1.0)
        np.testing.assert_allclose(found.keypoints_xy, wanted.keypoints_xy, atol=1.5)
    assert shared.crops.parts >= 8


def test_no_crops_are_a_mistake_of_the_caller(compact: PoseEstimator) -> None:
    with pytest.raises(ValueError, match="at least one crop"):
        SharedEstimator(compact).infer(np.empty((0, 256, 192, 3), np.uint8))
