"""The compact detector around its network: scaling, decoding, suppression, loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch._tensor import Tensor

from rmpe.detectors import build_detector
from rmpe.detectors._boxes import join_sides
from rmpe.detectors._letterbox import Letterbox
from rmpe.detectors.compact import (
    ACCURATE,
    CompactOptions,
    CompactPersonDetector,
    load_compact_network,
    select_boxes,
)
from rmpe.networks.compact_detector import CompactDetector, cell_centres


class OneBoxRuntime:
    """Stands for the network: one person, at a fixed place of the input."""

    description = "one box"

    def __init__(self, box_xyxy: list[float], logit: float = 4.0) -> None:
        self.box, self.logit, self.batches = torch.tensor(box_xyxy), logit, []

    def __call__(self, images_bgr: np.ndarray) -> tuple[Tensor]:
        self.batches.append(images_bgr)
        centres = cell_centres(*images_bgr.shape[1:3])
        output = torch.zeros(len(images_bgr), len(centres), 5)
        output[..., 0] = -20.0
        cell = int((centres - (self.box[:2] + self.box[2:]) / 2).abs().sum(1).argmin())
        output[:, cell, 0] = self.logit
        output[:, cell, 1:3] = centres[cell] - self.box[:2]
        output[:, cell, 3:5] = self.box[2:] - centres[cell]
        return (output,)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1280, 720, (0.5, 640, 360, 640, 384)),
        (1920, 1080, (1 / 3, 640, 360, 640, 384)),
        (480, 640, (1.0, 480, 640, 480, 640)),
        (200, 100, (2.0, 400, 200, 416, 224)),
        (1, 1, (2.0, 2, 2, 32, 32)),
        (3840, 16, (1 / 6, 640, 3, 640, 32)),
    ],
)
def test_the_longer_side_becomes_the_input_side(
    width: int, height: int, expected: tuple[float, int, int, int, int]
) -> None:
    box = Letterbox.fit(width, height, 640, 2.0)
    got = (box.scale, box.content_width, box.content_height, box.width, box.height)
    np.testing.assert_allclose(got, expected)


def test_the_rest_of_the_input_is_grey() -> None:
    box = Letterbox.fit(1280, 720, 640, 2.0)
    canvas = box.apply(np.full((720, 1280, 3), 7, np.uint8))
    assert (canvas[:360] == 7).all() and (canvas[360:] == 114).all()


def test_boxes_come_back_in_picture_pixels() -> None:
    detector = CompactPersonDetector(OneBoxRuntime([99.5, 49.5, 199.5, 249.5]), CompactOptions(640))
    (found,) = detector([np.zeros((720, 1280, 3), np.uint8)])
    np.testing.assert_allclose(found.boxes_xyxy, [[199.5, 99.5, 399.5, 499.5]], atol=1e-3)
    np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-4.0))], rtol=1e-5)


def test_pictures_of_one_size_go_through_together_and_keep_their_order() -> None:
    runtime = OneBoxRuntime([10.0, 10.0, 50.0, 90.0])
    detector = CompactPersonDetector(runtime)
    wide, tall = np.zeros((360, 640, 3), np.uint8), np.zeros((640, 360, 3), np.uint8)
    found = detector([wide, tall, wide])
    assert [len(boxes) for boxes in found] == [1, 1, 1]
    assert sorted(len(batch) for batch in runtime.batches) == [1, 2]


def test_no_pictures_no_boxes() -> None:
    assert CompactPersonDetector(OneBoxRuntime([0.0, 0.0, 9.0, 9.0]))([]) == []


def test_boxes_are_cut_at_the_picture() -> None:
    detector = CompactPersonDetector(
        OneBoxRuntime([-40.0, -30.0, 100.0, 700.0]), CompactOptions(640)
    )
    (found,) = detector([np.zeros((640, 480, 3), np.uint8)])
    assert found.boxes_xyxy.min() == 0 and found.boxes_xyxy[0, 3] == 640


def test_the_better_of_two_overlapping_boxes_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 90], [1, 0, 11, 90], [50, 5, 60, 95], [70, 0, 80, 90]])
    kept = select_boxes(boxes, torch.tensor([0.6, 0.9, 0.4, 0.1]), CompactOptions())
    np.testing.assert_array_equal(kept.boxes_xyxy, [[1, 0, 11, 90], [50, 5, 60, 95]])
    np.testing.assert_allclose(kept.scores, [0.9, 0.4])


def test_small_people_need_a_higher_score() -> None:
    boxes = torch.tensor([[0.0, 0, 30, 63], [50, 0, 80, 64], [90, 0, 120, 63]])
    options = CompactOptions(score_threshold=0.3, small_score_threshold=0.5, small_px=64)
    kept = select_boxes(boxes, torch.tensor([0.49, 0.3, 0.5]), options)
    np.testing.assert_array_equal(kept.boxes_xyxy, [[90, 0, 120, 63], [50, 0, 80, 64]])


def test_from_another_score_small_people_need_as_much_more() -> None:
    options = CompactOptions(score_threshold=0.35, small_score_threshold=0.42).from_score(0.15)
    assert options.score_threshold == 0.15
    assert options.small_score_threshold == pytest.approx(0.22)
    assert CompactOptions().from_score(0.95).small_score_threshold == 1.0


def test_a_box_score_takes_the_place_of_the_detectors_own() -> None:
    detector = build_detector("compact-accurate", device="cpu", box_score=0.2)
    assert isinstance(detector, CompactPersonDetector)
    assert detector.options == ACCURATE.from_score(0.2)
    with pytest.raises(ValueError, match=r"box_score is 1.2, allowed is 0..1"):
        build_detector("compact", box_score=1.2)


def test_torch_and_openvino_find_the_same_people(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = CompactDetector()
    for head in network.heads:
        torch.nn.init.zeros_(head.output.bias)
    path = tmp_path / "weights.safetensors"
    save_file({k: v.half() for k, v in network.state_dict().items()}, str(path))
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    found = [
        build_detector(f"compact:{path}", device="cpu", runtime=name, precision="fp32")([picture])
        for name in ("torch", "openvino")
    ]
    assert len(found[0][0]) > 0
    np.testing.assert_allclose(found[0][0].boxes_xyxy, found[1][0].boxes_xyxy, atol=0.1)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, str(path))
    with pytest.raises(ValueError, match="does not fit the compact detector"):
        load_compact_network(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_compact_network(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_side": 8}, "input_side is 8"),
        ({"score_threshold": 1.5}, "score_threshold is 1.5"),
        ({"small_score_threshold": -1}, "small_score_threshold is -1"),
        ({"max_boxes": 0}, "max_boxes is 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CompactOptions(**settings)


@pytest.mark.parametrize("name", ["nobody", "compact:", "torchvision:", "yolox:", ""])
def test_an_unknown_detector_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown detector '{name}'; supported are compact"):
        build_detector(name)


def test_what_several_sides_find_is_joined() -> None:
    # Two sides see one person, a little apart; only the second sees another.
    first = np.array([[0, 0, 40, 100]], np.float32), np.array([0.6], np.float32)
    second = (
        np.array([[0, 0, 44, 100], [200, 0, 240, 100]], np.float32),
        np.array([0.2, 0.8], np.float32),
    )
    boxes, scores = join_sides([first[0], second[0]], [first[1], second[1]], 0.6, 2.0)
    # The best first: the roots of (0^2 + 0.8^2) / 2 and (0.6^2 + 0.2^2) / 2.
    np.testing.assert_allclose(scores, [0.32**0.5, 0.2**0.5], rtol=1e-6)
    np.testing.assert_allclose(boxes[0], [200, 0, 240, 100])
    np.testing.assert_allclose(boxes[1], [0, 0, (0.6 * 40 + 0.2 * 44) / 0.8, 100], rtol=1e-6)


def test_nothing_at_any_side_is_nobody() -> None:
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    boxes, scores = join_sides([nothing[0]] * 2, [nothing[1]] * 2, 0.6, 4.0)
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_the_network_looks_at_every_side() -> None:
    runtime = OneBoxRuntime([99.5, 49.5, 199.5, 249.5])
    options = CompactOptions(640, other_sides=(320,), best_counts=1.0, score_threshold=0.1)
    (found,) = CompactPersonDetector(runtime, options)([np.zeros((720, 1280, 3), np.uint8)])
    assert [batch.shape[1:3] for batch in runtime.batches] == [(384, 640), (192, 320)]
    # The same place of a smaller input is another place of the picture: two people, half as sure.
    expected = [[199.5, 99.5, 399.5, 499.5], [399.5, 199.5, 799.5, 720]]
    np.testing.assert_allclose(sorted(found.boxes_xyxy.tolist()), expected, atol=0.1)
    np.testing.assert_allclose(found.scores, [0.5 / (1 + np.exp(-4.0))] * 2, rtol=1e-5)


def test_sides_that_are_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="other_sides are"):
        CompactOptions(other_sides=(320, 8))
