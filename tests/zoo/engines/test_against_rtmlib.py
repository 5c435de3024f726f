"""The same ONNX file and boxes through rtmlib and through our pipeline: the same joints."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rmpe.estimator import PoseEstimator
from rmpe.networks import build_network
from rmpe.records import Boxes
from rmpe.zoo.export import export_network

rtmlib = pytest.importorskip("rtmlib", reason="rtmlib is not installed")
pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    ("joint_count", "size"), [(17, (256, 192)), (133, (256, 192)), (26, (384, 288))]
)
def test_joints_are_rtmlibs(joint_count: int, size: tuple[int, int], tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = build_network(f"rtmpose_t_{size[0]}x{size[1]}", joint_count)
    torch.save(network.state_dict(), tmp_path / "net.pth")
    path = tmp_path / "net.onnx"
    export_network(str(tmp_path / "net.pth"), path)
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3)).astype(np.uint8)
    picture = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)
    corners = np.array(
        [[100, 50, 200, 300], [-20, 200, 90, 400], [300, 100, 560, 250], [600, 440, 660, 500]],
        np.float32,
    )
    peer = rtmlib.RTMPose(str(path), model_input_size=size[::-1], device="cpu")
    # rtmlib feeds blue, green, red with the numbers of red, green, blue: its colours are exchanged.
    keypoints, _ = peer(np.ascontiguousarray(picture[..., ::-1]), bboxes=corners.tolist())

    estimator = PoseEstimator.build(
        detector=lambda images: [Boxes.empty() for _ in images],
        weights=str(path),
        runtime="onnxruntime",
        device="cpu",
    )
    poses = estimator.estimate(picture, Boxes(corners, np.ones(len(corners), np.float32)))
    np.testing.assert_allclose(poses.keypoints_xy, keypoints, rtol=0, atol=0.05)
