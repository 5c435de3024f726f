"""RTMDet's boxes: a hand-worked picture, and mmdet's numbers where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from rmpe.detectors import build_detector
from rmpe.detectors.rtmdet import (
    RtmdetDetector,
    RtmdetOptions,
    decode_rtmdet,
    letterboxed,
)
from rmpe.networks import build_network


def empty_levels(side: int = 64) -> tuple[list[Tensor], list[Tensor]]:
    """Scores and boxes of three strides without anybody."""
    scores = [torch.full((1, side // s, side // s), -9.0) for s in (8, 16, 32)]
    boxes = [torch.zeros(4, side // s, side // s) for s in (8, 16, 32)]
    return scores, boxes


def test_a_box_lies_around_its_cells_corner() -> None:
    scores, boxes = empty_levels()
    scores[1][0, 2, 1] = 0.0  # stride 16, row 2, column 1: corner (16, 32)
    boxes[1][:, 2, 1] = torch.tensor([4.0, 10.0, 6.0, 20.0])
    found, values = decode_rtmdet(scores, boxes, (64, 64), RtmdetOptions())
    assert found.tolist() == [[12.0, 22.0, 22.0, 52.0]]
    assert values.tolist() == [0.5]


def test_boxes_are_cut_to_the_picture_and_empty_ones_dropped() -> None:
    scores, boxes = empty_levels()
    scores[0][0, 0, 0] = scores[0][0, 7, 7] = 2.0
    boxes[0][:, 0, 0] = torch.tensor([5.0, 5.0, 60.0, 30.0])
    boxes[0][:, 7, 7] = torch.tensor([1.0, 1.0, 4.0, 4.0])  # below row 40, where the picture ends
    found, _ = decode_rtmdet(scores, boxes, (40, 50), RtmdetOptions())
    assert found.tolist() == [[0.0, 0.0, 50.0, 30.0]]


def test_nobody_is_normal() -> None:
    found, values = decode_rtmdet(*empty_levels(), (64, 64), RtmdetOptions())
    assert (found.shape, values.shape) == ((0, 4), (0,))


def test_a_picture_is_fitted_as_mmcv_does() -> None:
    canvas, size = letterboxed(np.zeros((427, 640, 3), np.uint8), 320, 320)
    assert size == (214, 320)
    assert canvas.shape == (320, 320, 3)
    assert not canvas[:214].any()
    assert (canvas[214:] == 114).all()


class Planted:
    """A runtime that sees one person in the middle of every picture."""

    description = "planted"
    weights_digest = ""

    def __call__(self, images_bgr: np.ndarray) -> tuple[Tensor, ...]:
        scores, boxes = empty_levels(images_bgr.shape[1])
        scores[2][0, 1, 1] = 3.0
        boxes[2][:, 1, 1] = torch.tensor([16.0, 24.0, 16.0, 24.0])
        return tuple(torch.stack([level] * len(images_bgr)) for level in (*scores, *boxes))


def test_boxes_come_back_in_the_pictures_own_pixels() -> None:
    detector = RtmdetDetector(Planted(), 64, 64)
    pictures = [np.zeros((128, 128, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)]
    large, small = detector(pictures)
    assert small.boxes_xyxy.tolist() == [[16.0, 8.0, 48.0, 56.0]]
    assert large.boxes_xyxy.tolist() == [[32.0, 16.0, 96.0, 112.0]]
    assert detector([]) == []


@pytest.fixture(scope="module")
def nano_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the smallest RTMDet under mmdet's containers."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("rtmdet") / "nano.pth"
    torch.save({"state_dict": build_network("rtmdet_nano", 1).state_dict(), "meta": {}}, path)
    return path


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_a_file_runs_as_a_detector_by_its_name(nano_file: Path, runtime: str) -> None:
    detector = build_detector(
        f"rtmdet:{nano_file}",
        device="cpu",
        runtime=runtime,  # type: ignore[arg-type]
        precision="fp32",
        box_score=0.0,
    )
    assert isinstance(detector, RtmdetDetector)
    boxes = detector([np.random.default_rng(0).integers(0, 255, (90, 120, 3)).astype(np.uint8)])[0]
    assert 0 < len(boxes) <= 100
    assert (boxes.boxes_xyxy[:, 2:] <= [120, 90]).all()
    assert (np.diff(boxes.scores) <= 0).all()


def test_a_detector_and_a_pose_network_are_not_taken_for_each_other(
    nano_file: Path, tmp_path: Path
) -> None:
    from rmpe.zoo import load

    with pytest.raises(ValueError, match="holds rtmdet_nano, a person detector"):
        load(nano_file)
    pose = tmp_path / "pose.pth"
    torch.save(build_network("rtmpose_t_64x64", 17).state_dict(), pose)
    with pytest.raises(ValueError, match="holds rtmpose_t, a pose network"):
        build_detector(f"rtmdet:{pose}")


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("person", RtmdetOptions(score_threshold=0.05)),
        ("score005_iou065", RtmdetOptions(score_threshold=0.05, nms_iou=0.65)),
        (
            "coco",
            RtmdetOptions(
                score_threshold=0.001, nms_iou=0.65, boxes_per_level=30000, max_boxes=300
            ),
        ),
    ],
)
def test_mmdet_is_reproduced(key: str, options: RtmdetOptions, shared_dir: Path) -> None:
    case = np.load(shared_dir / "reference/algorithms/rtmdet/person_320_a.npz")
    scores = [
        torch.from_numpy(case[f"cls_{s}_q"][0].astype(np.float32)) / 2**11 for s in (8, 16, 32)
    ]
    boxes = [torch.from_numpy(case[f"box_{s}_q"][0].astype(np.float32)) / 2**4 for s in (8, 16, 32)]
    rows, columns = (int(side) for side in case["resized_shape"])
    found, values = decode_rtmdet(scores, boxes, (rows, columns), options)
    np.testing.assert_allclose(values, case[f"out_{key}_scores"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found, case[f"out_{key}_boxes"], rtol=0, atol=1e-4)
    scale = np.tile(case["scale_factor"], 2)
    original = found.numpy() / scale
    np.testing.assert_allclose(original, case[f"out_{key}_boxes_original"], rtol=0, atol=2e-4)
    height, width = (int(side) for side in case["original_shape"])
    assert letterboxed(np.zeros((height, width, 3), np.uint8), 320, 320)[1] == (rows, columns)
    np.testing.assert_allclose(scale[:2], [columns / width, rows / height], rtol=1e-12)
