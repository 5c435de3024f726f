"""Threads go where the work is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from rmpe.runtimes import limit_threads
from rmpe_cli.building import threads_for
from rmpe_cli.options import EstimatorChoices


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the counts of the whole process as they were."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    counts = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(counts[0])
    cv2.setNumThreads(counts[1])


@pytest.mark.parametrize(
    ("cores", "networks", "threads"), [(1, 2, 1), (2, 2, 1), (2, 1, 2), (9, 2, 4), (9, 1, 9)]
)
def test_networks_share_the_cores_and_one_alone_has_them_all(
    cores: int, networks: int, threads: int
) -> None:
    counts = limit_threads(cores, networks=networks)
    assert (counts.openvino, counts.torch, torch.get_num_threads()) == (threads,) * 3


@pytest.mark.parametrize(("boxes", "threads"), [(None, 2), (Path("boxes.json"), 4)])
def test_without_a_detector_the_pose_network_has_all_cores(boxes: Any, threads: int) -> None:
    assert threads_for(EstimatorChoices(boxes=boxes), 4).openvino == threads
