"""The compact preset's own network: the pipeline gives what the plain loop gives."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.assemble import assemble, run_plain
from pipeline.options import RunOptions
from pipeline.sources import NetworkPoses
from rmpe.detectors.precomputed import PrecomputedBoxes
from rmpe.estimator import EstimatorOptions, PoseEstimator
from rmpe.records import Boxes, Frame
from rmpe.synthetic.world.clips import walkers_scene
from tests.helpers.squares import ListReader
from tracking import OnlineTracker


@pytest.fixture(scope="module")
def scene() -> tuple[list[Frame], PrecomputedBoxes]:
    """Six frames of three drawn walkers, and their true boxes."""
    walkers = walkers_scene(3, 320, 240, seed=3)
    truths = [walkers.frame_at(number) for number in range(6)]
    frames = [Frame(truth.index, truth.timestamp_s, truth.image_bgr) for truth in truths]
    boxes = {t.index: Boxes(t.boxes_xyxy, np.ones(len(t))) for t in truths}
    return frames, PrecomputedBoxes(boxes)


@pytest.fixture(scope="module")
def estimator() -> PoseEstimator:
    """The compact network in fp32; its boxes come from the scene."""
    built = PoseEstimator.build(
        detector=lambda images: [Boxes.empty() for _ in images],
        precision="fp32",
        threads=1,
        options=EstimatorOptions(min_score=0.0, batch_size=7),
    )
    conventions = built.conventions
    built.infer(np.zeros((1, conventions.input_height, conventions.input_width, 3), np.uint8))
    return built  # compiled, so that the engine's own threads are there before the test


@pytest.mark.parametrize("detect_every", [1, 2])
def test_pipeline_and_plain_loop_agree(
    scene: tuple[list[Frame], PrecomputedBoxes],
    estimator: PoseEstimator,
    reader: type[ListReader],
    detect_every: int,
) -> None:
    frames, boxes = scene
    options = RunOptions(detect_every=detect_every, boxes=boxes)
    plain = list(run_plain(frames, estimator, options, OnlineTracker()))
    piped = list(assemble(reader(frames), NetworkPoses(estimator), options, OnlineTracker()))
    assert [frame.index for frame, _ in piped] == list(range(6))
    assert sum(len(poses) for _, poses in piped) >= 12
    for (_, one), (_, other) in zip(plain, piped):
        np.testing.assert_array_equal(one.ids, other.ids)
        # Batches of other sizes add up in another order: equal but for the last bits.
        np.testing.assert_allclose(one.keypoints_xy, other.keypoints_xy, atol=0.02)
        np.testing.assert_allclose(one.keypoint_scores, other.keypoint_scores, atol=1e-4)
        np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=0.03)
