"""A checkpoint file of any family goes into the estimator and gives poses of its skeleton."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rmpe.estimator import EstimatorOptions, PoseEstimator
from rmpe.networks.variants import build_network
from rmpe.records import Boxes
from rmpe.zoo import LoadChoices


@pytest.mark.parametrize(
    ("variant", "heatmaps", "joints"),
    [("rsn18_1stage", 17, 17), ("fastpose_res50", 33, 17)],
)
def test_poses_have_the_joints_of_the_checkpoint(
    tmp_path: Path, variant: str, heatmaps: int, joints: int
) -> None:
    torch.manual_seed(0)
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": build_network(variant, heatmaps).state_dict()}, path)
    box = Boxes(np.array([[20, 10, 80, 120]], np.float32), np.ones(1, np.float32))
    estimator = PoseEstimator.build(
        detector=lambda images: [box for _ in images],
        weights=str(path),
        weights_choices=LoadChoices(input_size_hw=(64, 64)),
        runtime="torch",
        device="cpu",
        precision="fp32",
        options=EstimatorOptions(min_score=0, flip_test=True, nms=None),
    )
    image = np.random.default_rng(0).integers(0, 256, (128, 96, 3), dtype=np.uint8)
    poses = estimator(image)
    assert len(poses) == 1
    assert poses.joint_count == joints
    assert np.isfinite(poses.keypoints_xy).all()


@pytest.mark.parametrize(
    "choices", [LoadChoices(input_size_hw=(256, 192)), LoadChoices(origin="alphapose")]
)
def test_choices_of_a_file_are_not_passed_over_where_there_is_none(choices: LoadChoices) -> None:
    with pytest.raises(ValueError, match="the weights of 'compact' are in the package"):
        PoseEstimator.build(weights_choices=choices, device="cpu")
